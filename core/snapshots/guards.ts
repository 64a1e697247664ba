import type { Ms } from '#core/clock.ts'
import type { Group, Member } from '#core/snapshots/groups.ts'
import { whyHeld } from '#core/snapshots/retention.ts'
import type { Zone } from '#core/snapshots/zone.ts'

/**
 * What holds before each single delete, whatever the rules said: checked when the plan is made, and again on a fresh
 * listing just before the call. Retention already keeps all of these; a guard that refuses is a bug caught in time,
 * or a world that changed since the plan.
 */
export interface Guarded {
  readonly sourceId: string
  /** Whether the datastore itself was found. */
  readonly sourceExists: boolean
  /** Complete ones of ours, none of them dated in the future. */
  readonly usable: number
  /** When the newest of those was taken. */
  readonly newest: Ms
  /** How many of those must remain. */
  readonly minimum: number
  readonly now: Ms
  readonly zone: Zone
}

/** A plan that meets this asks for them, and is made again. */
export const TAGS_UNKNOWN = 'its tags are not known'

/** Looks over a group once, for the guards of all its deletes. */
export function guardGroup(
  { sourceId, source, members }: Pick<Group, 'sourceId' | 'source' | 'members'>,
  minimum: number,
  now: Ms,
  zone: Zone,
): Guarded {
  let [usable, newest] = [0, -Infinity]
  for (const { complete, ours, takenAt } of members) {
    if (!complete || !ours || takenAt === undefined || takenAt > now) continue
    usable++
    newest = Math.max(newest, takenAt)
  }
  return { sourceId, sourceExists: source !== undefined, usable, newest, minimum, now, zone }
}

/** Why `member` must not be deleted from its group, in a clause; undefined where it may. */
export function whyNotDelete(member: Member, guarded: Guarded): string | undefined {
  const { sourceId, sourceExists, usable, newest, minimum, now, zone } = guarded
  if (member.foreign !== undefined) return member.foreign
  if (!sourceExists) return `${sourceId} is gone: its last copies stay`
  if (member.snapshot.tags === undefined) return TAGS_UNKNOWN
  if (member.takenAt === undefined) return 'nobody says when it was taken'
  if (member.takenAt > now) return 'it is dated in the future'
  if (member.snapshot.state !== 'available') return `its state is ${member.snapshot.state}`
  const held = whyHeld(member.tags, zone, now)
  if (held !== undefined) return held
  if (member.takenAt >= newest) return 'it is the newest complete one'
  if (usable - 1 < minimum) return `only ${usable - 1} complete ones would remain, of at least ${minimum}`
  return undefined
}
