import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { type BucketMarker, horizonOf, markerSchema } from '#core/snapshots/buckets.ts'
import type { Member } from '#core/snapshots/groups.ts'
import { TAGS } from '#core/snapshots/naming.ts'
import { settingsSchema } from '#core/snapshots/restore/settings.ts'
import { type SnapshotState, snapshotId } from '#core/snapshots/snapshot.ts'

/**
 * Recovery points: the snapshots of one slot over all datastores of a set, as one thing with one id. What a point
 * should consist of is written down before its first snapshot is asked for, so that a part that never came is seen.
 */
const pointSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  set: z.string(),
  slot: z.string(),
  /** When it was begun. */
  at: z.number(),
  /** The datastores that it should hold, each with the key that its data is useless without, and what it was like. */
  parts: z.record(z.string(), z.object({ key: z.string().optional(), settings: settingsSchema.optional() })),
  /** How the buckets stood then, whose versions lead back to that moment. */
  buckets: z.array(markerSchema).default([]),
  /** Clauses: what of the datastores could not be read then, so that the parts may not be all there should be. */
  unseen: z.array(z.string()).default([]),
})

export type PointRecord = z.infer<typeof pointSchema>

export interface RecoveryPoint {
  readonly id: string
  readonly set: string
  readonly slot: string
  readonly parts: readonly PointPart[]
  /** Datastores of which nothing usable is left, or ever came. */
  readonly missing: readonly string[]
  /** Whether every part can be restored; undefined where nobody knew which parts there should be. */
  readonly complete: boolean | undefined
  /** Between the earliest and the latest moment of its data; undefined for fewer than two dated parts. */
  readonly skewSeconds: number | undefined
  readonly takenAt: Ms | undefined
  readonly restorable: Restorable
}

export interface PointPart {
  readonly sourceId: string
  readonly name: string
  readonly region: string
  readonly state: SnapshotState
  readonly takenAt: Ms | undefined
  /** The key without which it is only noise. */
  readonly key: string | undefined
}

/** Until when all parts can be restored, and what ends that. */
export type Restorable =
  | { readonly kind: 'until'; readonly at: Ms; readonly limitedBy: string }
  /** Nothing within the horizon of the forecast ends it. */
  | { readonly kind: 'beyond'; readonly at: Ms }
  | { readonly kind: 'never'; readonly limitedBy: string }

/** The key of a point's document in the store. */
export function pointKey(workspace: string, id: string): string {
  return `snapshots/${workspace}/points/${id}`
}

export function parsePoint(value: unknown, key: string): PointRecord {
  const result = pointSchema.safeParse(value)
  if (result.success) return result.data
  throw new PgctlError('state-invalid', `the record of the recovery point ${key} cannot be read`, {
    why: 'it is not what this version writes',
    next: 'restore it from a backup of the state',
  })
}

/**
 * The points that the snapshots of `members` make up, newest first. `expiries` say when the policy will delete what,
 * looking ahead to `horizon`; of a part with copies the one that lives longest counts. `buckets` are as they stand now.
 */
export function recoveryPoints(
  members: readonly Member[],
  records: ReadonlyMap<string, PointRecord>,
  expiries: ReadonlyMap<string, Ms>,
  horizon: Ms,
  buckets: readonly BucketMarker[] = [],
): RecoveryPoint[] {
  const byPoint = new Map<string, Member[]>()
  for (const id of records.keys()) byPoint.set(id, [])
  for (const member of members) {
    const point = belongsTo(member)?.point
    if (point === undefined) continue
    const list = byPoint.get(point) ?? []
    list.push(member)
    byPoint.set(point, list)
  }
  const points = [...byPoint].map(([id, parts]) =>
    pointOf(id, parts, records.get(id), { expiries, horizon, buckets }),
  )
  return points
    .sort((a, b) => b.begun - a.begun || (a.id < b.id ? -1 : 1))
    .map(({ begun: _, ...point }) => point)
}

