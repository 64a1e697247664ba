import type { Ms } from '#core/clock.ts'
import type { ProviderWindow } from '#core/snapshots/snapshot.ts'
import type { WallTime, Zone } from '#core/snapshots/zone.ts'

/** When not to begin: the windows of a policy, in its zone, and those of a provider, in UTC. */

/** A span of every week, in minutes from Sunday 00:00; it may run over the week's end. */
export interface WeekSpan {
  readonly text: string
  readonly days: readonly number[]
  /** Minutes of the day. */
  readonly from: number
  /** Minutes it lasts, more than none and at most a week. */
  readonly length: number
}

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]
const DAY_MINUTES = 24 * 60
const WEEK_MINUTES = 7 * DAY_MINUTES
const MINUTE: Ms = 60_000
/** 1970-01-01 was a Thursday. */
const EPOCH_WEEKDAY = 4

/** `04:00-05:00`, `tue 04:00-05:00`, `mon-fri 22:00-06:00`; undefined for anything else. */
export function parseAvoided(text: string): WeekSpan | undefined {
  const match = /^(?:([a-z]{3})(?:-([a-z]{3}))? )?(\d\d:\d\d)-(\d\d:\d\d)$/i.exec(text.trim())
  if (match === null) return undefined
  const days = daysOf(match[1], match[2])
  const from = minuteOf(match[3] as string)
  const to = minuteOf(match[4] as string)
  if (days === undefined || from === undefined || to === undefined || from === to) return undefined
  return { text, days, from, length: (to - from + DAY_MINUTES) % DAY_MINUTES }
}

/** A provider's window: `06:00-07:00` is daily, `tue:04:00-tue:05:00` weekly. */
export function parseProviderWindow(span: string): WeekSpan | undefined {
  const match = /^(?:([a-z]{3}):)?(\d\d:\d\d)-(?:([a-z]{3}):)?(\d\d:\d\d)$/i.exec(span.trim())
  if (match === null || (match[1] === undefined) !== (match[3] === undefined)) return undefined
  if (match[1] === undefined) return parseAvoided(span)
  const first = WEEKDAYS.indexOf(match[1].toLowerCase())
  const last = WEEKDAYS.indexOf((match[3] as string).toLowerCase())
  const from = minuteOf(match[2] as string)
  const to = minuteOf(match[4] as string)
  if (first < 0 || last < 0 || from === undefined || to === undefined) return undefined
  const length = ((((last - first) * DAY_MINUTES + to - from) % WEEK_MINUTES) + WEEK_MINUTES) % WEEK_MINUTES
  return length === 0 ? undefined : { text: span, days: [first], from, length }
}

/** Whether the clock on the wall shows a time within `span`. */
export function contains(span: WeekSpan, wall: WallTime): boolean {
  const minutes = Math.floor(wall / MINUTE) + EPOCH_WEEKDAY * DAY_MINUTES
  const at = ((minutes % WEEK_MINUTES) + WEEK_MINUTES) % WEEK_MINUTES
  return span.days.some(
    (day) => (at - day * DAY_MINUTES - span.from + 2 * WEEK_MINUTES) % WEEK_MINUTES < span.length,
  )
}

/** Why nothing may begin at `now`, in a clause; undefined where it may. */
export function whyNotNow(
  now: Ms,
  zone: Zone,
  avoid: readonly WeekSpan[],
  provider: readonly ProviderWindow[],
): string | undefined {
  const own = avoid.find((span) => contains(span, zone.wallAt(now)))
  if (own !== undefined) return `the policy avoids ${own.text} (${zone.name})`
  for (const { what, span } of provider) {
    const parsed = parseProviderWindow(span)
    if (parsed !== undefined && contains(parsed, now)) return `its ${what} window is open (${span} UTC)`
  }
  return undefined
}

function daysOf(first: string | undefined, last: string | undefined): readonly number[] | undefined {
  if (first === undefined) return EVERY_DAY
  const from = WEEKDAYS.indexOf(first.toLowerCase())
  const to = last === undefined ? from : WEEKDAYS.indexOf(last.toLowerCase())
  if (from < 0 || to < 0) return undefined
  const count = ((to - from + 7) % 7) + 1
  return Array.from({ length: count }, (_, index) => (from + index) % 7)
}

function minuteOf(text: string): number | undefined {
  const [hour, minute] = text.split(':').map(Number) as [number, number]
  return hour <= 23 && minute <= 59
    ? hour * 60 + minute
    : hour === 24 && minute === 0
      ? DAY_MINUTES
      : undefined
}
