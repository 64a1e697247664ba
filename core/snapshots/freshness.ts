import type { Ms } from '#core/clock.ts'
import type { KeyState } from '#core/snapshots/key-api.ts'
import type { PlanInput } from '#core/snapshots/plan.ts'
import type { RecoveryPoint } from '#core/snapshots/points.ts'
import { setOf } from '#core/snapshots/policy.ts'
import { sourceId } from '#core/snapshots/snapshot.ts'

/** How long ago the data of a datastore was last taken in a point that is complete and verified. */
export interface Freshness {
  readonly sourceId: string
  /** Undefined where there is no such point: then the age counts from when the first policy came into force. */
  readonly verifiedAt: Ms | undefined
  readonly age: Ms
}

/** Of every datastore that a set has; what was not seen is no success. */
export function freshnessOf(
  { sources, policy, workspace, now, begun }: PlanInput,
  points: readonly RecoveryPoint[],
  keys: ReadonlyMap<string, KeyState>,
): Freshness[] {
  const verified = points.filter((point) => isVerified(point, keys))
  return sources
    .filter((source) => setOf(policy, source, workspace) !== undefined)
    .map((source) => {
      const id = sourceId(source)
      const moments = verified.flatMap(({ parts }) =>
        parts.flatMap(({ sourceId, takenAt, state }) =>
          // What is dated in the future says nothing about now.
          sourceId === id && state === 'available' && takenAt !== undefined && takenAt <= now
            ? [takenAt]
            : [],
        ),
      )
      const verifiedAt = moments.length === 0 ? undefined : Math.max(...moments)
      return { sourceId: id, verifiedAt, age: Math.max(0, now - (verifiedAt ?? begun)) }
    })
}

/** Whether each datastore of the point has a snapshot that is there, and whose key can be used. */
export function isVerified(
  { complete, parts }: Pick<RecoveryPoint, 'complete' | 'parts'>,
  keys: ReadonlyMap<string, KeyState>,
): boolean {
  if (complete !== true) return false
  const bySource = Map.groupBy(parts, (part) => part.sourceId)
  return [...bySource.values()].every((copies) =>
    copies.some(
      ({ state, takenAt, key }) =>
        state === 'available' &&
        takenAt !== undefined &&
        (key === undefined || keys.get(key)?.kind === 'usable'),
    ),
  )
}
