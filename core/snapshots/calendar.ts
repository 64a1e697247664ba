import type { Ms } from '#core/clock.ts'
import type { PlanInput } from '#core/snapshots/plan.ts'
import type { RecoveryPoint } from '#core/snapshots/points.ts'
import { setOf } from '#core/snapshots/policy.ts'
import { slotsBetween } from '#core/snapshots/schedule.ts'
import { formatDay } from '#core/snapshots/zone.ts'

/** One day of the policy's zone. */
export interface CalendarDay {
  /** `2026-11-25` */
  readonly day: string
  readonly isToday: boolean
  /** Points that can be restored, and such as lack a part. */
  readonly complete: number
  readonly incomplete: number
  /** Points of this day that the policy will let go of within its horizon, and when the first of them goes. */
  readonly expires: string | undefined
  /** Slots that are to come. */
  readonly due: number
}

const DAY: Ms = 86_400_000

/** From `back` days ago to `ahead` days on, in order. */
export function calendarDays(
  { policy, sources, workspace, now }: PlanInput,
  points: readonly RecoveryPoint[],
  span: { readonly back: number; readonly ahead: number },
): CalendarDay[] {
  const { zone, sets } = policy
  const today = Math.floor(zone.wallAt(now) / DAY)
  const dayOf = (instant: Ms) => formatDay(zone.wallAt(instant))
  const byDay = Map.groupBy(
    points.filter(({ takenAt }) => takenAt !== undefined),
    ({ takenAt }) => dayOf(takenAt as Ms),
  )
  const due = new Map<string, number>()
  for (const [name, { when }] of Object.entries(sets)) {
    if (!sources.some((source) => setOf(policy, source, workspace) === name)) continue
    for (const { instant } of slotsBetween(when.cron, zone, now + 1, now + (span.ahead + 1) * DAY))
      due.set(dayOf(instant), (due.get(dayOf(instant)) ?? 0) + 1)
  }
  return Array.from({ length: span.back + span.ahead + 1 }, (_, index) => {
    const number = today - span.back + index
    const day = formatDay(number * DAY)
    const own = byDay.get(day) ?? []
    const ends = own.flatMap(({ restorable }) => (restorable.kind === 'until' ? [restorable.at] : []))
    return {
      ...{ day, isToday: number === today, due: due.get(day) ?? 0 },
      complete: own.filter(({ missing }) => missing.length === 0).length,
      incomplete: own.filter(({ missing }) => missing.length > 0).length,
      expires: ends.length === 0 ? undefined : dayOf(Math.min(...ends)),
    }
  })
}
