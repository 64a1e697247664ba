import type { Ms } from '#core/clock.ts'
import { civilTimeAt } from '#core/text/time-zone.ts'
import type { Opening, Up } from './schedule.ts'

/** A schedule in words, by the clock of its own zone. */

const DAY: Ms = 86_400_000
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** `up by schedule until 18:00 (Mon-Fri 08:00-18:00 Europe/Berlin)`. */
export function describeUp(up: Up, now: Ms): string {
  return `up by schedule ${describeEnd(up, now)} (${up.window.text})`
}

/** `until 18:00`. */
export function describeEnd({ until, window }: Up, now: Ms): string {
  return until === undefined ? 'without an end' : `until ${describeMoment(until, window.zone, now)}`
}

/** `Mon 08:00`. */
export function describeOpening({ at, window }: Opening, now: Ms): string {
  return describeMoment(at, window.zone, now)
}

/** `Mon 08:00 (Mon-Fri 08:00-18:00 Europe/Berlin)`. */
export function describeNext(next: Opening, now: Ms): string {
  return `${describeOpening(next, now)} (${next.window.text})`
}

/** The time alone where it is of today, and with its day where it is not; with the date where that would be today's. */
function describeMoment(moment: Ms, zone: string, now: Ms): string {
  const { year, month, day, hour, minute } = civilTimeAt(zone, moment)
  const today = civilTimeAt(zone, now)
  const days = (Date.UTC(year, month - 1, day) - Date.UTC(today.year, today.month - 1, today.day)) / DAY
  const time = `${two(hour)}:${two(minute)}`
  if (days === 0) return time
  const name = DAYS[new Date(Date.UTC(year, month - 1, day)).getUTCDay()]
  return Math.abs(days) < 7 ? `${name} ${time}` : `${name} ${year}-${two(month)}-${two(day)} ${time}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
