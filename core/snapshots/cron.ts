/**
 * Cron expressions of five fields, as days and times of day on a wall clock. No time zone: that is `schedule.ts`.
 *
 * A day matches by its number *or* its day of the week where both are given, as cron has always had it.
 */
export interface Cron {
  readonly text: string
  /** Minutes of the day, ascending, without repeats. */
  readonly times: readonly number[]
  matchesDay(day: Day): boolean
}

/** A date of the calendar. */
export interface Day {
  /** 1 to 12. */
  readonly month: number
  readonly dayOfMonth: number
  /** 0 is Sunday. */
  readonly dayOfWeek: number
}

interface Field {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly names?: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const FIELDS = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of the month', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12, names: MONTHS },
  { name: 'day of the week', from: 0, to: 7, names: WEEKDAYS },
] as const satisfies readonly Field[]

/** The longest that each month gets. */
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Reads an expression, or says in a clause what is wrong with it. */
export function parseCron(text: string): Cron | string {
  const words = text.trim().split(/\s+/)
  if (words.length !== FIELDS.length)
    return `a cron expression has five fields (minute, hour, day, month, day of the week), not ${text.trim() === '' ? 0 : words.length}`
  const sets: Set<number>[] = []
  for (const [index, field] of FIELDS.entries()) {
    const set = parseField(words[index] as string, field)
    if (typeof set === 'string') return set
    sets.push(set)
  }
  const [minutes, hours, days, months, weekdays] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ]
  if (weekdays.has(7)) weekdays.add(0)
  const anyDay = words[2] === '*'
  const anyWeekday = words[4] === '*'
  if (anyWeekday && ![...months].some((month) => [...days].some((day) => day <= longest(month))))
    return `no month of ${words[3]} has a day ${words[2]}`
  return {
    text: words.join(' '),
    times: ascending(hours).flatMap((hour) => ascending(minutes).map((minute) => hour * 60 + minute)),
    matchesDay({ month, dayOfMonth, dayOfWeek }) {
      if (!months.has(month)) return false
      if (anyDay || anyWeekday)
        return (anyDay || days.has(dayOfMonth)) && (anyWeekday || weekdays.has(dayOfWeek))
      return days.has(dayOfMonth) || weekdays.has(dayOfWeek)
    },
  }
}

function parseField(word: string, field: Field): Set<number> | string {
  const set = new Set<number>()
  for (const part of word.split(',')) {
    const match = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part)
    const from = match?.[1] ? field.from : numberOf(match?.[2], field)
    const step = match?.[4] === undefined ? 1 : Number(match[4])
    const last = match?.[3] ?? (match?.[1] || match?.[4] ? String(lastOf(field)) : match?.[2])
    const to = numberOf(last, field)
    if (match === null || from === undefined || to === undefined || step === 0 || from > to)
      return `${JSON.stringify(part)} is no ${field.name} (${field.from} to ${field.to}, lists, ranges and steps)`
    for (let value = from; value <= to; value += step) set.add(value)
  }
  return set
}

/** Sunday is 0 and 7, and a step over the whole week must not count it twice. */
function lastOf({ from, to, names }: Field): number {
  return names === undefined ? to : from + names.length - 1
}

function numberOf(word: string | undefined, { from, to, names }: Field): number | undefined {
  if (word === undefined) return undefined
  const named = names?.indexOf(word.toLowerCase()) ?? -1
  const value = named >= 0 ? named + from : /^\d+$/.test(word) ? Number(word) : Number.NaN
  return value >= from && value <= to ? value : undefined
}

function longest(month: number): number {
  return MONTH_DAYS[month - 1] as number
}

function ascending(set: ReadonlySet<number>): number[] {
  return [...set].sort((a, b) => a - b)
}
