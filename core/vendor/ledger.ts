import { createHmac } from 'node:crypto'
import type { Clock, RandomBytes } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { Store } from '#core/store.ts'
import { digestOf, EMPTY_HEAD, type Entry, type Head, nextRow, type Review, Reviewer } from './rows.ts'

/**
 * The ledger of what left an installation: rows that are only ever added, in the one small store.
 *
 * A row is written under its own number where none was: that write is what counts, and of two writers one succeeds. The
 * head follows it by compare-and-set; a writer that ends in between leaves a row behind the head, which the next one
 * finds. So adding a row costs the same however long the ledger is.
 */
export interface Ledger {
  /** Adds a row and gives its number. @throws PgctlError: then nothing may be sent. */
  append(entry: Entry): Promise<number>
  /** The keyed digest by which a row names a body. */
  mac(body: string): Promise<string>
  head(): Promise<Head>
  /** A row as the line that was written; undefined where there is none. */
  line(seq: number): Promise<string | undefined>
  /** Reads and checks all of it. */
  review(): Promise<Review>
}

export interface LedgerOptions {
  readonly store: Store
  /** The vendor's name of the installation. */
  readonly installation: string
  readonly clock: Clock
  readonly random: RandomBytes
}

/** Writers are few; each try that fails means that another one succeeded. */
const TRIES = 50
const MAC_KEY_BYTES = 32

export function openLedger({ store, installation, clock, random }: LedgerOptions): Ledger {
  const folder = `egress/${installation}`
  const placeOf = (seq: number) => `${folder}/rows/${String(seq).padStart(10, '0')}`

  const line = async (seq: number): Promise<string | undefined> => {
    const value = (await store.read(placeOf(seq)))?.value as { readonly line?: unknown } | undefined
    return typeof value?.line === 'string' ? value.line : undefined
  }

  const storedHead = async (): Promise<{ readonly head: Head; readonly version: string | 'absent' }> => {
    const stored = await store.read(`${folder}/head`)
    if (stored === undefined) return { head: EMPTY_HEAD, version: 'absent' }
    const { seq, digest } = Object(stored.value) as Partial<Head>
    if (typeof seq !== 'number' || typeof digest !== 'string') throw brokenHead(folder)
    return { head: { seq, digest }, version: stored.version }
  }

  /** The end of what is there, which may be ahead of the head that is stored. */
  const end = async (): Promise<Head> => {
    let { head } = await storedHead()
    for (;;) {
      const next = await line(head.seq + 1)
      if (next === undefined) return head
      head = { seq: head.seq + 1, digest: digestOf(next) }
    }
  }

  /** Brings the stored head to `head`, unless it is there or further already. */
  const advance = async (head: Head): Promise<void> => {
    for (;;) {
      const { head: current, version } = await storedHead()
      if (current.seq >= head.seq) return
      if (await isWritten(store.write(`${folder}/head`, head, version))) return
    }
  }

  return {
    line,
    head: end,

    async append(entry) {
      for (let attempt = 1; attempt <= TRIES; attempt++) {
        const before = await end()
        const { line: text, head } = nextRow(before, entry, clock.now().wall)
        if (!(await isWritten(store.write(placeOf(head.seq), { line: text }, 'absent')))) continue
        await advance(head)
        return head.seq
      }
      throw new PgctlError('state-conflict', 'the ledger of what leaves cannot be written', {
        why: `others have written to it ${TRIES} times meanwhile`,
        next: 'run the command again',
      })
    },

    async mac(body) {
      const key = await macKey(store, `${folder}/mac-key`, random)
      return createHmac('sha256', key).update(body).digest('base64url')
    },

    async review() {
      const reviewer = new Reviewer()
      const { head: stored } = await storedHead()
      // Rows that a writer left behind the head are part of it: a head is never ahead of the rows.
      const last = await end().catch(() => stored)
      for (let seq = 1; seq <= last.seq; seq++) reviewer.take(await readable(line(seq)))
      return reviewer.finish(last)
    },
  }
}

/** A row that cannot be parsed is a fault of the ledger, which the review tells, and no end of it. */
async function readable(line: Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await line
  } catch (error) {
    if (isPgctlError(error, 'state-invalid')) return ''
    throw error
  }
}

async function isWritten(writing: Promise<string>): Promise<boolean> {
  try {
    await writing
    return true
  } catch (error) {
    if (isPgctlError(error, 'state-conflict')) return false
    throw error
  }
}

/** The key is made once; it never leaves, so nobody who reads a row can try bodies against it. */
async function macKey(store: Store, place: string, random: RandomBytes): Promise<Uint8Array> {
  const stored = await store.read(place)
  if (stored === undefined) {
    await isWritten(
      store.write(place, { key: Buffer.from(random(MAC_KEY_BYTES)).toString('base64') }, 'absent'),
    )
    return macKey(store, place, random)
  }
  const { key } = Object(stored.value) as { readonly key?: unknown }
  const bytes = Buffer.from(typeof key === 'string' ? key : '', 'base64')
  if (bytes.length === MAC_KEY_BYTES) return bytes
  throw new PgctlError('state-invalid', `the key of the ledger (${place}) cannot be used`, {
    why: `it has ${bytes.length} bytes instead of ${MAC_KEY_BYTES}`,
    next: 'restore it from a copy of the state folder; a new one is made where it is removed',
  })
}

function brokenHead(folder: string): PgctlError {
  return new PgctlError('state-invalid', `the head of the ledger (${folder}/head) cannot be used`, {
    why: 'it does not name a row and its digest',
    next: 'restore the folder from a copy; nothing is sent before it can be written to',
  })
}
