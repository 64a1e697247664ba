import type { Ms } from '#core/clock.ts'
import { parseWindow, type WeekSpan } from '#core/installation/windows.ts'
import type { ProviderWindow } from '#core/snapshots/snapshot.ts'
import type { WallTime, Zone } from '#core/snapshots/zone.ts'

/** When not to begin: the windows of a policy, in its zone, and those of a provider, in UTC. */

/** What a policy avoids, as it is written and as spans of the week. */
export interface Avoided {
  readonly text: string
  readonly spans: readonly WeekSpan[]
}

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const MINUTE: Ms = 60_000
const DAY_MINUTES = 24 * 60
const WEEK_MINUTES = 7 * DAY_MINUTES
/** 1970-01-01 was a Thursday. */
const EPOCH_MINUTES = WEEKDAYS.indexOf('thu') * DAY_MINUTES

/** `04:00-05:00`, `tue 04:00-05:00`, `mon-fri 22:00-06:00`; undefined for anything else. */
export function parseAvoided(text: string): Avoided | undefined {
  const match = /^(?:([a-z]{3})(?:-([a-z]{3}))? )?(\d\d:\d\d-\d\d:\d\d)$/.exec(text.trim().toLowerCase())
  const [, first, last = first, times = ''] = match ?? []
  const days = first === undefined ? [...WEEKDAYS.keys()] : daysBetween(first, last as string)
  const daily = parseWindow(times)
  if (days === undefined || daily.length === 0) return undefined
  return { text, spans: daily.filter((_, day) => days.includes(day)) }
}

/** Why nothing may begin at `now`, in a clause; undefined where it may. */
export function whyNotNow(
  now: Ms,
  zone: Zone,
  avoid: readonly Avoided[],
  provider: readonly ProviderWindow[],
): string | undefined {
  const wall = zone.wallAt(now)
  const own = avoid.find(({ spans }) => contain(spans, wall))
  if (own !== undefined) return `the policy avoids ${own.text} (${zone.name})`
  const theirs = provider.find(({ span }) => contain(parseWindow(span), now))
  return theirs && `its ${theirs.what} window is open (${theirs.span} UTC)`
}

/** Whether the clock on the wall shows a time within one of `spans`. */
function contain(spans: readonly WeekSpan[], wall: WallTime): boolean {
  const at = (((Math.floor(wall / MINUTE) + EPOCH_MINUTES) % WEEK_MINUTES) + WEEK_MINUTES) % WEEK_MINUTES
  // A span that goes over the week's end is met again a week later.
  return [at, at + WEEK_MINUTES].some((minute) => spans.some(({ from, to }) => from <= minute && minute < to))
}

function daysBetween(first: string, last: string): readonly number[] | undefined {
  const [from, to] = [WEEKDAYS.indexOf(first), WEEKDAYS.indexOf(last)]
  if (from < 0 || to < 0) return undefined
  return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, index) => (from + index) % 7)
}
