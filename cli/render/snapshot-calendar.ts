import type { CalendarDay } from '#core/snapshots/calendar.ts'
import type { Paint } from './error.ts'

/**
 * Days in weeks, Monday first: `●` a point that can be restored, `○` one that lacks a part, `·` a slot to come; `×`
 * behind it where none of that day is left at the end of the calendar.
 */
export function renderCalendar(days: readonly CalendarDay[], paint: Paint): string {
  const lines: string[] = [`         ${WEEKDAYS.map((name) => name.padEnd(5)).join('')}`.trimEnd()]
  let month = ''
  for (const week of weeksOf(days)) {
    const first = week[0] as CalendarDay
    const shown = monthOf(first.day) === month ? '' : monthOf(first.day)
    month = monthOf(first.day)
    const cells = week.map((day) => cellOf(day, paint)).join('')
    lines.push(`${shown.padEnd(8)} ${' '.repeat(5 * weekdayOf(first.day))}${cells}`.trimEnd())
  }
  return [...lines, LEGEND].join('\n')
}

export function calendarDocument(days: readonly CalendarDay[]): object {
  return { days: days.map((day) => ({ ...day, expires: day.expires ?? null })) }
}

/** Weeks from Monday to Sunday; the first and the last may be shorter. */
export function weeksOf(days: readonly CalendarDay[]): CalendarDay[][] {
  const weeks: CalendarDay[][] = []
  for (const day of days)
    if (weeks.length === 0 || weekdayOf(day.day) === 0) weeks.push([day])
    else weeks.at(-1)?.push(day)
  return weeks
}

/** 0 is Monday. */
export function weekdayOf(day: string): number {
  return (new Date(`${day}T00:00Z`).getUTCDay() + 6) % 7
}

/** Whether there is or comes something on that day of which nothing is left at the end of the calendar. */
export function goesWithin({ complete, kept, due, dueKept }: CalendarDay): boolean {
  return complete + due > 0 && kept + dueKept === 0
}

export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const LEGEND = '● can be restored  ○ lacks a part  · to come  × gone by the last day shown'

function cellOf(each: CalendarDay, paint: Paint): string {
  const { day, isToday, complete, incomplete, due } = each
  const mark = complete > 0 ? '●' : incomplete > 0 ? '○' : due > 0 ? '·' : ' '
  const text = `${day.slice(8)}${mark}${goesWithin(each) ? '×' : ' '}`
  const style = isToday ? 'bold' : complete > 0 ? 'green' : incomplete > 0 ? 'red' : 'dim'
  return `${paint(style, text)} `
}

function monthOf(day: string): string {
  return day.slice(0, 7)
}
