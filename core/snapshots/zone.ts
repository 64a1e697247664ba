import { Temporal } from 'temporal-polyfill'
import type { Ms } from '#core/clock.ts'

/**
 * Local time in an IANA time zone.
 *
 * A local time is a {@link WallTime}: the milliseconds that a clock on the wall there would show, as if the place
 * were at UTC. It is not an instant: in spring some of them never come, in autumn some come twice.
 */
export type WallTime = number

/** A span without a change of the clocks, `[from, until)`. */
interface Stretch {
  readonly from: Ms
  readonly until: Ms
  readonly offset: Ms
}

/** Where a local time lies on the real line. */
export interface Resolved {
  readonly instant: Ms
  /** Whether the local time never came, so that the next valid minute stands for it. */
  readonly moved: boolean
}

export class Zone {
  readonly name: string
  /** What was looked up before; a zone has few changes, and each look-up costs. */
  readonly #stretches: Stretch[] = []

  /** @throws RangeError where there is no such zone. */
  constructor(name: string) {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name)
    this.name = name
  }

  /** What the clock on the wall shows at `instant`. */
  wallAt(instant: Ms): WallTime {
    return instant + this.#stretchAt(instant).offset
  }

  /**
   * When the clock on the wall shows `wall`: the first time where it does so twice, and the first valid minute after
   * it where it never does.
   */
  resolve(wall: WallTime): Resolved {
    // No zone is farther from UTC than a day.
    for (let stretch = this.#stretchAt(wall - DAY); ; stretch = this.#stretchAt(stretch.until)) {
      const instant = wall - stretch.offset
      if (instant < stretch.from) return { instant: stretch.from, moved: true }
      if (instant < stretch.until) return { instant, moved: false }
    }
  }

  #stretchAt(instant: Ms): Stretch {
    const known = this.#stretches.find(({ from, until }) => from <= instant && instant < until)
    if (known !== undefined) return known
    const moment = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(this.name)
    const stretch = {
      // A change at this very instant begins the stretch: look back from just after it.
      from: moment.add({ milliseconds: 1 }).getTimeZoneTransition('previous')?.epochMilliseconds ?? -Infinity,
      until: moment.getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity,
      offset: moment.offsetNanoseconds / 1_000_000,
    }
    this.#stretches.push(stretch)
    return stretch
  }
}

const DAY: Ms = 86_400_000

/** `2026-10-25T02:30`. */
export function formatWall(wall: WallTime): string {
  return new Date(wall).toISOString().slice(0, 16)
}

/** `2026-10-25`. */
export function formatDay(wall: WallTime): string {
  return new Date(wall).toISOString().slice(0, 10)
}
