import { describeReleases, type Fingerprint } from '#core/snapshots/fingerprint.ts'
import type { PointPart, RecoveryPoint } from '#core/snapshots/points.ts'
import type { Check } from '#core/snapshots/verify.ts'
import { formatDay, type Zone } from '#core/snapshots/zone.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { PinResult, SnapshotView } from '../snapshot-reading.ts'
import { columns } from './columns.ts'
import type { Paint } from './error.ts'

/** Recovery points, for a person and for a program; the fields are listed in `docs/json-output.md`. */

export function renderPoints(view: SnapshotView, paint: Paint): string {
  const { points, input } = view
  const lines = columns(points.map((point) => pointRow(point, input.policy.zone)))
  const foreign = view.members.filter(({ ours }) => !ours).length
  return [
    ...(points.length === 0
      ? ['there are no recovery points yet: pgctl snapshots create begins one']
      : lines),
    ...(foreign === 0
      ? []
      : [paint('dim', `${foreign} more snapshots of these datastores are not ours, or not recorded here`)]),
    ...incompleteOf(view).map((what) => paint('yellow', `not the whole list: ${neutralise(what)}`)),
  ].join('\n')
}

/** As it stands, behind a comment that says where: a policy still. */
export function renderPolicy(from: string, text: string, paint: Paint): string {
  const lines = text.trimEnd().split('\n').map(neutralise)
  return [paint('dim', `# ${neutralise(from)}`), ...lines].join('\n')
}

export function listDocument(view: SnapshotView): object {
  return {
    policy: view.policyFrom,
    points: view.points.map((point) => shortPoint(point)),
    foreign: view.members.filter(({ ours }) => !ours).length,
    incomplete: incompleteOf(view),
  }
}

export function renderPoint(
  view: SnapshotView,
  point: RecoveryPoint,
  fingerprint: Fingerprint | undefined,
  paint: Paint,
): string {
  const { zone } = view.input.policy
  const parts = point.parts.map((part) => [
    `  ${part.sourceId}`,
    part.region,
    part.name,
    part.state,
    reasonsOf(view, part).join('; '),
  ])
  return [
    `${paint('bold', point.id)}  set ${point.set}  slot ${neutralise(point.slot)}`,
    ...columns(parts.map((row) => row.map(neutralise))),
    ...point.missing.map((source) =>
      isBeingMade(point, source)
        ? paint('yellow', `  ${source} is being made`)
        : paint('red', `  ${source} is missing`),
    ),
    ...(point.skewSeconds === undefined ? [] : [`  its data is ${point.skewSeconds} s apart`]),
    `  ${describeRestorable(point, zone)}`,
    ...(fingerprint === undefined ? [] : fingerprintLines(fingerprint)),
  ].join('\n')
}

function fingerprintLines(fingerprint: Fingerprint): string[] {
  return [
    `  it needs ${Object.keys(fingerprint.entries).length} secrets in the cluster: pgctl snapshots verify looks for them`,
    ...describeReleases(fingerprint).map((clause) => `  ${neutralise(clause)}`),
  ]
}

export function pointDocument(
  view: SnapshotView,
  point: RecoveryPoint,
  fingerprint: Fingerprint | undefined,
): object {
  return {
    ...shortPoint(point),
    parts: point.parts.map((part) => ({
      ...{ source: part.sourceId, region: part.region, name: part.name, state: part.state },
      takenAt: iso(part.takenAt),
      reasons: reasonsOf(view, part),
    })),
    fingerprint:
      fingerprint === undefined
        ? null
        : {
            at: iso(fingerprint.at),
            secrets: Object.keys(fingerprint.entries).sort(),
            releases: Object.entries(fingerprint.releases).map(([name, rest]) => ({ name, ...rest })),
          },
  }
}

export function renderChecks(checks: readonly Check[], paint: Paint): string {
  return checks
    .map(({ set, passed, says }) => {
      const mark = passed ? paint('green', 'ok  ') : paint('red', 'FAIL')
      return `${mark}  ${set === '' ? '' : `${set}: `}${neutralise(says)}`
    })
    .join('\n')
}

export function checksDocument(checks: readonly Check[]): object {
  return {
    healthy: checks.every(({ passed }) => passed),
    checks: checks.map(({ set, passed, says }) => ({ set: set === '' ? null : set, passed, says })),
  }
}

