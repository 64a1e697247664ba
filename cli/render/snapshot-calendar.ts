import type { CalendarDay } from '#core/snapshots/calendar.ts'
import type { Paint } from './error.ts'

/**
 * Days in weeks, Monday first: `●` a point that can be restored, `○` one that lacks a part, `·` a slot to come; `×`
 * behind it where the policy will let go of one of that day.
 */
export function renderCalendar(days: readonly CalendarDay[], paint: Paint): string {
  const first = days[0]
  if (first === undefined) return ''
  const lines: string[] = [`         ${WEEKDAYS.map((name) => name.padEnd(5)).join('')}`.trimEnd()]
  let cells = ' '.repeat(5 * weekday(first.day))
  let month = monthOf(first.day)
  for (const [index, day] of days.entries()) {
    cells += cellOf(day, paint)
    if (weekday(day.day) < 6 && index < days.length - 1) continue
    lines.push(`${month.padEnd(8)} ${cells}`.trimEnd())
    const next = days[index + 1]
    month = next === undefined ? '' : monthOf(next.day)
    cells = ''
  }
  return [...lines, LEGEND].join('\n')
}

export function calendarDocument(days: readonly CalendarDay[]): object {
  return { days: days.map((day) => ({ ...day, expires: day.expires ?? null })) }
}

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const LEGEND = '● can be restored  ○ lacks a part  · to come  × will be let go of'

function cellOf({ day, isToday, complete, incomplete, due, expires }: CalendarDay, paint: Paint): string {
  const mark = complete > 0 ? '●' : incomplete > 0 ? '○' : due > 0 ? '·' : ' '
  const text = `${day.slice(8)}${mark}${expires === undefined ? ' ' : '×'}`
  const style = isToday ? 'bold' : complete > 0 ? 'green' : incomplete > 0 ? 'red' : 'dim'
  return `${paint(style, text)} `
}

function weekday(day: string): number {
  return (new Date(`${day}T00:00Z`).getUTCDay() + 6) % 7
}

function monthOf(day: string): string {
  return day.slice(0, 7)
}
