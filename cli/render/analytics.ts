import type { BodyOf } from '#core/vendor/kinds.ts'
import type { SwitchState } from '#core/vendor/switches.ts'
import type { AnalyticsState } from '../analytics-commands.ts'
import type { Paint } from './error.ts'

/** What this switch does not reach, said wherever it is shown. */
export const NOT_REACHED =
  "the product's own services have a setting of their own, which this pgctl does not change; what they send shows in: pgctl egress diff"

export function renderSwitch({ on, row }: SwitchState): string {
  const since = row === undefined ? ', as nobody has turned it' : `, by row ${row} of the ledger`
  return `pgctl ${on ? 'may send' : 'sends no'} reports of use${since}`
}

export function renderAnalytics(state: AnalyticsState): string {
  const { sent, sentSinceOff } = state
  const since = sentSinceOff === undefined ? '' : `, ${sentSinceOff} since they are off`
  return [renderSwitch(state), `${sent} reports are in the ledger${since}`].join('\n')
}

export function analyticsDocument({ on, row, sent, sentSinceOff }: AnalyticsState): object {
  return { on, row: row ?? null, sent, sentSinceOff: sentSinceOff ?? null }
}

/** Everything that a report may hold: there is no other field, and the door refuses one. */
const FIELDS = {
  schema: 'the form of the report, analytics/1',
  report: 'a random id that changes every month and is of nobody',
  version: 'the version that made it',
  from: 'the first day that it counts',
  to: 'the last day',
  counts: 'how much of what: counts in two significant digits, by names such as connected-users',
} as const satisfies Record<keyof BodyOf<'analytics'>, string>

export function renderPreview(paint: Paint): string {
  const rows = Object.entries(FIELDS).map(([name, says]) => `  ${paint('dim', name.padEnd(8))} ${says}`)
  return ['A report of use holds these fields and no other:', '', ...rows].join('\n')
}

export function previewDocument(): object {
  return { fields: FIELDS }
}
