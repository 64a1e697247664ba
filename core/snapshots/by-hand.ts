import type { Ms } from '#core/clock.ts'
import { createAction } from '#core/snapshots/due.ts'
import { type Plan, type PlanInput, planDigest } from '#core/snapshots/plan.ts'
import { setOf } from '#core/snapshots/policy.ts'

/** A recovery point that a person asks for: beside the schedule, and kept and deleted by the same rules. */
export function planByHand(input: PlanInput, set: string | undefined): Plan {
  const { workspace, now, policy, sources } = input
  const actions = sources.flatMap((source) => {
    const own = setOf(policy, source, workspace)
    if (own === undefined || (set !== undefined && own !== set)) return []
    return [createAction(source, { workspace, set: own, ...slotByHand(now) }, 'a person asked for it')]
  })
  const digest = planDigest(workspace, actions)
  return { workspace, at: now, actions, verdicts: [], notices: [], untagged: [], digest }
}

/** Each asking is a slot of its own. */
function slotByHand(now: Ms): { slot: string; wall: Ms } {
  return { slot: `by-hand ${new Date(now).toISOString()}`, wall: now }
}

/** The part of a plan that makes, or the part that deletes; the digest stays that of the whole. */
export function partOfPlan(plan: Plan, part: 'make' | 'delete'): Plan {
  return { ...plan, actions: plan.actions.filter(({ kind }) => (kind === 'delete') === (part === 'delete')) }
}
