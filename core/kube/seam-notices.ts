import type { Clock, Ms } from '#core/clock.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { describeEnd, type StreamEnd } from '#core/logs/follow.ts'
import type { Stamp } from '#core/logs/line.ts'
import type { BadSeam, Seam } from '#core/logs/overlap.ts'
import type { LogSource } from '#core/logs/sources.ts'

/** Ends in good order one after another before a person is told: a container that stops looks like that at first. */
const QUIET_ENDS = 3
/** How long after a hole shows the cluster may take to say that it is a restart, and no hole. */
const DOUBT: Ms = 10_000

/** Who is told. */
export interface SeamReport {
  readonly clock: Clock
  report(event: LogEvent): void
  /** Names everything of a source that may turn out to be a hole; nothing when all is clear. */
  doubt(source: LogSource, seams: readonly BadSeam[]): void
}

interface Doubted {
  readonly event: LogEvent
  readonly seam: BadSeam
}

/**
 * What a person is told of streams that are opened again: once that it happens, once how it went. What is not clear
 * yet is in doubt from its first moment, for a ledger that cannot wait.
 */
export class SeamNotices {
  readonly #source: LogSource
  readonly #to: SeamReport
  /** A stream is being opened again; whether a person knows. */
  #mending: 'no' | 'silently' | 'announced' = 'no'
  /** Where the stream broke that is not open again yet, or fits so badly that it has to be looked at again. */
  #broken: BadSeam | undefined
  #doubted: Doubted | undefined
  #cancelDoubt = () => {}

  constructor(source: LogSource, to: SeamReport) {
    this.#source = source
    this.#to = to
  }

  /** A stream has ended, and another one is opened after `after`; `last` is the stamp of the last line it gave. */
  ended(end: StreamEnd, fruitless: number, after: Ms, last: Stamp | undefined): void {
    const quiet = end.kind === 'ended' && fruitless < QUIET_ENDS
    if (!quiet && last !== undefined) this.#broken = { kind: 'uncertain', after: last }
    this.#tellDoubts()
    if (this.#mending === 'announced') return
    this.#mending = quiet ? 'silently' : 'announced'
    if (!quiet) this.#to.report({ event: 'reconnecting', source: this.#source, why: describeEnd(end), after })
  }

  /** How the stream that was opened fits to the one before is known; a good fit is news once it brings lines. */
  passed(seam: Seam, hasLines: boolean): void {
    const source = this.#source
    this.#broken = undefined
    this.#tellDoubts()
    if (seam.kind === 'whole') {
      if (!hasLines || this.#mending === 'no') return
      this.#to.report({ event: 'resumed', source, seam })
    } else if (this.#doubted === undefined || this.#mending !== 'no') {
      const event = this.#mending === 'no' ? 'gap' : 'resumed'
      this.#doubt({ event: { event, source, seam }, seam })
    }
    this.#mending = 'no'
  }

  /** The stream does not fit to the one before, and it takes a moment to find out why. */
  suspect(seam: BadSeam): void {
    this.#broken = seam
    this.#tellDoubts()
  }

  /** The hole was a restart: what seemed to be missing is read elsewhere. */
  forget(): void {
    this.#cancelDoubt()
    this.#doubted = undefined
    this.#tellDoubts()
  }

  /**
   * Nothing is left to be mended, and what is in doubt will not become any clearer. `isCutShort`: nobody waits for a
   * stream that is broken now.
   */
  settle(isCutShort: boolean): void {
    this.#mending = 'no'
    if (!isCutShort) this.#broken = undefined
    this.#tellDoubted()
    this.#tellDoubts()
  }

  #doubt(doubted: Doubted): void {
    this.#tellDoubted()
    this.#doubted = doubted
    this.#tellDoubts()
    this.#cancelDoubt = this.#to.clock.after(DOUBT, () => this.#tellDoubted())
  }

  /** It is a hole. */
  #tellDoubted(): void {
    this.#cancelDoubt()
    if (this.#doubted === undefined) return
    this.#to.report(this.#doubted.event)
    this.#doubted = undefined
    this.#tellDoubts()
  }

  #tellDoubts(): void {
    const seams = [this.#doubted?.seam, this.#broken].filter((seam) => seam !== undefined)
    this.#to.doubt(this.#source, seams)
  }
}
