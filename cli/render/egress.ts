import { neutralise } from '#core/text/neutralise.ts'
import { VENDOR_KINDS } from '#core/vendor/kinds.ts'
import type { Review, Row } from '#core/vendor/rows.ts'
import type { Departure } from '../egress-commands.ts'
import type { Paint } from './error.ts'

/** Requests, one a line. */
export function renderDepartures(departures: readonly Departure[], paint: Paint): string {
  if (departures.length === 0) return 'nothing has left'
  return departures
    .map(({ intent, outcome }) =>
      [
        paint('dim', String(intent.seq).padStart(6)),
        intent.at,
        intent.kind.padEnd(9),
        neutralise(intent.host),
        `${intent.bytes} bytes`,
        `by ${intent.trigger}`,
        howItWent(outcome),
      ].join('  '),
    )
    .join('\n')
}

function howItWent(outcome: Departure['outcome']): string {
  if (outcome === undefined) return 'no outcome'
  const { result, status, code } = outcome
  return [result, status, code].filter((part) => part !== null).join(' ')
}

export function departuresDocument(departures: readonly Departure[]): object {
  return {
    requests: departures.map(({ intent, outcome }) => ({
      row: intent.seq,
      at: intent.at,
      kind: intent.kind,
      schema: intent.schema,
      host: intent.host,
      attempt: intent.attempt,
      trigger: intent.trigger,
      bytes: intent.bytes,
      result: outcome?.result ?? null,
      status: outcome?.status ?? null,
      code: outcome?.code ?? null,
    })),
  }
}

/** A row, field by field. */
export function renderRow(row: Row, paint: Paint): string {
  return Object.entries(row)
    .map(([name, value]) => {
      const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
      return `  ${paint('dim', name.padEnd(8))} ${neutralise(text)}`
    })
    .join('\n')
}

/** What a reading of the whole ledger has shown, and what it cannot show. */
export function renderReview(review: Review, paint: Paint): string {
  const { rows, sent, open, faults, off } = review
  return [
    `  ${paint('dim', 'rows     ')} ${rows}`,
    ...VENDOR_KINDS.map((kind) => `  ${paint('dim', kind.padEnd(9))} ${sent[kind]} sent`),
    ...off.map(
      ({ kind, since, sentSince }) =>
        `  ${paint('dim', 'off      ')} ${kind} since row ${since}, ${sentSince} sent since`,
    ),
    ...(open.length > 0
      ? [`  ${paint('dim', 'open     ')} rows ${open.join(', ')}: no outcome was written`]
      : []),
    '',
    ...faults.map(({ seq, why }) => `${paint('red', 'broken:')} row ${seq}: ${neutralise(why)}`),
    isWhole(review)
      ? `${paint('green', 'whole:')} every row follows the one before it`
      : `${paint('red', 'not whole:')} the ledger was changed, or a kind was sent while it was off`,
    paint('dim', 'Whatever was sent past pgctl does not show here: pgctl egress diff.'),
  ].join('\n')
}

export function isWhole({ faults, off }: Review): boolean {
  return faults.length === 0 && off.every(({ sentSince }) => sentSince === 0)
}

export function reviewDocument(review: Review): object {
  return { whole: isWhole(review), ...review }
}
