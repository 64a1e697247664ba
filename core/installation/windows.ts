/**
 * Windows in which a provider makes backups or changes, as it writes them: daily `06:00-07:00`, weekly
 * `tue:04:00-tue:05:00`. All are UTC.
 */

/** Minutes since Monday 00:00, the end not included; it is beyond the week's end where the window goes over it. */
export interface WeekSpan {
  readonly from: number
  readonly to: number
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const DAY = 24 * 60
const WEEK = 7 * DAY

/** When a window is open in a week: a daily one seven times. Empty for a text that is none. */
export function parseWindow(text: string): WeekSpan[] {
  const match = /^(?:([a-z]{3}):)?(\d\d):(\d\d)-(?:([a-z]{3}):)?(\d\d):(\d\d)$/.exec(text.toLowerCase())
  if (match === null) return []
  const [, fromDay, fromHour, fromMinute, toDay, toHour, toMinute] = match
  const from = minuteOfDay(fromHour, fromMinute)
  const to = minuteOfDay(toHour, toMinute)
  if (from === undefined || to === undefined || (fromDay === undefined) !== (toDay === undefined)) return []
  if (fromDay === undefined || toDay === undefined)
    return DAYS.map((_, day) => spanOf(day * DAY + from, day * DAY + to, DAY))
  const [first, last] = [DAYS.indexOf(fromDay), DAYS.indexOf(toDay)]
  return first === -1 || last === -1 ? [] : [spanOf(first * DAY + from, last * DAY + to, WEEK)]
}

/** Whether two windows are ever open at once. */
export function windowsOverlap(one: string, other: string): boolean {
  const others = parseWindow(other)
  return parseWindow(one).some((a) => others.some((b) => spansOverlap(a, b)))
}

function spansOverlap(a: WeekSpan, b: WeekSpan): boolean {
  return [-WEEK, 0, WEEK].some((shift) => a.from < b.to + shift && b.from + shift < a.to)
}

/** One that ends before it begins goes over the end of the day or the week. */
function spanOf(from: number, to: number, cycle: number): WeekSpan {
  return { from, to: to > from ? to : to + cycle }
}

function minuteOfDay(hour = '', minute = ''): number | undefined {
  const value = Number(hour) * 60 + Number(minute)
  return Number(minute) < 60 && value <= DAY ? value : undefined
}
