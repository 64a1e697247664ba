import type { CalendarDay } from '#core/snapshots/calendar.ts'
import { goesWithin, WEEKDAYS, weekdayOf, weeksOf } from './snapshot-calendar.ts'

/**
 * The calendar as a picture of its own: no font, script or address from anywhere, in light and dark. What colours say,
 * shapes and titles say, too.
 *
 * ```
 *   filled dot: can be restored, and stays     ring: goes within the days shown     cross: lacks a part
 *   small dot: to come                         small ring: to come, and gone by the last day shown
 * ```
 */
const CELL = { width: 92, height: 56, gap: 6 }
const LEFT = 78
const TOP = 74
const LEGEND_HEIGHT = 66
const WIDTH = LEFT + 7 * (CELL.width + CELL.gap) + 12

export function calendarSvg(days: readonly CalendarDay[], title: string): string {
  const weeks = weeksOf(days)
  const height = TOP + weeks.length * (CELL.height + CELL.gap) + LEGEND_HEIGHT
  const name = `${title}: ${days[0]?.day ?? ''} to ${days.at(-1)?.day ?? ''}`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="ui-sans-serif, system-ui, sans-serif" font-size="13" role="img" aria-labelledby="title">`,
    `  <title id="title">${xmlText(name)}</title>`,
    STYLE,
    `  <rect class="page" width="${WIDTH}" height="${height}" />`,
    `  <text class="name" x="14" y="30" font-size="16">${xmlText(name)}</text>`,
    ...WEEKDAYS.map(
      (day, column) => `  <text class="note" x="${columnAt(column)}" y="${TOP - 12}">${day}</text>`,
    ),
    ...weeks.flatMap((week, row) => weekRow(week, row, weeks[row - 1])),
    ...legend(TOP + weeks.length * (CELL.height + CELL.gap) + 22),
    '</svg>',
    '',
  ].join('\n')
}

function weekRow(
  week: readonly CalendarDay[],
  row: number,
  before: readonly CalendarDay[] | undefined,
): string[] {
  const y = TOP + row * (CELL.height + CELL.gap)
  const month = (week[0] as CalendarDay).day.slice(0, 7)
  const label =
    before?.[0]?.day.slice(0, 7) === month
      ? []
      : [`  <text class="note" x="14" y="${y + 22}">${month}</text>`]
  return [...label, ...week.map((day) => cell(day, columnAt(weekdayOf(day.day)), y))]
}

function cell(each: CalendarDay, x: number, y: number): string {
  const { day, isToday, leaving } = each
  const below = [
    ...(each.expires !== undefined && goesWithin(each) ? [`until ${each.expires.slice(5)}`] : []),
    ...(leaving > 0 ? [`−${leaving}`] : []),
  ].join('  ')
  return [
    '  <g>',
    `<title>${xmlText(describe(each))}</title>`,
    `<rect class="${isToday ? 'today' : 'day'}" x="${x}" y="${y}" width="${CELL.width}" height="${CELL.height}" rx="6" />`,
    `<text class="name" x="${x + 9}" y="${y + 21}">${day.slice(8)}</text>`,
    mark(each, x + CELL.width - 18, y + 17),
    below === '' ? '' : `<text class="note" x="${x + 9}" y="${y + 44}">${below}</text>`,
    '</g>',
  ].join('')
}

function mark(each: CalendarDay, x: number, y: number): string {
  const goes = goesWithin(each)
  if (each.complete > 0) return dot(goes ? 'goes' : 'stays', x, y, 7)
  if (each.incomplete > 0) return cross(x, y)
  return each.due > 0 ? dot(goes ? 'goes' : 'stays', x, y, 3) : ''
}

function dot(style: string, x: number, y: number, radius: number): string {
  return `<circle class="${style}" cx="${x}" cy="${y}" r="${radius}" />`
}

function cross(x: number, y: number): string {
  return `<path class="lacks" d="M${x - 6} ${y - 6} l12 12 M${x + 6} ${y - 6} l-12 12" />`
}

/** The day in words: what is there, what of it stays, what comes, what goes. */
function describe(each: CalendarDay): string {
  const { day, isToday, complete, kept, incomplete, due, dueKept, leaving, expires } = each
  const says = [
    ...(complete > 0 ? [`${complete} can be restored, ${kept} of them at the end, too`] : []),
    ...(expires === undefined ? [] : [`the first goes on ${expires}`]),
    ...(incomplete > 0 ? [`${incomplete} lack a part`] : []),
    ...(due > 0 ? [`${due} to come, ${dueKept} of them at the end, too`] : []),
    ...(leaving > 0 ? [`${leaving} go on this day`] : []),
  ]
  return `${day}${isToday ? ', today' : ''}: ${says.length === 0 ? 'nothing' : says.join('; ')}`
}

function legend(y: number): string[] {
  const items = [
    [dot('stays', 0, 0, 7), 'can be restored, and stays'],
    [dot('goes', 0, 0, 7), 'goes within the days shown'],
    [cross(0, 0), 'lacks a part'],
    [dot('stays', 0, 0, 3), 'to come'],
    [dot('goes', 0, 0, 3), 'to come, and gone by the last day'],
  ] as const
  let [x, line] = [22, 0]
  return items.map(([shape, text]) => {
    const room = 34 + text.length * 6.4
    if (x + room > WIDTH) [x, line] = [22, line + 1]
    const at = x
    x += room
    return `  <g transform="translate(${Math.round(at)} ${y + line * 22})">${shape}<text class="note" x="14" y="4">${text}</text></g>`
  })
}

function columnAt(column: number): number {
  return LEFT + column * (CELL.width + CELL.gap)
}

function xmlText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

const STYLE = `  <style>
    .page { fill: #ffffff }
    .day { fill: #f6f8fa; stroke: #d0d7de }
    .today { fill: #ddf4ff; stroke: #0969da; stroke-width: 2 }
    .name { fill: #1f2328; font-weight: 600 }
    .note { fill: #57606a; font-size: 11px }
    .stays { fill: #1a7f37; stroke: #1a7f37; stroke-width: 1.6 }
    .goes { fill: none; stroke: #9a6700; stroke-width: 1.6 }
    .lacks { fill: none; stroke: #cf222e; stroke-width: 2.4 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 }
      .day { fill: #161b22; stroke: #30363d }
      .today { fill: #0c2d4d; stroke: #58a6ff }
      .name { fill: #e6edf3 }
      .note { fill: #9da7b1 }
      .stays { fill: #3fb950; stroke: #3fb950 }
      .goes { stroke: #d29922 }
      .lacks { stroke: #ff7b72 }
    }
  </style>`
