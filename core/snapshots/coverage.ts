import type { Ms } from '#core/clock.ts'
import type { KeyState } from '#core/snapshots/key-api.ts'
import type { PlanInput } from '#core/snapshots/plan.ts'
import type { RecoveryPoint } from '#core/snapshots/points.ts'
import { setOf } from '#core/snapshots/policy.ts'
import { sourceId } from '#core/snapshots/snapshot.ts'

/** From when the newest data of a datastore is that is known to be of use. */
export interface Coverage {
  readonly sourceId: string
  /** Undefined where there is none. */
  readonly newest: Ms | undefined
}

/**
 * Of every datastore that a set of the policy has. Only complete points count, whose keys were seen to be usable: of a
 * point of which a part is missing the rest does not fit together.
 */
export function coverageOf(
  { policy, sources, workspace }: Pick<PlanInput, 'policy' | 'sources' | 'workspace'>,
  points: readonly RecoveryPoint[],
  keys: ReadonlyMap<string, KeyState>,
): Coverage[] {
  const newest = new Map<string, Ms>()
  for (const { parts, complete } of points) {
    const isUsable = parts.every(({ key }) => key === undefined || keys.get(key)?.kind === 'usable')
    if (complete !== true || !isUsable) continue
    for (const { sourceId, takenAt } of parts)
      if (takenAt !== undefined && takenAt > (newest.get(sourceId) ?? -Infinity))
        newest.set(sourceId, takenAt)
  }
  return sources
    .filter((source) => setOf(policy, source, workspace) !== undefined)
    .map((source) => ({ sourceId: sourceId(source), newest: newest.get(sourceId(source)) }))
}
