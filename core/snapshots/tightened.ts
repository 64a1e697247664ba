import type { Ms } from '#core/clock.ts'
import { type Group, keepOf, type Member } from '#core/snapshots/groups.ts'
import type { Policy } from '#core/snapshots/policy.ts'
import { applyRetention } from '#core/snapshots/retention.ts'

/** A rule that keeps less than the one before waits before it deletes: so a slip in a text costs nothing. */
export interface PreviousPolicy {
  /** Undefined where it can no longer be read: then it keeps everything. */
  readonly policy: Policy | undefined
  /** When another took its place. */
  readonly until: Ms
}

/**
 * What a policy of before would still keep, and until when that is waited for. Sets keep their names from one policy
 * to the next; one that did not exist then kept everything.
 */
export function tightenedWaits(
  group: Group,
  { policy, previous, now }: { policy: Policy; previous: readonly PreviousPolicy[]; now: Ms },
): Map<Member, Ms> {
  const kept = new Map<Member, Ms>()
  for (const { policy: before, until } of previous) {
    const wait = Math.max(policy.limits['tightened-after'], before?.limits['tightened-after'] ?? 0)
    if (now >= until + wait) continue
    const keep = before && keepOf(before, group)
    const verdicts =
      before === undefined || keep === undefined
        ? group.members.map((snapshot) => ({ snapshot, keep: true }))
        : applyRetention(group.members, keep, before.zone, now)
    for (const verdict of verdicts)
      if (verdict.keep) kept.set(verdict.snapshot, Math.max(until + wait, kept.get(verdict.snapshot) ?? 0))
  }
  return kept
}
