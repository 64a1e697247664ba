import { type Stamp, secondOf } from '#core/logs/line.ts'
import { civilTimeAt, formatOffset, offsetAt } from '#core/text/time-zone.ts'
import type { ShownZone } from '../log-span.ts'

const SECOND_LENGTH = 19
/** Seconds whose conversion is remembered: lines of several pods come close together. */
const REMEMBERED = 60

interface ShownSecond {
  readonly text: string
  readonly offset: string
}

/**
 * The time of a line in a zone. On a terminal it is short (`11-25 21:10:05.123`, with a `Z` where it is UTC), and its
 * offset is told once beside the lines; elsewhere it is the log's own stamp, or if a zone was asked for, the same with
 * that zone's offset (`2026-11-25T21:10:05.123456789+01:00`).
 */
export class LogTimes {
  readonly #zone: ShownZone
  readonly #terminal: boolean
  readonly #seconds = new Map<string, ShownSecond>()
  #told = 'Z'
  #news: string | undefined

  constructor(zone: ShownZone, terminal: boolean) {
    this.#zone = zone
    this.#terminal = terminal
  }

  format(stamp: Stamp): string {
    if (!this.#terminal && !this.#zone.asked) return stamp
    const { text, offset } = this.#secondOf(secondOf(stamp))
    if (!this.#terminal) return `${text}${stamp.slice(SECOND_LENGTH, -1)}${offset}`
    if (offset !== this.#told) this.#tell(offset)
    return `${text}${stamp.slice(SECOND_LENGTH, SECOND_LENGTH + 4)}${offset === 'Z' ? 'Z' : ''}`
  }

  /** What is to be known of the times formatted since it was asked last: `times are those of Europe/Berlin, UTC+01:00`. */
  takeNews(): string | undefined {
    const news = this.#news
    this.#news = undefined
    return news
  }

  #tell(offset: string): void {
    this.#told = offset
    // Times in UTC say so themselves.
    this.#news = offset === 'Z' ? undefined : `times are those of ${this.#zone.name}, UTC${offset}`
  }

  #secondOf(second: string): ShownSecond {
    let shown = this.#seconds.get(second)
    if (shown === undefined) {
      if (this.#seconds.size > REMEMBERED) this.#seconds.clear()
      shown = this.#convert(Date.parse(`${second}Z`))
      this.#seconds.set(second, shown)
    }
    return shown
  }

  #convert(wall: number): ShownSecond {
    const { year, month, day, hour, minute, second } = civilTimeAt(this.#zone.name, wall)
    const two = (value: number) => String(value).padStart(2, '0')
    const time = `${two(hour)}:${two(minute)}:${two(second)}`
    return {
      text: this.#terminal
        ? `${two(month)}-${two(day)} ${time}`
        : `${year}-${two(month)}-${two(day)}T${time}`,
      offset: formatOffset(offsetAt(this.#zone.name, wall)),
    }
  }
}