/** `held`: what holds for its snapshots now, as "pinned" or "held through 2027-03-31". */
export function renderPin(
  point: RecoveryPoint,
  held: string,
  results: readonly PinResult[],
  paint: Paint,
): string {
  const failed = results.filter(({ why }) => why !== undefined)
  return [
    `${point.id}: ${results.length - failed.length} of ${results.length} snapshots are ${held}`,
    ...failed.map(({ name, region, why }) =>
      paint('red', `  ${region} ${name}: ${neutralise(why as string)}`),
    ),
  ].join('\n')
}

export function pinDocument(point: RecoveryPoint, tags: object, results: readonly PinResult[]): object {
  return { point: point.id, tags, results: results.map((each) => ({ ...each, why: each.why ?? null })) }
}

function pointRow(point: RecoveryPoint, zone: Zone): string[] {
  const parts = new Set(point.parts.map(({ sourceId }) => sourceId)).size
  const whole =
    point.complete === undefined
      ? `${parts} parts`
      : `${parts - lacking(point)} of ${parts + gone(point)} parts`
  return [point.id, point.set, whole, skew(point), describeRestorable(point, zone)]
}

/** What is lacking now and on its way: not yet a trouble. */
function isBeingMade({ parts }: RecoveryPoint, source: string): boolean {
  return parts.some(({ sourceId, state }) => sourceId === source && state === 'pending')
}

/** Parts that have a snapshot, though none that can be restored. */
function lacking({ missing, parts }: RecoveryPoint): number {
  return missing.filter((source) => parts.some(({ sourceId }) => sourceId === source)).length
}

/** Parts that have no snapshot at all. */
function gone({ missing, parts }: RecoveryPoint): number {
  return missing.filter((source) => !parts.some(({ sourceId }) => sourceId === source)).length
}

function skew({ skewSeconds }: RecoveryPoint): string {
  return skewSeconds === undefined ? '-' : `${skewSeconds} s apart`
}

function describeRestorable(point: RecoveryPoint, zone: Zone): string {
  const { restorable, missing } = point
  if (missing.length > 0) return describeLack(point)
  switch (restorable.kind) {
    case 'until':
      return `restorable until ${formatDay(zone.wallAt(restorable.at))}, limited by ${neutralise(restorable.limitedBy)}`
    case 'beyond':
      return `restorable beyond ${formatDay(zone.wallAt(restorable.at))}`
    case 'never':
      return `not restorable: ${neutralise(restorable.limitedBy)}`
  }
}

/** Of many that are lacking a line names the first; `show` names all. */
const MOST_NAMED = 3

function describeLack(point: RecoveryPoint): string {
  const making = point.missing.filter((source) => isBeingMade(point, source))
  const lost = point.missing.filter((source) => !making.includes(source))
  if (lost.length === 0)
    return `being made: ${making.length} ${making.length === 1 ? 'part' : 'parts'} to come`
  const named = lost.slice(0, MOST_NAMED).map(neutralise).join(', ')
  const more = lost.length > MOST_NAMED ? ` and ${lost.length - MOST_NAMED} more` : ''
  return `not restorable as a whole: nothing of ${named}${more}`
}

function shortPoint(point: RecoveryPoint): object {
  const { restorable } = point
  return {
    ...{ id: point.id, set: point.set, slot: point.slot, takenAt: iso(point.takenAt) },
    ...{
      complete: point.complete ?? null,
      missing: point.missing,
      beingMade: point.missing.filter((source) => isBeingMade(point, source)),
      skewSeconds: point.skewSeconds ?? null,
    },
    restorableUntil: restorable.kind === 'never' ? null : iso(restorable.at),
    limitedBy: restorable.kind === 'beyond' ? null : restorable.limitedBy,
  }
}

function reasonsOf({ plan }: SnapshotView, { name, region }: PointPart): readonly string[] {
  return plan.verdicts.find((verdict) => verdict.name === name && verdict.region === region)?.reasons ?? []
}

function incompleteOf({ input }: SnapshotView): string[] {
  return [...input.unreadable, ...input.listings.flatMap(({ missing }) => missing ?? [])]
}

function iso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}
