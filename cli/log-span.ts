import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { Stamp } from '#core/logs/line.ts'
import { parseMoment, stampAt } from '#core/logs/moment.ts'
import type { Span } from '#core/logs/span.ts'
import { isZone } from '#core/text/time-zone.ts'

/** The flags of `logs` about time. */
export interface TimeFlags {
  readonly follow: boolean
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly utc?: boolean | undefined
  readonly tz?: string | undefined
}

/** In which zone times are read and shown, and whether somebody has asked for it. */
export interface ShownZone {
  readonly name: string
  readonly asked: boolean
}

/** @throws PgctlError `usage` for a zone that there is not. */
export function readZone({ utc, tz }: Pick<TimeFlags, 'utc' | 'tz'>, local: string): ShownZone {
  if (utc && tz !== undefined)
    throw new PgctlError('usage', 'times cannot be shown in two zones', {
      why: `--utc names one, and --tz ${tz} another`,
      next: 'leave out one of them',
    })
  if (utc) return { name: 'UTC', asked: true }
  if (tz === undefined) return { name: local, asked: false }
  if (isZone(tz)) return { name: tz, asked: true }
  throw new PgctlError('usage', `${JSON.stringify(tz)} is no time zone`, {
    why: '--tz takes a name of the IANA list, or an offset',
    next: 'write it as Europe/Berlin, America/New_York, UTC or +02:00',
  })
}

/** @throws PgctlError `usage` for what is no moment, and for spans that hold nothing. */
export function readSpan({ follow, from, to }: TimeFlags, zone: string, now: Ms): Span {
  const span = {
    from: readMoment('--from', from, { now, zone, which: 'first' }),
    to: readMoment('--to', to, { now, zone, which: 'last' }),
  }
  const present = stampAt(now)
  if (span.from !== undefined && span.from > present)
    throw new PgctlError('usage', `--from ${from} is still to come`, {
      why: `it means ${span.from}, and it is ${present}`,
      next: 'name a moment that has passed, as: "yesterday 20:10"',
    })
  if (span.from !== undefined && span.to !== undefined && span.from > span.to)
    throw new PgctlError('usage', `--to ${to} is before --from ${from}`, {
      why: `they mean ${span.to} and ${span.from}`,
      next: 'name the earlier moment with --from',
    })
  if (follow && span.to !== undefined && span.to <= present)
    throw new PgctlError('usage', `nothing can be followed until --to ${to}`, {
      why: `it means ${span.to}, and it is ${present}`,
      next: 'leave out --follow, or name a moment that is still to come',
    })
  return span
}

function readMoment(
  flag: string,
  text: string | undefined,
  today: Parameters<typeof parseMoment>[1],
): Stamp | undefined {
  if (text === undefined) return undefined
  const moment = parseMoment(text, today)
  if (moment !== undefined) return moment
  throw new PgctlError('usage', `${JSON.stringify(text)} is no moment`, {
    why: `${flag} takes a time of day, a date, both, or a span of time that has passed`,
    next: 'write it as 20:10, "yesterday 20:10", 2026-11-25T20:10, 2026-11-25T20:10:05.5Z or 15m',
  })
}
