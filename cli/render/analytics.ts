import { neutralise } from '#core/text/neutralise.ts'
import { type BodyOf, KINDS } from '#core/vendor/kinds.ts'
import type { SwitchState } from '#core/vendor/switches.ts'
import type { AnalyticsState, FlowsSinceOff } from '../analytics-commands.ts'
import type { ProductSwitch } from '../analytics-product.ts'
import type { Paint } from './error.ts'

/** What turning the product's switch does not do at once, said wherever it is turned. */
export const FROM_NEXT_START =
  'the product reads its setting when its services start; a Helm upgrade writes it anew, so set it in the values, too'

export function renderSwitch({ on, row }: SwitchState): string {
  const since = row === undefined ? ', as nobody has turned it' : `, by row ${row} of the ledger`
  return `pgctl ${on ? 'may send' : 'sends no'} reports of use${since}`
}

export function renderProduct(product: ProductSwitch): string {
  switch (product.kind) {
    case 'on':
      return `the product sends reports of use, by ${product.place}`
    case 'off':
      return `the product sends no reports of use, by ${product.place}`
    case 'unclear':
      return `whether the product sends reports of use is not clear: ${product.place} is ${product.value === undefined ? 'not there' : neutralise(JSON.stringify(product.value))}`
    case 'unread':
      return `whether the product sends reports of use is not known: ${neutralise(product.error.message)}`
  }
}

export function renderAnalytics(state: AnalyticsState, paint: Paint): string {
  const { sent, sentSinceOff, product, flows } = state
  const since = sentSinceOff === undefined ? '' : `, ${sentSinceOff} since they are off`
  return [
    ...(product === undefined ? [] : [renderProduct(product)]),
    renderSwitch(state),
    `${sent} reports are in the ledger${since}`,
    ...(flows === undefined ? [] : flowLines(flows, paint)),
  ].join('\n')
}

function flowLines(flows: FlowsSinceOff, paint: Paint): string[] {
  const { since, toVendor, unexplained, lookups, read } = flows
  const moment = new Date(since).toISOString()
  const rest = unexplained > 0 ? [`${unexplained} flows are not explained: pgctl egress diff`] : []
  if (lookups === 0)
    return [`${paint('yellow', 'not proved:')} no resolver log tells which address is the vendor's`, ...rest]
  if (read === 0)
    return [`${paint('yellow', 'not proved:')} the logs hold nothing from after ${moment}`, ...rest]
  if (toVendor === 0)
    return [
      `${paint('green', 'none left:')} the product has sent the vendor nothing since ${moment}`,
      ...rest,
    ]
  return [
    `${paint('yellow', 'not proved:')} ${toVendor === 1 ? 'one flow' : `${toVendor} flows`} of the product went to the vendor since ${moment}, and a flow log does not say what about`,
    ...rest,
  ]
}

/** Whether the logs, where some were given, show nothing that may have been a report. */
export function isSilent({ flows }: AnalyticsState): boolean {
  return flows === undefined || (flows.toVendor === 0 && flows.lookups > 0 && flows.read > 0)
}

export function analyticsDocument(state: AnalyticsState): object {
  const { on, row, sent, sentSinceOff, product, flows } = state
  return {
    on,
    row: row ?? null,
    sent,
    sentSinceOff: sentSinceOff ?? null,
    product: product === undefined ? null : productDocument(product),
    flows:
      flows === undefined
        ? null
        : {
            since: new Date(flows.since).toISOString(),
            toVendor: flows.toVendor,
            lookups: flows.lookups,
            read: flows.read,
            unexplained: flows.unexplained,
          },
  }
}

export function productDocument(product: ProductSwitch): object {
  if (product.kind === 'unread') return { state: 'unread', place: null, why: product.error.message }
  return { state: product.kind, place: product.place, why: null }
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

/** A report as one looks; a test holds it to the schema, and to the one that the documentation prints. */
export const EXAMPLE: BodyOf<'analytics'> = {
  schema: KINDS.analytics.schema,
  report: 'AAAAAAAAAAAAAAAAAAAAAA',
  version: '0.1.0',
  from: '2026-11-01',
  to: '2026-11-30',
  counts: { 'connected-users': 4200, workflows: 120 },
}

export function renderPreview(paint: Paint): string {
  const rows = Object.entries(FIELDS).map(([name, says]) => `  ${paint('dim', name.padEnd(8))} ${says}`)
  return [
    'A report of use holds these fields and no other:',
    '',
    ...rows,
    '',
    'One looks like this:',
    '',
    `  ${JSON.stringify(EXAMPLE)}`,
  ].join('\n')
}

export function previewDocument(): object {
  return { fields: FIELDS, example: EXAMPLE }
}
