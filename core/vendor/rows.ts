import { hash } from 'node:crypto'
import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { VENDOR_KINDS, type VendorKind } from './kinds.ts'

/**
 * The rows of the ledger of what left, and what a reader can tell from them.
 *
 * A row is a line of JSON that is kept as it was written. Each names the digest of the one before it, so that none can be
 * changed, taken out or put between without all that follow showing it.
 */

/** Who or what made a request. */
export const TRIGGERS = ['person', 'schedule', 'boot'] as const
export type Trigger = (typeof TRIGGERS)[number]

const place = { v: z.literal(1), seq: z.int().min(1), at: z.iso.datetime(), prev: z.string() }
const kind = z.enum(VENDOR_KINDS as [VendorKind, ...VendorKind[]])
const trigger = z.enum(TRIGGERS)

export const rowSchema = z.discriminatedUnion('event', [
  /** Written before anything is sent: a row without an outcome is a request that may have left. */
  z.strictObject({
    ...place,
    event: z.literal('intent'),
    kind,
    schema: z.string(),
    host: z.string(),
    attempt: z.int().min(1),
    trigger,
    /** Of the body. */
    bytes: z.int(),
    /** HMAC-SHA-256 of the exact body with a key of this installation; a plain digest of it could be guessed. */
    mac: z.string(),
    body: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({
    ...place,
    event: z.literal('outcome'),
    intent: z.int().min(1),
    result: z.enum(['answered', 'refused', 'failed']),
    status: z.int().nullable(),
    /** Of the answer. */
    bytes: z.int(),
    ms: z.int(),
    code: z.string().nullable(),
  }),
  /** A kind was switched off or on. */
  z.strictObject({ ...place, event: z.literal('switch'), kind, on: z.boolean(), trigger }),
])

export type Row = z.infer<typeof rowSchema>
type Without<Each> = Each extends unknown ? Omit<Each, 'v' | 'seq' | 'at' | 'prev'> : never
/** What a writer says; the place in the chain is the ledger's. */
export type Entry = Without<Row>

/** What the first row names as the one before it. */
export const GENESIS = 'pgctl-ledger-v1'

/** The end of the chain. */
export interface Head {
  readonly seq: number
  readonly digest: string
}

export const EMPTY_HEAD: Head = { seq: 0, digest: GENESIS }

/** The next row as the line that is kept, and the end of the chain with it. */
export function nextRow(head: Head, entry: Entry, now: Ms): { readonly line: string; readonly head: Head } {
  const seq = head.seq + 1
  const line = JSON.stringify({ v: 1, seq, at: new Date(now).toISOString(), prev: head.digest, ...entry })
  return { line, head: { seq, digest: digestOf(line) } }
}

export function digestOf(line: string): string {
  return hash('sha256', line, 'base64url')
}

/** The row of a line, if it is one, and what is wrong with it or with its place behind `head`. */
export function readRow(
  line: string | undefined,
  head: Head | undefined,
): { readonly row: Row | undefined; readonly fault: string | undefined } {
  if (line === undefined) return { row: undefined, fault: 'it is missing' }
  const parsed = rowSchema.safeParse(parseJson(line))
  if (!parsed.success) return { row: undefined, fault: 'it has not the fields of a row' }
  const row = parsed.data
  if (head !== undefined && row.seq !== head.seq + 1)
    return { row, fault: `it says that it is row ${row.seq}` }
  if (head !== undefined && row.prev !== head.digest)
    return { row, fault: 'it does not follow from the row before it, so one of the two was changed' }
  return { row, fault: undefined }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a whole ledger shows. */
export interface Review {
  readonly rows: number
  /** Intents by kind. */
  readonly sent: Readonly<Record<VendorKind, number>>
  /** Intents with no outcome: what was under way when a process ended. */
  readonly open: readonly number[]
  readonly faults: ReadonlyArray<{ readonly seq: number; readonly why: string }>
  /** For a kind that is switched off: the row that says so, and intents of the kind behind it. */
  readonly off: ReadonlyArray<{
    readonly kind: VendorKind
    readonly since: number
    readonly sentSince: number
  }>
}

/** Reads every row from the first one on; `head` is what the store calls the end. */
export class Reviewer {
  #at: Head = EMPTY_HEAD
  /** Behind a row that cannot be read there is nothing to compare the next one with: it is one fault, not two. */
  #isKnown = true
  readonly #sent: Record<VendorKind, number> = { license: 0, billing: 0, analytics: 0 }
  readonly #open = new Set<number>()
  readonly #faults: { seq: number; why: string }[] = []
  readonly #off = new Map<VendorKind, { since: number; sentSince: number }>()

  /** The next line; undefined where the store has none. */
  take(line: string | undefined): void {
    const seq = this.#at.seq + 1
    const { row, fault } = readRow(line, this.#isKnown ? this.#at : undefined)
    if (fault !== undefined) this.#faults.push({ seq, why: fault })
    this.#at = { seq, digest: line === undefined ? '' : digestOf(line) }
    this.#isKnown = row !== undefined
    if (row !== undefined) this.#count(row, seq)
  }

  #count(row: Row, seq: number): void {
    switch (row.event) {
      case 'intent': {
        this.#sent[row.kind]++
        this.#open.add(seq)
        const off = this.#off.get(row.kind)
        if (off !== undefined) off.sentSince++
        return
      }
      case 'outcome':
        if (!this.#open.delete(row.intent) && this.#faults.length === 0)
          this.#faults.push({ seq, why: `it is the outcome of row ${row.intent}, which waits for none` })
        return
      case 'switch':
        if (row.on) this.#off.delete(row.kind)
        else if (!this.#off.has(row.kind)) this.#off.set(row.kind, { since: seq, sentSince: 0 })
    }
  }

  /** `head`: what the store calls the end, which must be the end of what was read. */
  finish(head: Head): Review {
    const faults = [...this.#faults]
    const isEnd = head.seq === this.#at.seq && head.digest === this.#at.digest
    if (!isEnd && faults.at(-1)?.seq !== head.seq)
      faults.push({ seq: head.seq, why: 'the end of the ledger is another one than its head says' })
    return {
      rows: this.#at.seq,
      sent: { ...this.#sent },
      open: [...this.#open],
      faults,
      off: [...this.#off].map(([kind, { since, sentSince }]) => ({ kind, since, sentSince })),
    }
  }
}