function pointOf(
  id: string,
  members: readonly Member[],
  record: PointRecord | undefined,
  ahead: Ahead,
): RecoveryPoint & { begun: Ms } {
  const bySource = new Map<string, Member[]>()
  for (const source of Object.keys(record?.parts ?? {})) bySource.set(source, [])
  for (const member of members) {
    const source = belongsTo(member)?.source as string
    bySource.set(source, [...(bySource.get(source) ?? []), member])
  }
  const missing = [...bySource]
    .filter(([, parts]) => !parts.some(({ complete }) => complete))
    .map(([name]) => name)
  // A provider may date a copy anew: the earliest of a datastore's is the moment of its data.
  const moments = [...bySource.values()].flatMap((parts) => {
    const dated = parts.flatMap(({ complete, takenAt }) =>
      complete && takenAt !== undefined ? [takenAt] : [],
    )
    return dated.length === 0 ? [] : [Math.min(...dated)]
  })
  const first = members[0] && belongsTo(members[0])
  const takenAt = moments.length === 0 ? undefined : Math.min(...moments)
  return {
    id,
    set: record?.set ?? first?.set ?? '',
    slot: record?.slot ?? first?.slot ?? '',
    parts: members.map((member) => ({
      sourceId: belongsTo(member)?.source as string,
      ...{ name: member.name, region: member.snapshot.region, state: member.snapshot.state },
      ...{ takenAt: member.takenAt, key: member.snapshot.key },
    })),
    missing,
    complete: isWhole(record, missing),
    skewSeconds:
      moments.length < 2 ? undefined : Math.round((Math.max(...moments) - Math.min(...moments)) / 1000),
    takenAt,
    restorable: restorable(bySource, missing, record, ahead),
    begun: record?.at ?? takenAt ?? 0,
  }
}

function isWhole(record: PointRecord | undefined, missing: readonly string[]): boolean | undefined {
  if (record === undefined) return undefined
  if (missing.length > 0) return false
  return record.unseen.length === 0 ? true : undefined
}

/** What is written of a point that is begun in two runs: the one that saw more knows which parts there should be. */
export function joinPoints(before: PointRecord, after: PointRecord): PointRecord {
  if (before.unseen.length === 0) return before
  return { ...before, parts: { ...before.parts, ...after.parts }, unseen: after.unseen }
}

/**
 * Which point a snapshot is of: by our record, or by its tags where the record lies on another computer. To look at it,
 * tags are enough; to delete it, they are not.
 */
function belongsTo({ ours, record, tags }: Member) {
  if (ours && record !== undefined) return record
  const [point, source, set, slot] = [tags[TAGS.point], tags[TAGS.source], tags[TAGS.set], tags[TAGS.slot]]
  return point && source && set && slot ? { point, source, set, slot } : undefined
}

/** What is known of the time to come. */
interface Ahead {
  readonly expiries: ReadonlyMap<string, Ms>
  readonly horizon: Ms
  readonly buckets: readonly BucketMarker[]
}

function restorable(
  bySource: ReadonlyMap<string, readonly Member[]>,
  missing: readonly string[],
  record: PointRecord | undefined,
  { expiries, horizon, buckets }: Ahead,
): Restorable {
  if (missing.length > 0) return { kind: 'never', limitedBy: missing.join(', ') }
  let first: { at: Ms; limitedBy: string } | undefined
  for (const [source, parts] of bySource) {
    const ends = parts
      .filter(({ complete }) => complete)
      .map(({ snapshot }) => expiries.get(snapshotId(snapshot)))
    // One without an end outlives the forecast.
    const longest = ends.includes(undefined) ? Infinity : Math.max(...(ends as Ms[]))
    if (longest < (first?.at ?? Infinity)) first = { at: longest, limitedBy: `the retention of ${source}` }
  }
  for (const marker of record?.buckets ?? []) {
    const end = horizonOf(marker, record?.at ?? 0, buckets)
    if (end === undefined) continue
    if (end.until === undefined) return { kind: 'never', limitedBy: end.limitedBy }
    if (end.until < (first?.at ?? horizon)) first = { at: end.until, limitedBy: end.limitedBy }
  }
  return first === undefined ? { kind: 'beyond', at: horizon } : { kind: 'until', ...first }
}
