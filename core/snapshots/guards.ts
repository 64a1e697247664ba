import type { Ms } from '#core/clock.ts'
import type { Group, Member } from '#core/snapshots/groups.ts'

/**
 * What holds before each single delete, whatever the rules said: checked when the plan is made, and again on a fresh
 * listing just before the call. Retention already keeps all of these; a guard that refuses is a bug caught in time,
 * or a world that changed since the plan.
 */
export interface Guarded {
  readonly group: Pick<Group, 'members' | 'source' | 'sourceId'>
  /** Complete ones of ours that must remain. */
  readonly minimum: number
  readonly now: Ms
}

/** Why `member` must not be deleted from its group, in a clause; undefined where it may. */
export function whyNotDelete(member: Member, { group, minimum, now }: Guarded): string | undefined {
  if (member.foreign !== undefined) return member.foreign
  if (group.source === undefined) return `${group.sourceId} is gone: its last copies stay`
  if (member.takenAt === undefined) return 'nobody says when it was taken'
  if (member.takenAt > now) return 'it is dated in the future'
  if (member.snapshot.state !== 'available') return `its state is ${member.snapshot.state}`
  const usable = group.members.filter(
    ({ complete, ours, takenAt }) => complete && ours && (takenAt as Ms) <= now,
  )
  if (!usable.some(({ takenAt }) => (takenAt as Ms) > (member.takenAt as Ms)))
    return 'it is the newest complete one'
  if (usable.length - 1 < minimum)
    return `only ${usable.length - 1} complete ones would remain, of at least ${minimum}`
  return undefined
}
