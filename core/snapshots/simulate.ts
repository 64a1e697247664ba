import type { Ms } from '#core/clock.ts'
import type { Keep, Policy } from '#core/snapshots/policy.ts'
import { applyRetention, type Retained } from '#core/snapshots/retention.ts'
import { slotsBetween } from '#core/snapshots/schedule.ts'

/**
 * A policy lived through ahead of time for one group (a datastore's snapshots in one region): what the schedule will
 * add, what the rules will delete, and when.
 */
export interface Future {
  /** When a snapshot that there is will be deleted, by name; absent where it outlives the simulation. */
  readonly expiries: ReadonlyMap<string, Ms>
  /** How the count changes, in order of time; what is added at an instant counts before what is deleted then. */
  readonly changes: readonly Change[]
  /** What is there at the end: names of snapshots, and keys of slots. */
  readonly remaining: ReadonlySet<string>
}

export interface Change {
  readonly at: Ms
  readonly by: number
}

export interface Simulated {
  readonly cron: Policy['sets'][string]['when']['cron']
  readonly keep: Keep
  readonly zone: Policy['zone']
  readonly from: Ms
  readonly until: Ms
  /** Until when a snapshot stays whatever the rules say, by name. */
  readonly waits: ReadonlyMap<string, Ms>
}

/** `present` are ours, of this group; the pending ones count as complete from `from` on. */
export function simulate(
  present: readonly Retained[],
  { cron, keep, zone, from, until, waits }: Simulated,
): Future {
  const expiries = new Map<string, Ms>()
  const changes: Change[] = []
  const real = new Set(present.map(({ name }) => name))
  let alive: Retained[] = present.map((snapshot) => ({
    ...snapshot,
    complete: true,
    takenAt: snapshot.takenAt ?? from,
  }))
  for (const { instant, key } of slotsBetween(cron, zone, from + 1, until)) {
    changes.push({ at: instant, by: 1 })
    alive.push({ name: key, takenAt: instant, complete: true, ours: true, tags: {} })
    const remaining: Retained[] = []
    for (const verdict of applyRetention(alive, keep, zone, instant)) {
      if (verdict.keep || instant < (waits.get(verdict.snapshot.name) ?? 0)) remaining.push(verdict.snapshot)
      else if (real.has(verdict.snapshot.name)) expiries.set(verdict.snapshot.name, instant)
    }
    if (remaining.length < alive.length) changes.push({ at: instant, by: remaining.length - alive.length })
    alive = remaining
  }
  return { expiries, changes, remaining: new Set(alive.map(({ name }) => name)) }
}
