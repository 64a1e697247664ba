import type { Ms } from '#core/clock.ts'
import { bucketTroubles } from '#core/snapshots/buckets.ts'
import type { KeyState } from '#core/snapshots/key-api.ts'
import type { PlanInput } from '#core/snapshots/plan.ts'
import type { RecoveryPoint } from '#core/snapshots/points.ts'
import { setOf } from '#core/snapshots/policy.ts'
import { lastSlot } from '#core/snapshots/schedule.ts'
import { isComplete, snapshotId } from '#core/snapshots/snapshot.ts'

/** What can be said of a set's recovery points without restoring one. */
export interface Check {
  readonly set: string
  readonly passed: boolean
  /** A clause: `the newest complete point is pt-… of …`. */
  readonly says: string
}

/** A snapshot of a datastore of terabytes takes hours; one that takes longer than this hangs, as no provider says so. */
const LONGEST_MAKING: Ms = 6 * 3_600_000

/**
 * Whether each set of the policy has a complete point as new as the schedule wants it. What could not be listed fails:
 * nothing may look like success that was not seen.
 */
export function verifyPoints(
  input: PlanInput,
  points: readonly RecoveryPoint[],
  keys: ReadonlyMap<string, KeyState>,
): Check[] {
  const { policy, sources, workspace, listings, unreadable } = input
  const blind = [...unreadable, ...listings.flatMap(({ missing }) => missing ?? [])]
  const sets = Object.keys(policy.sets).filter((set) =>
    sources.some((source) => setOf(policy, source, workspace) === set),
  )
  const uncovered = sources.filter((source) => setOf(policy, source, workspace) === undefined)
  // Whoever looks at nothing has found no fault, and that is no success.
  if (sources.length === 0 && blind.length === 0)
    return [{ set: '', passed: false, says: 'there is no datastore that could be snapshotted' }]
  return [
    ...sets.map((set) => newestCheck(set, input, points)),
    ...keyChecks(points, keys),
    ...hanging(input),
    ...bucketTroubles(input.buckets).map((says) => ({ set: '', passed: false, says })),
    ...uncovered.map(({ id }) => ({ set: '', passed: false, says: `no set of the policy has ${id}` })),
    ...blind.map((says) => ({ set: '', passed: false, says })),
  ]
}

function newestCheck(set: string, { policy, now }: PlanInput, points: readonly RecoveryPoint[]): Check {
  const own = points.filter((point) => point.set === set)
  const complete = own.filter((point) => point.complete === true && point.takenAt !== undefined)
  const newest = complete.sort((a, b) => (b.takenAt as Ms) - (a.takenAt as Ms))[0]
  if (newest === undefined)
    return { set, passed: false, says: `there is no complete recovery point, of ${own.length} there are` }
  const { when } = (policy.sets as Record<string, (typeof policy.sets)[string]>)[
    set
  ] as (typeof policy.sets)[string]
  const wanted = lastSlot(when.cron, policy.zone, now - when['start-within'] - LONGEST_MAKING)
  const fresh = wanted === undefined || (newest.takenAt as Ms) >= wanted.instant
  const says = `the newest complete recovery point is ${newest.id}`
  return { set, passed: fresh, says: fresh ? says : `${says}, and the slot ${wanted.key} has none` }
}

/** The keys of all parts, each with the region that it is needed in. */
export function keysOf(points: readonly RecoveryPoint[]): Map<string, string> {
  return new Map(
    points.flatMap(({ parts }) =>
      parts.flatMap(({ key, region }) => (key === undefined ? [] : [[key, region] as const])),
    ),
  )
}

function keyChecks(points: readonly RecoveryPoint[], keys: ReadonlyMap<string, KeyState>): Check[] {
  return [...keys].map(([key, { kind, says }]) => {
    const count = points.filter(({ parts }) => parts.some((part) => part.key === key)).length
    const whose = `the key ${key} of ${count} recovery points`
    if (kind === 'usable') return { set: '', passed: true, says: `${whose} can be used` }
    const what = kind === 'unusable' ? 'cannot be used' : 'could not be looked at'
    return { set: '', passed: false, says: `${whose} ${what}: ${says}` }
  })
}

function hanging({ listings, records, now }: PlanInput): Check[] {
  return listings.flatMap(({ snapshots }) =>
    snapshots.flatMap((snapshot) => {
      const record = records.get(snapshotId(snapshot))
      if (record === undefined || isComplete(snapshot) || now - record.askedAt < LONGEST_MAKING) return []
      const hours = Math.floor((now - record.askedAt) / 3_600_000)
      const says = `${snapshot.name} was asked for ${hours} h ago and is ${snapshot.state}`
      return [{ set: record.set, passed: false, says }]
    }),
  )
}
