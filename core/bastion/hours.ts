import { PgctlError } from '#core/errors.ts'
import { isZone } from '#core/text/time-zone.ts'

/**
 * Hours at which a bastion must be up, as a stack has them: `Mon-Fri 08:00-18:00 Europe/Berlin`, several with a
 * semicolon between them. Without days they are of every day; those that end before they begin go over midnight.
 */
export interface Window {
  /** As it was written. */
  readonly text: string
  /** On which it opens, 0 being Sunday. */
  readonly days: ReadonlySet<number>
  /** Minutes of the day that it opens on; `to` is beyond 1440 where it goes over midnight. */
  readonly from: number
  readonly to: number
  readonly zone: string
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const DAY_MINUTES = 24 * 60
const FORM = 'Mon-Fri 08:00-18:00 Europe/Berlin'

/** The windows of a text, none for an empty one; or in a clause what is wrong with it. */
export function parseHours(text: string): readonly Window[] | string {
  const windows: Window[] = []
  for (const part of text.split(';').map((each) => each.trim().split(/\s+/).join(' '))) {
    if (part === '') continue
    const window = parseWindow(part)
    if (typeof window === 'string') return `"${part}": ${window}`
    windows.push(window)
  }
  return windows
}

/** @throws PgctlError `code`, for what `name` says and no hours are. */
export function checkHours(text: string, name: string, code: 'usage' | 'config-invalid'): readonly Window[] {
  const windows = parseHours(text)
  if (typeof windows !== 'string') return windows
  throw new PgctlError(code, `${name} does not say at which hours the bastion must be up`, {
    why: windows,
    next: `deploy the stack with others: pgctl deploy --set 'bastionHours=${FORM}' --plan`,
  })
}

function parseWindow(text: string): Window | string {
  const words = text.split(' ')
  const at = words.findIndex((word) => /\d:\d/.test(word))
  if (at < 0) return `it names no time of day, as ${FORM} does`
  const days = at === 0 ? new Set(DAYS.keys()) : parseDays(words.slice(0, at).join(''))
  if (typeof days === 'string') return days
  const times = parseTimes(words[at] as string)
  if (typeof times === 'string') return times
  const [zone, ...more] = words.slice(at + 1)
  if (zone === undefined) return `it names no time zone, as ${FORM} does`
  if (more.length > 0) return `it goes on with ${more.join(' ')}; a semicolon parts one from the next`
  if (!isZone(zone)) return `there is no time zone ${zone}; they are named as Europe/Berlin or UTC is`
  return { text, days, ...times, zone }
}

/** `Mon-Fri`, `Sat,Sun`, `Fri-Mon,Wed`. */
function parseDays(text: string): ReadonlySet<number> | string {
  const days = new Set<number>()
  for (const part of text.split(',')) {
    const [first = '', last = first, ...more] = part.split('-')
    const [from, to] = [DAYS.indexOf(first.toLowerCase()), DAYS.indexOf(last.toLowerCase())]
    if (from < 0 || to < 0 || more.length > 0)
      return `"${part}" is no day and no range of days (Mon, Tue, Wed, Thu, Fri, Sat, Sun)`
    for (let step = 0; step <= (to - from + 7) % 7; step++) days.add((from + step) % 7)
  }
  return days
}

function parseTimes(text: string): { readonly from: number; readonly to: number } | string {
  const match = /^(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)$/.exec(text)
  const [from, to] = [minutesOf(match?.[1], match?.[2]), minutesOf(match?.[3], match?.[4])]
  if (from === undefined || to === undefined || from === DAY_MINUTES)
    return `${text} is no span of a day, from 00:00 to 24:00 (08:00-18:00; 22:00-06:00 goes over midnight)`
  if (from === to) return `${text} begins when it ends; a whole day is 00:00-24:00`
  return { from, to: to > from ? to : to + DAY_MINUTES }
}

function minutesOf(hour: string | undefined, minute: string | undefined): number | undefined {
  const minutes = Number(hour) * 60 + Number(minute)
  return Number(minute) < 60 && minutes <= DAY_MINUTES ? minutes : undefined
}
