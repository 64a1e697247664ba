import type { Ms } from '#core/clock.ts'
import { ResumeCursor } from '#core/logs/cursor.ts'

/**
 * Where the reading of one run's log stands, although nobody says which run a log is of.
 *
 * A cluster gives the log of a container, not of a run: after a restart that nobody has been told of yet, it gives
 * the next run's. What shows is a log in which the line last seen is missing. It may have been rotated away, or the
 * log may be another one, so the place in it is kept apart, and the place before is not forgotten:
 *
 * ```
 *   our run     a b c │ d e          "previous" gives d and e, from the place after c
 *   another     │ f g …              the place after g goes to the reader of the next run, which goes on with h
 * ```
 */
export class RunPlace {
  readonly #fromStart: boolean
  #current: ResumeCursor
  #before: ResumeCursor | undefined

  /** `fromStart`: whether all of the run is wanted, and not only its end. */
  constructor(fromStart: boolean, cursor: ResumeCursor = new ResumeCursor(fromStart)) {
    this.#fromStart = fromStart
    this.#current = cursor
  }

  get cursor(): ResumeCursor {
    return this.#current
  }

  /** Whether something of the run itself was read, or all of it is wanted anyway. */
  get isWanted(): boolean {
    return this.#fromStart || this.#current.firstSecond !== undefined
  }

  /** What is read from now on is another file. */
  beginFile(): void {
    this.#before = this.#current
    this.#current = new ResumeCursor(true)
  }

  /** Whether what is being read was written by a run that started at `startedAt`. */
  isOf(startedAt: Ms | undefined): boolean {
    const { firstSecond } = this.#current
    return startedAt !== undefined && firstSecond !== undefined && Date.parse(`${firstSecond}Z`) >= startedAt
  }

  /**
   * The run has been replaced by one that started at `startedAt`. Gives the place in the newer run's log, if that is
   * what was read, and goes back to the place in our own.
   */
  handOver(startedAt: Ms | undefined): ResumeCursor | undefined {
    if (!this.isOf(startedAt)) return undefined
    const place = this.#current
    this.#current = this.#before ?? new ResumeCursor(this.#fromStart)
    this.#before = undefined
    return place
  }
}
