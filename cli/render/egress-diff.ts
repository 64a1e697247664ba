import type { Bundle } from '#core/egress/sort.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { EgressDiff } from '../egress-diff.ts'
import type { Paint } from './error.ts'

/** What left, place by place, and in the end how much of it nobody has explained. */
export function renderDiff(diff: EgressDiff, paint: Paint): string {
  const { sorted, flows, lookups, skipped, malformed, owners } = diff
  const describe = (bundle: Bundle) => describeBundle(bundle, owners)
  const { left, relayed, ledger, workload, foreign, unexplained, unseen, unproved } = sorted
  const toVendor = workload.filter((bundle) => bundle.toVendor)
  const toOthers = workload.filter((bundle) => !bundle.toVendor)
  const block = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [paint('bold', title), ...lines.map((text) => `  ${neutralise(text)}`), '']
  return [
    `${flows} flows and ${lookups} lookups were read; ${left} flows left`,
    ...(relayed > 0 ? [`${relayed} more were seen a second time, at a gateway that passed them on`] : []),
    '',
    ...block(
      'ROWS OF THE LEDGER',
      ledger.map((bundle) => `${describe(bundle)}  rows ${bundle.rows.join(', ')}`),
    ),
    ...block('THE PRODUCT TO ITS VENDOR', toVendor.map(describe)),
    ...block('THE PRODUCT TO OTHERS', toOthers.map(describe)),
    ...block(
      'KNOWN OF OTHERS',
      foreign.map((bundle) => `${describe(bundle)}  ${bundle.name}; to end it: ${bundle.setting}`),
    ),
    ...block('UNEXPLAINED', unexplained.map(describe)),
    ...block('NOT PROVED BY THIS', [
      ...unproved,
      ...(unseen.length > 0
        ? [`rows ${unseen.join(', ')} left no flow here: they went from another network`]
        : []),
      ...(skipped > 0 ? [`records that the service has lost, whose content is not known: ${skipped}`] : []),
      ...(malformed > 0 ? [`lines that are no records: ${malformed}`] : []),
    ]),
    unexplained.length === 0
      ? `${paint('green', 'explained:')} ${left} flows left, and each of them is accounted for`
      : `${paint('red', 'unexplained:')} ${count(unexplained)} of ${left} flows that left`,
  ].join('\n')
}

function describeBundle(
  { interface: from, to, port, flows, bytes }: Bundle,
  owners: EgressDiff['owners'],
): string {
  const owner = owners.get(from)
  return `${from}${owner === undefined ? '' : ` (${owner})`} to ${to}:${port}  ${flows} ${flows === 1 ? 'flow' : 'flows'}, ${bytes} bytes`
}

function count(bundles: readonly Bundle[]): number {
  return bundles.reduce((sum, { flows }) => sum + flows, 0)
}

/** The same for a program; its fields are listed in `docs/json-output.md`. */
export function diffDocument({ sorted, flows, lookups, skipped, malformed, owners }: EgressDiff): object {
  const bundleDocument = (bundle: Bundle) => documentOf(bundle, owners)
  const { left, relayed, ledger, workload, foreign, unexplained, unseen, unproved } = sorted
  return {
    explained: unexplained.length === 0,
    flows,
    lookups,
    left,
    relayed,
    ledger: ledger.map((bundle) => ({ ...bundleDocument(bundle), rows: bundle.rows })),
    workload: workload.map((bundle) => ({ ...bundleDocument(bundle), toVendor: bundle.toVendor })),
    foreign: foreign.map((bundle) => ({
      ...bundleDocument(bundle),
      name: bundle.name,
      setting: bundle.setting,
    })),
    unexplained: unexplained.map(bundleDocument),
    unseen,
    unproved,
    skipped,
    malformed,
  }
}

function documentOf(
  { interface: from, to, port, flows, bytes, first, last }: Bundle,
  owners: EgressDiff['owners'],
): object {
  const time = (moment: number) => new Date(moment).toISOString()
  return {
    interface: from,
    owner: owners.get(from) ?? null,
    to,
    port,
    flows,
    bytes,
    first: time(first),
    last: time(last),
  }
}
