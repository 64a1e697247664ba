import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checkpointFault, checkpointText, ledgerName, readCheckpoint } from '#core/checkpoint/checkpoint.ts'
import { createShelf } from '#core/checkpoint/shelf.ts'
import { type NoteSigner, signCheckpoint } from '#core/checkpoint/sign.ts'
import { isPgctlError } from '#core/errors.ts'
import { openLedger } from '#core/vendor/ledger.ts'
import { digestOf, EMPTY_HEAD, type Head, nextRow } from '#core/vendor/rows.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryStore } from '../../support/memory-store.ts'

const INSTALLATION = `ins-${'ab'.repeat(16)}`
const ROWS = `egress/${INSTALLATION}/rows/`
const NOW = Date.UTC(2026, 10, 26)

class TestSigner implements NoteSigner {
  readonly #keys = generateKeyPairSync('ed25519')
  readonly signed: string[] = []

  async publicKey(): Promise<Uint8Array> {
    return new Uint8Array(this.#keys.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32))
  }

  async sign(message: Uint8Array): Promise<Uint8Array> {
    this.signed.push(Buffer.from(message).toString('utf8'))
    return new Uint8Array(sign(null, message, this.#keys.privateKey))
  }
}

const keyName = (seq: number) => ROWS + String(seq).padStart(10, '0')

async function stage(length: number) {
  const store = new MemoryStore()
  const clock = new ManualClock()
  const ledger = openLedger({
    store,
    installation: INSTALLATION,
    clock,
    random: (size) => new Uint8Array(size).fill(7),
  })
  const add = async (count: number) => {
    for (let at = 0; at < count; at++)
      await ledger.append({ event: 'switch', kind: 'analytics', on: at % 2 === 0, trigger: 'person' })
  }
  await add(length)
  const signer = new TestSigner()
  const shelf = createShelf(store, INSTALLATION)
  const now = { at: NOW }
  const checkpoint = () => signCheckpoint({ installation: INSTALLATION, ledger, shelf, signer, now: now.at })
  return {
    store,
    ledger,
    add,
    signer,
    shelf,
    checkpoint,
    key: { name: ledgerName(INSTALLATION), publicKey: await signer.publicKey() },
  }
}

/** Writes the rows from `from` on anew, as somebody would who may write the table and knows the format. */
function rewrite(store: MemoryStore, from: number, count: number): void {
  let head: Head = EMPTY_HEAD
  for (let seq = 1; seq <= count; seq++) {
    const { value } = store.documents.get(keyName(seq)) as { value: { line: string } }
    let { line } = value
    if (seq >= from) {
      const { v: _, seq: __, at, prev: ___, ...entry } = JSON.parse(line)
      line = nextRow(head, { ...entry, trigger: 'schedule' }, Date.parse(at)).line
      store.documents.set(keyName(seq), { value: { line }, version: 'x' })
    }
    head = { seq, digest: digestOf(line) }
  }
  store.documents.set(`egress/${INSTALLATION}/head`, { value: head, version: 'x' })
}

describe('a checkpoint of the ledger', () => {
  it('is a note with the name, the length, the digest and the time', async () => {
    const { checkpoint, ledger, signer } = await stage(3)
    const signed = await checkpoint()
    assert.equal(signed.kind, 'signed')
    const digest = Buffer.from((await ledger.head()).digest, 'base64url').toString('base64')
    assert.deepEqual(signer.signed, [
      `pgctl-ledger/${INSTALLATION}\n3\n${digest}\nat 2026-11-26T00:00:00.000Z\n`,
    ])
  })

  it('is read back as it was made (property)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 40 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (seq, bytes) => {
          const text = checkpointText(INSTALLATION, {
            head: { seq, digest: Buffer.from(bytes).toString('base64url') },
            at: NOW,
          })
          assert.equal(text.split('\n')[1], String(seq))
          assert.equal(
            Buffer.from(text.split('\n')[2] as string, 'base64').toString('hex'),
            Buffer.from(bytes).toString('hex'),
          )
        },
      ),
    )
  })

  it('is made of nothing for an empty ledger, and of nothing new for one that has not grown', async () => {
    const { checkpoint, add, signer } = await stage(0)
    const { kind, checkpoint: none, note } = await checkpoint()
    assert.deepEqual([kind, none, note], ['unchanged', undefined, undefined])
    await add(2)
    assert.equal((await checkpoint()).kind, 'signed')
    assert.equal((await checkpoint()).kind, 'unchanged')
    assert.equal(signer.signed.length, 1)
  })

  it('shows rows that were taken off the end', async () => {
    const { checkpoint, key, shelf } = await stage(5)
    await checkpoint()
    const { note } = (await shelf.newest()) as { note: string }
    const read = readCheckpoint(note, key)
    assert.ok(read.kind === 'signed')
    assert.match(checkpointFault(read.checkpoint, 4, undefined) ?? '', /taken off the end/)
  })

  it('shows a ledger that was written anew from any row up to it, which its own chain does not (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), async (from) => {
        const { checkpoint, key, shelf, store, ledger } = await stage(6)
        await checkpoint()
        rewrite(store, from, 6)
        assert.deepEqual((await ledger.review()).faults, [], 'the chain alone does not show it')
        const read = readCheckpoint(((await shelf.newest()) as { note: string }).note, key)
        assert.ok(read.kind === 'signed')
        assert.match(checkpointFault(read.checkpoint, 6, await ledger.line(6)) ?? '', /written anew/)
      }),
    )
  })

  it('is never signed over a ledger that does not go on from the last one', async () => {
    for (const damage of ['rewritten', 'shortened', 'broken behind it'] as const) {
      const { checkpoint, add, store, signer } = await stage(4)
      await checkpoint()
      await add(2)
      if (damage === 'rewritten') rewrite(store, 2, 6)
      if (damage === 'shortened') {
        for (const seq of [3, 4, 5, 6]) store.documents.delete(keyName(seq))
        const { value } = store.documents.get(keyName(2)) as { value: { line: string } }
        store.documents.set(`egress/${INSTALLATION}/head`, {
          value: { seq: 2, digest: digestOf(value.line) },
          version: 'x',
        })
      }
      if (damage === 'broken behind it')
        store.documents.set(keyName(5), { value: { line: '{}' }, version: 'x' })
      await assert.rejects(checkpoint(), (error) => isPgctlError(error, 'unhealthy'), damage)
      assert.equal(signer.signed.length, 1, damage)
    }
  })

  it('is not taken for one that another key has signed, nor for one of another installation', async () => {
    const one = await stage(2)
    const other = await stage(2)
    await one.checkpoint()
    const { note } = (await one.shelf.newest()) as { note: string }
    assert.equal(readCheckpoint(note, other.key).kind, 'refused')
    assert.equal(readCheckpoint(note, { ...one.key, name: 'pgctl-ledger/ins-other' }).kind, 'refused')
  })

  it('costs what was added since, however long the ledger is', async () => {
    const reads = async (length: number) => {
      const { checkpoint, add, store } = await stage(length)
      await checkpoint()
      await add(3)
      let count = 0
      const read = store.read.bind(store)
      store.read = (key) => {
        count++
        return read(key)
      }
      await checkpoint()
      return count
    }
    assert.equal(await reads(4), await reads(200))
  })
})
