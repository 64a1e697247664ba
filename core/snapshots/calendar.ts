import type { Ms } from '#core/clock.ts'
import type { PlanInput } from '#core/snapshots/plan.ts'
import type { RecoveryPoint } from '#core/snapshots/points.ts'
import { setOf } from '#core/snapshots/policy.ts'
import { slotsBetween } from '#core/snapshots/schedule.ts'
import { simulate } from '#core/snapshots/simulate.ts'
import { formatDay } from '#core/snapshots/zone.ts'

/** One day of the policy's zone. */
export interface CalendarDay {
  /** `2026-11-25` */
  readonly day: string
  readonly isToday: boolean
  /** Points that can be restored, and such as lack a part. */
  readonly complete: number
  readonly incomplete: number
  /** Of the complete ones: those that are still there at the end of the calendar. */
  readonly kept: number
  /** Points of this day that the policy will let go of within its horizon, and when the first of them goes. */
  readonly expires: string | undefined
  /** Points, of whichever day, that go on this one. */
  readonly leaving: number
  /** Slots that are to come, and how many of their points are still there at the end of the calendar. */
  readonly due: number
  readonly dueKept: number
}

export interface CalendarSpan {
  /** Days before today, and after it. */
  readonly back: number
  readonly ahead: number
}

const DAY: Ms = 86_400_000

/** From `back` days ago to `ahead` days on, in order. */
export function calendarDays(
  input: PlanInput,
  points: readonly RecoveryPoint[],
  { back, ahead }: CalendarSpan,
): CalendarDay[] {
  const { zone } = input.policy
  const today = Math.floor(zone.wallAt(input.now) / DAY)
  const lastDay = formatDay((today + ahead) * DAY)
  const dayOf = (instant: Ms) => formatDay(zone.wallAt(instant))
  const expiryOf = ({ restorable }: RecoveryPoint) =>
    restorable.kind === 'until' ? dayOf(restorable.at) : undefined
  const byDay = Map.groupBy(
    points.filter(({ takenAt }) => takenAt !== undefined),
    ({ takenAt }) => dayOf(takenAt as Ms),
  )
  const leaving = Map.groupBy(points, (point) => expiryOf(point) ?? '')
  const slots = Map.groupBy(slotsToCome(input, points, ahead), ({ instant }) => dayOf(instant))
  return Array.from({ length: back + ahead + 1 }, (_, index) => {
    const number = today - back + index
    const day = formatDay(number * DAY)
    const own = byDay.get(day) ?? []
    const complete = own.filter(({ missing }) => missing.length === 0)
    const ends = own.flatMap((point) => expiryOf(point) ?? []).sort()
    const due = slots.get(day) ?? []
    return {
      ...{ day, isToday: number === today, complete: complete.length },
      incomplete: own.length - complete.length,
      kept: complete.filter((point) => (expiryOf(point) ?? '9999') > lastDay).length,
      expires: ends[0],
      leaving: leaving.get(day)?.length ?? 0,
      ...{ due: due.length, dueKept: due.filter(({ isKept }) => isKept).length },
    }
  })
}

/** The slots of all sets until the end of the last day, each with whether its point will be there then. */
function slotsToCome(
  { policy, sources, workspace, now }: PlanInput,
  points: readonly RecoveryPoint[],
  ahead: number,
): { readonly instant: Ms; readonly isKept: boolean }[] {
  const { zone, sets } = policy
  const until = zone.resolve((Math.floor(zone.wallAt(now) / DAY) + ahead + 1) * DAY).instant - 1
  return Object.entries(sets).flatMap(([name, { when, keep }]) => {
    if (!sources.some((source) => setOf(policy, source, workspace) === name)) return []
    const present = points.flatMap(({ id, set, takenAt, missing }) =>
      set === name && takenAt !== undefined && missing.length === 0
        ? [{ name: id, takenAt, complete: true, ours: true, tags: {} }]
        : [],
    )
    const { remaining } = simulate(present, {
      ...{ cron: when.cron, keep, zone, from: now, until, waits: new Map() },
    })
    return [...slotsBetween(when.cron, zone, now + 1, until)].map(({ instant, key }) => ({
      instant,
      isKept: remaining.has(key),
    }))
  })
}
