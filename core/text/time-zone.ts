import type { Ms } from '#core/clock.ts'

/**
 * Civil time: what clocks on the wall show in a zone. A zone is a name of the IANA list (`Europe/Berlin`, `UTC`) or a
 * fixed offset (`+02:00`).
 */

/** A date and a time of day, of no zone. */
export interface CivilTime {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

const DAY: Ms = 86_400_000

/** Made once a zone: a formatter takes as long as thousands of its answers. */
const formatters = new Map<string, Intl.DateTimeFormat>()

/** Whether there is such a zone. */
export function isZone(zone: string): boolean {
  try {
    formatterOf(zone)
    return true
  } catch {
    return false
  }
}

/** What clocks in `zone` show at the moment `wall`. */
export function civilTimeAt(zone: string, wall: Ms): CivilTime {
  const parts = new Map(
    formatterOf(zone)
      .formatToParts(wall)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) as number
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    hour: part('hour'),
    minute: part('minute'),
    second: part('second'),
  }
}

/** How far clocks in `zone` are ahead of UTC at the moment `wall`. */
export function offsetAt(zone: string, wall: Ms): Ms {
  return asUtc(civilTimeAt(zone, wall)) - Math.floor(wall / 1_000) * 1_000
}

/**
 * The moment at which clocks in `zone` show that time; undefined for a date or time that there is not. When clocks
 * are set back a time comes twice, and `which` says which one is meant; one that they skip is taken as many minutes
 * later as they are set forward by.
 */
export function momentOf(civil: CivilTime, zone: string, which: 'first' | 'last'): Ms | undefined {
  const utc = asUtc(civil)
  if (!isSame(civil, civilTimeAt('UTC', utc))) return undefined
  // Clocks are not set twice within two days.
  const before = offsetAt(zone, utc - DAY)
  const after = offsetAt(zone, utc + DAY)
  const moments = [utc - before, utc - after].filter((moment) => moment + offsetAt(zone, moment) === utc)
  if (moments.length === 0) return utc - before
  return which === 'first' ? Math.min(...moments) : Math.max(...moments)
}

/** An offset as it is written behind a time: `+02:00`; `Z` for none. */
export function formatOffset(offset: Ms): string {
  if (offset === 0) return 'Z'
  const minutes = Math.round(Math.abs(offset) / 60_000)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone)
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
    formatters.set(zone, formatter)
  }
  return formatter
}

function asUtc({ year, month, day, hour, minute, second }: CivilTime): Ms {
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

function isSame(a: CivilTime, b: CivilTime): boolean {
  return (Object.keys(a) as (keyof CivilTime)[]).every((part) => a[part] === b[part])
}
