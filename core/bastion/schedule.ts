import type { Ms } from '#core/clock.ts'
import { type CivilTime, civilTimeAt, momentOf } from '#core/text/time-zone.ts'
import type { Window } from './hours.ts'

/** When a schedule has a bastion up. */
export interface Up {
  /** When the last of the windows that are open opened. */
  readonly opened: Ms
  /** When all that are open, and those that follow without a gap, have closed; undefined where that is never so. */
  readonly until: Ms | undefined
  /** The one that closes last, or has opened last. */
  readonly window: Window
}

export interface Opening {
  readonly at: Ms
  readonly window: Window
}

/** One opening of a window. */
interface Span {
  readonly opens: Ms
  readonly closes: Ms
  readonly window: Window
}

const MINUTE: Ms = 60_000
const DAY: Ms = 86_400_000
/** What is still open after so long is open for ever: windows come again every week. */
const WEEK_AND_A_DAY: Ms = 8 * DAY

/**
 * Windows on the real line. A time that clocks show twice opens a window when it comes first and closes it when it
 * comes last; where clocks skip time, a window opens with the first minute after that, and closes as much later.
 */
export class Schedule {
  readonly windows: readonly Window[]
  /** How long before a window opens the bastion is started, so that it answers then. */
  readonly #lead: Ms
  /** What was looked up before: each look-up costs. */
  readonly #spans = new Map<string, Span | undefined>()

  constructor(windows: readonly Window[], lead: Ms) {
    this.windows = windows
    this.#lead = lead
  }

  /** The windows as they were written. */
  get text(): string {
    return this.windows.map(({ text }) => text).join('; ')
  }

  /** What it wants at `now`; undefined where it wants nothing. A window counts as open from its lead on. */
  at(now: Ms): Up | undefined {
    const open = this.#spansAt(now)
    const [first] = open
    if (first === undefined) return undefined
    const opened = Math.max(...open.map(({ opens }) => opens - this.#lead))
    let last = open.reduce((a, b) => (b.closes > a.closes ? b : a), first)
    while (last.closes < now + WEEK_AND_A_DAY) {
      const { closes } = last
      const next = this.#spansAt(closes).find((span) => span.closes > closes)
      if (next === undefined) return { opened, until: closes, window: last.window }
      last = next
    }
    return { opened, until: undefined, window: last.window }
  }

  /** The next window to open whose lead is still to come; undefined where there are no windows. */
  next(now: Ms): Opening | undefined {
    const openings = this.windows.flatMap((window) => {
      const today = dayOf(window.zone, now)
      for (let day = today; day <= today + 9; day++) {
        const span = this.#spanOf(window, day)
        if (span !== undefined && span.opens - this.#lead > now) return [{ at: span.opens, window }]
      }
      return []
    })
    return openings.toSorted((a, b) => a.at - b.at)[0]
  }

  /** Those that are open at `moment`, or about to open. One goes into the next day at the most. */
  #spansAt(moment: Ms): Span[] {
    return this.windows.flatMap((window) => {
      const today = dayOf(window.zone, moment)
      return [today - 1, today, today + 1]
        .map((day) => this.#spanOf(window, day))
        .filter((span) => span !== undefined)
        .filter(({ opens, closes }) => opens - this.#lead <= moment && moment < closes)
    })
  }

  /** The window's opening on a day, counted from 1970; undefined on days that are none of its. */
  #spanOf(window: Window, day: number): Span | undefined {
    if (!window.days.has(new Date(day * DAY).getUTCDay())) return undefined
    const key = `${day} ${window.text}`
    const known = this.#spans.get(key)
    if (known !== undefined) return known
    const opens = openingAt(civilOf(day, window.from), window.zone)
    const closes = momentIn(civilOf(day, window.to), window.zone, 'last')
    // All of it was skipped: it comes after that, and is as long as ever.
    const length = (window.to - window.from) * MINUTE
    const span = { opens, closes: closes > opens ? closes : opens + length, window }
    this.#spans.set(key, span)
    return span
  }
}

/** When the clock shows that time first; where it never does, the first minute that it shows after it. */
function openingAt(civil: CivilTime, zone: string): Ms {
  const reading = asUtc(civil)
  let moment = momentIn(civil, zone, 'first')
  if (asUtc(civilTimeAt(zone, moment)) === reading) return moment
  while (asUtc(civilTimeAt(zone, moment - MINUTE)) > reading) moment -= MINUTE
  return moment
}

function momentIn(civil: CivilTime, zone: string, which: 'first' | 'last'): Ms {
  const moment = momentOf(civil, zone, which)
  if (moment === undefined) throw new Error('a day of the calendar is none')
  return moment
}

/** Which day, counted from 1970, calendars in `zone` show. */
function dayOf(zone: string, moment: Ms): number {
  return Math.floor(asUtc(civilTimeAt(zone, moment)) / DAY)
}

function civilOf(day: number, minutes: number): CivilTime {
  const date = new Date(day * DAY + minutes * MINUTE)
  return {
    ...{ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() },
    ...{ hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: 0 },
  }
}

function asUtc({ year, month, day, hour, minute, second }: CivilTime): Ms {
  return Date.UTC(year, month - 1, day, hour, minute, second)
}
