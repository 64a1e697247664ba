import type { Clock, Ms } from '#core/clock.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { describeEnd, type StreamEnd } from '#core/logs/follow.ts'
import type { Seam } from '#core/logs/overlap.ts'
import type { LogSource } from '#core/logs/sources.ts'

/** Ends in good order one after another before a person is told: a container that stops looks like that at first. */
const QUIET_ENDS = 3
/** How long after a hole shows the cluster may take to say that it is a restart, and no hole. */
const DOUBT: Ms = 10_000

/** What a person is told of streams that are opened again: once that it happens, once how it went. */
export class SeamNotices {
  readonly #source: LogSource
  readonly #clock: Clock
  readonly #report: (event: LogEvent) => void
  /** A stream is being opened again; whether a person knows. */
  #mending: 'no' | 'silently' | 'announced' = 'no'
  #doubted: LogEvent | undefined
  #cancelDoubt = () => {}

  constructor(source: LogSource, clock: Clock, report: (event: LogEvent) => void) {
    this.#source = source
    this.#clock = clock
    this.#report = report
  }

  /** A stream has ended, and another one is opened after `after`. */
  ended(end: StreamEnd, fruitless: number, after: Ms): void {
    if (this.#mending === 'announced') return
    const quiet = end.kind === 'ended' && fruitless < QUIET_ENDS
    this.#mending = quiet ? 'silently' : 'announced'
    if (!quiet) this.#report({ event: 'reconnecting', source: this.#source, why: describeEnd(end), after })
  }

  /** How the stream that was opened fits to the one before is known; a good fit is news once it brings lines. */
  passed(seam: Seam, hasLines: boolean): void {
    const source = this.#source
    if (seam.kind === 'whole') {
      if (!hasLines || this.#mending === 'no') return
      this.#report({ event: 'resumed', source, seam })
    } else if (this.#doubted === undefined || this.#mending !== 'no') {
      this.#doubt(
        this.#mending === 'no' ? { event: 'gap', source, seam } : { event: 'resumed', source, seam },
      )
    }
    this.#mending = 'no'
  }

  /** The hole was a restart: what seemed to be missing is read elsewhere. */
  forget(): void {
    this.#cancelDoubt()
    this.#doubted = undefined
  }

  /** Nothing is left to be mended, and what is in doubt will not become any clearer. */
  settle(): void {
    this.#mending = 'no'
    this.#tellDoubted()
  }

  #doubt(event: LogEvent): void {
    this.#tellDoubted()
    this.#doubted = event
    this.#cancelDoubt = this.#clock.after(DOUBT, () => this.#tellDoubted())
  }

  #tellDoubted(): void {
    this.#cancelDoubt()
    if (this.#doubted !== undefined) this.#report(this.#doubted)
    this.#doubted = undefined
  }
}
