import { PgctlError } from '#core/errors.ts'
import type { VendorKind } from '#core/vendor/kinds.ts'
import type { Ledger } from '#core/vendor/ledger.ts'
import { type Row, rowSchema } from '#core/vendor/rows.ts'
import type { Surroundings } from './deps.ts'
import { type LedgerChoice, openLedgerHere } from './egress-ledger.ts'

/** What the commands under `egress` read, row by row. */

/** One request: what was announced, and how it went. */
export interface Departure {
  readonly intent: Extract<Row, { event: 'intent' }>
  readonly outcome: Extract<Row, { event: 'outcome' }> | undefined
}

interface Wanted extends LedgerChoice {
  readonly kind: VendorKind | undefined
  readonly limit: number
}

/** The newest requests, the oldest of them first. */
export async function listDepartures(
  surroundings: Surroundings,
  { kind, limit, ...choice }: Wanted,
): Promise<Departure[]> {
  const { ledger } = await openLedgerHere(surroundings, choice)
  return departuresOf(ledger, kind, limit)
}

/** The newest requests of a ledger. */
export async function departuresOf(
  ledger: Ledger,
  kind: VendorKind | undefined,
  limit: number,
): Promise<Departure[]> {
  const { seq: last } = await ledger.head()
  const outcomes = new Map<number, Extract<Row, { event: 'outcome' }>>()
  const found: Departure[] = []
  for (let seq = last; seq > 0 && found.length < limit; seq--) {
    const row = await readEntry(ledger, seq)
    if (row.event === 'outcome') outcomes.set(row.intent, row)
    if (row.event === 'intent' && (kind === undefined || row.kind === kind))
      found.push({ intent: row, outcome: outcomes.get(seq) })
  }
  return found.reverse()
}

/** A row, with the line as it was written. */
export async function showRow(
  surroundings: Surroundings,
  seq: number,
  choice: LedgerChoice,
): Promise<{ readonly row: Row; readonly line: string }> {
  const { ledger } = await openLedgerHere(surroundings, choice)
  const { seq: last } = await ledger.head()
  if (seq < 1 || seq > last)
    throw new PgctlError('usage', `there is no row ${seq} in the ledger`, {
      why: last === 0 ? 'it is empty: nothing has left' : `it has the rows 1 to ${last}`,
      next: 'see which there are: pgctl egress list',
    })
  return { row: await readEntry(ledger, seq), line: (await ledger.line(seq)) as string }
}

async function readEntry(ledger: Ledger, seq: number): Promise<Row> {
  const line = await ledger.line(seq)
  const parsed = line === undefined ? undefined : rowSchema.safeParse(parseJson(line))
  if (parsed?.success) return parsed.data
  throw new PgctlError('state-invalid', `row ${seq} of the ledger cannot be read`, {
    why: line === undefined ? 'it is missing' : 'it has not the fields of a row',
    next: 'see what else is wrong: pgctl egress verify',
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
