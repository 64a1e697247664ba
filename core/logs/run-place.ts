import { ResumeCursor } from '#core/logs/cursor.ts'

/**
 * Where the reading of one run's log stands, although nobody says which run a log is of.
 *
 * A cluster gives the log of a container, not of a run: after a restart that nobody has been told of yet, it gives
 * the next run's. What shows is a log in which the line last seen is missing. That line may have been rotated away,
 * or the log may be another one; so the place in it is kept apart, and the place before is not forgotten. Once the
 * run's own log can be asked for (as that of the previous run, say), it tells which of the places are its own.
 *
 * ```
 *   our run     a b c │ d e          the own log has c and not f: it is gone back to c, and d and e follow
 *   another     │ f g …              the place after g is for the reader of the next run, which goes on with h
 * ```
 */
export class RunPlace {
  readonly #fromStart: boolean
  #current: ResumeCursor
  #earlier: ResumeCursor[] = []

  /**
   * `fromStart`: whether all of the run is wanted, and not only its end. `candidate`: a place that may be in this
   * run's log, left by whoever read the run before.
   */
  constructor(fromStart: boolean, candidate?: ResumeCursor) {
    this.#fromStart = fromStart
    const start = new ResumeCursor(fromStart)
    this.#current = candidate ?? start
    if (candidate !== undefined) this.#earlier.push(start)
  }

  get cursor(): ResumeCursor {
    return this.#current
  }

  /** Whether something of the run was read, or all of it is wanted anyway. */
  get isWanted(): boolean {
    return this.#fromStart || this.#current.firstSecond !== undefined
  }

  /** What is read from now on is another file, perhaps of another run. */
  beginFile(): void {
    this.#earlier.push(this.#current)
    this.#current = new ResumeCursor(true)
  }

  /** The run's own log has the line last seen: the place is in it. */
  confirm(): void {
    this.#earlier = []
  }

  /** The run's own log does not have the line last seen: back to the place before. Gives the one that was not ours. */
  goBack(): ResumeCursor {
    const foreign = this.#current
    this.#current = this.#earlier.pop() ?? new ResumeCursor(this.#fromStart)
    return foreign
  }
}
