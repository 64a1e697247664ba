import type { Ms } from '#core/clock.ts'
import type { Stamp } from '#core/logs/line.ts'
import { parseDuration } from '#core/text/duration.ts'
import { type CivilTime, civilTimeAt, isZone, momentOf } from '#core/text/time-zone.ts'

/** Where words about time are said. */
export interface Today {
  readonly now: Ms
  /** The zone of times that name none. */
  readonly zone: string
  /** Which of two moments is meant by a time that comes twice, when clocks are set back. */
  readonly which: 'first' | 'last'
}

const TIME = '(?<hour>\\d{1,2}):(?<minute>\\d\\d)(?::(?<second>\\d\\d)(?:[.,](?<fraction>\\d{1,9}))?)?'
const DATE = '(?<year>\\d{4})-(?<month>\\d\\d)-(?<date>\\d\\d)'
const ZONE = '(?<zone>Z|[+-]\\d\\d(?::?\\d\\d)?| [A-Za-z][A-Za-z0-9_+/-]*)?'
const FORMS = [
  new RegExp(`^${DATE}(?:[T ]${TIME})?${ZONE}$`),
  new RegExp(`^(?<day>today|yesterday)(?: ${TIME})?${ZONE}$`),
  new RegExp(`^${TIME}${ZONE}$`),
]

/**
 * A moment as people write it, as a stamp that can be compared with those of lines; undefined for what is none.
 *
 * ```
 *   2026-11-25T20:10    2026-11-25 20:10:05.123456789Z    2026-11-25      a day begins at 00:00
 *   20:10    20:10+01:00    20:10 Europe/Berlin                           today, as it is in that zone
 *   yesterday 20:10    now    15m    1h30m                                so long ago
 * ```
 */
export function parseMoment(text: string, today: Today): Stamp | undefined {
  if (text === 'now') return stampAt(today.now)
  const ago = parseDuration(text)
  if (ago !== undefined) return stampAt(today.now - ago)
  const groups = FORMS.map((form) => form.exec(text)?.groups).find((match) => match !== undefined)
  if (groups === undefined) return undefined
  const zone = zoneOf(groups['zone']?.trim(), today.zone)
  if (zone === undefined) return undefined
  const number = (name: string) => Number(groups[name] ?? 0)
  const civil = {
    ...dayOf(groups, civilTimeAt(zone, today.now)),
    hour: number('hour'),
    minute: number('minute'),
    second: number('second'),
  }
  const moment = momentOf(civil, zone, today.which)
  return moment === undefined ? undefined : stampAt(moment, groups['fraction'])
}

/** A moment in milliseconds as a stamp; `fraction` are the digits of its second. */
export function stampAt(wall: Ms, fraction?: string): Stamp {
  const iso = new Date(wall).toISOString()
  return `${iso.slice(0, 20)}${(fraction ?? iso.slice(20, 23)).padEnd(9, '0')}Z` as Stamp
}

function zoneOf(word: string | undefined, fallback: string): string | undefined {
  if (word === undefined) return fallback
  if (word === 'Z') return 'UTC'
  const offset = /^([+-]\d\d):?(\d\d)?$/.exec(word)
  const zone = offset === null ? word : `${offset[1]}:${offset[2] ?? '00'}`
  return isZone(zone) ? zone : undefined
}

type Groups = Readonly<Record<string, string | undefined>>

function dayOf(
  { year, month, date, day }: Groups,
  now: CivilTime,
): Pick<CivilTime, 'year' | 'month' | 'day'> {
  if (year !== undefined) return { year: Number(year), month: Number(month), day: Number(date) }
  if (day !== 'yesterday') return now
  const before = new Date(Date.UTC(now.year, now.month - 1, now.day - 1))
  return { year: before.getUTCFullYear(), month: before.getUTCMonth() + 1, day: before.getUTCDate() }
}
