import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PgctlError } from '#core/errors.ts'
import { openLedger } from '#core/vendor/ledger.ts'
import type { Entry } from '#core/vendor/rows.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryStore } from '../../support/memory-store.ts'

const INSTALLATION = `ins-${'ab'.repeat(16)}`
const ROWS = `egress/${INSTALLATION}/rows/`
const HEAD = `egress/${INSTALLATION}/head`

function ledgerOn(store: MemoryStore) {
  return openLedger({
    store,
    installation: INSTALLATION,
    clock: new ManualClock(),
    random: (length) => new Uint8Array(length).fill(7),
  })
}

const intent = (kind: 'license' | 'billing' | 'analytics' = 'license'): Entry => ({
  event: 'intent',
  kind,
  schema: `${kind}/1`,
  host: 'vendor.example',
  attempt: 1,
  trigger: 'person',
  bytes: 2,
  mac: '',
  body: {},
})
const outcome = (of: number): Entry => ({
  event: 'outcome',
  intent: of,
  result: 'answered',
  status: 200,
  bytes: 0,
  ms: 0,
  code: null,
})
const turned = (on: boolean): Entry => ({ event: 'switch', kind: 'analytics', on, trigger: 'person' })

async function filled(length: number) {
  const store = new MemoryStore()
  const ledger = ledgerOn(store)
  for (let at = 0; at < length; at += 2) await ledger.append(outcome(await ledger.append(intent())))
  return { store, ledger }
}

const rowKey = (seq: number) => ROWS + String(seq).padStart(10, '0')

describe('the ledger', () => {
  it('numbers rows from one, and reads them back as they were written', async () => {
    const { ledger } = await filled(4)
    assert.deepEqual(JSON.parse((await ledger.line(1)) as string).seq, 1)
    assert.equal(await ledger.line(5), undefined)
    const review = await ledger.review()
    assert.deepEqual([review.rows, review.sent.license, review.open, review.faults], [4, 2, [], []])
  })

  it('shows a request that was announced and has no outcome', async () => {
    const { ledger } = await filled(2)
    await ledger.append(intent())
    assert.deepEqual((await ledger.review()).open, [3])
  })

  it('shows any row that was changed, taken out or exchanged (property)', async () => {
    const damage = fc.constantFrom('change', 'remove', 'exchange', 'empty')
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 7 }), damage, async (seq, how) => {
        const { store, ledger } = await filled(8)
        const own = store.documents.get(rowKey(seq))
        const next = store.documents.get(rowKey(seq + 1))
        assert.ok(own !== undefined && next !== undefined)
        const line = (own.value as { line: string }).line
        if (how === 'change')
          store.documents.set(rowKey(seq), {
            ...own,
            value: { line: line.replace('"ms":0', '"ms":1').replace('person', 'boot') },
          })
        if (how === 'remove') store.documents.delete(rowKey(seq))
        if (how === 'empty') store.documents.set(rowKey(seq), { ...own, value: {} })
        if (how === 'exchange') {
          store.documents.set(rowKey(seq), next)
          store.documents.set(rowKey(seq + 1), own)
        }
        assert.notDeepEqual((await ledger.review()).faults, [])
      }),
    )
  })

  it('shows rows that were taken off its end while the head stayed', async () => {
    const { store, ledger } = await filled(8)
    store.documents.delete(rowKey(8))
    assert.deepEqual(
      (await ledger.review()).faults.map(({ seq }) => seq),
      [8],
    )
  })

  it('goes on where a writer had ended between the row and the head', async () => {
    const { store, ledger } = await filled(2)
    const before = store.documents.get(HEAD)
    await ledger.append(intent())
    if (before !== undefined) store.documents.set(HEAD, before)
    assert.equal(await ledger.append(outcome(3)), 4)
    const review = await ledger.review()
    assert.deepEqual([review.rows, review.faults], [4, []])
  })

  it('of many writers at once none forks it, and none loses a row', async () => {
    const store = new MemoryStore()
    const writers = Array.from({ length: 5 }, () => ledgerOn(store))
    const numbers = await Promise.all(
      writers.flatMap((ledger) => [1, 2, 3].map(() => ledger.append(intent()))),
    )
    assert.deepEqual(
      numbers.toSorted((a, b) => a - b),
      Array.from({ length: 15 }, (_, at) => at + 1),
    )
    const review = await ledgerOn(store).review()
    assert.deepEqual([review.rows, review.faults], [15, []])
  })

  it('adds a row with the same number of accesses, however long it is', async () => {
    const count = async (length: number) => {
      const { store } = await filled(length)
      let accesses = 0
      const counting = new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name)
          if (typeof value !== 'function') return value
          return (...args: unknown[]) => {
            accesses++
            return value.apply(target, args)
          }
        },
      })
      await ledgerOn(counting).append(intent())
      return accesses
    }
    assert.equal(await count(2), await count(400))
  })

  it('tells whether anything of a kind left while it was off', async () => {
    const { ledger } = await filled(0)
    await ledger.append(intent('analytics'))
    await ledger.append(turned(false))
    await ledger.append(intent('license'))
    assert.deepEqual((await ledger.review()).off, [{ kind: 'analytics', since: 2, sentSince: 0 }])
    await ledger.append(intent('analytics'))
    assert.deepEqual((await ledger.review()).off, [{ kind: 'analytics', since: 2, sentSince: 1 }])
    await ledger.append(turned(true))
    assert.deepEqual((await ledger.review()).off, [])
  })

  it('digests a body with a key of its own, so that nobody can guess at it', async () => {
    const [one, other] = [new MemoryStore(), new MemoryStore()]
    const withKey = (store: MemoryStore, byte: number) =>
      openLedger({
        store,
        installation: INSTALLATION,
        clock: new ManualClock(),
        random: (length) => new Uint8Array(length).fill(byte),
      })
    const mac = await withKey(one, 1).mac('{}')
    assert.equal(await withKey(one, 2).mac('{}'), mac, 'the key is made once')
    assert.notEqual(await withKey(other, 2).mac('{}'), mac)
  })

  it('passes on that the store cannot be written: then nothing may leave', async () => {
    const store = new MemoryStore()
    store.write = async () => {
      throw new PgctlError('state-invalid', 'the disk is full')
    }
    await assert.rejects(ledgerOn(store).append(intent()), /the disk is full/)
  })
})
