import type { LogEvent } from '#core/logs/events.ts'
import type { BadSeam, Seam } from '#core/logs/overlap.ts'
import type { LogSource } from '#core/logs/sources.ts'

/** A place where lines are missing, or may be; or doubled, where the seam is uncertain. */
export type Hole =
  | { readonly source: LogSource; readonly seam: BadSeam }
  /** The rest of a log that could not be read. */
  | { readonly source: LogSource; readonly why: string }

/** What was read, and whether all of it was: with no holes, nothing was lost and nothing is doubled. */
export interface LogSummary {
  /** Logs of containers' runs that were read. */
  readonly streams: number
  /** Lines that were given. */
  readonly lines: number
  /** Lines that a filter kept back. */
  readonly hidden: number
  /** Streams that broke or ended early and were taken up again. */
  readonly reconnects: number
  /** Runs whose log was gone before its end could be checked. */
  readonly unchecked: number
  /** How many holes there are. */
  readonly holeCount: number
  /** The first of them, a thousand at most. */
  readonly holes: readonly Hole[]
}

/** A follow of weeks over a bad line must not grow without end. */
const HOLES_KEPT = 1_000

/** Keeps count of a reading of logs, so that its end can say whether it was whole. */
export class LogLedger {
  readonly #holes: Hole[] = []
  readonly #doubts = new Map<LogSource, readonly BadSeam[]>()
  #streams = 0
  #holeCount = 0
  #lines = 0
  #reconnects = 0
  #unchecked = 0

  /** A run's log is being read, whether or not it will have lines. */
  opened(): void {
    this.#streams += 1
  }

  /** Everything of a source that may yet turn out to be a hole, and nothing that was in doubt of it before. */
  doubt(source: LogSource, seams: readonly BadSeam[]): void {
    if (seams.length === 0) this.#doubts.delete(source)
    else this.#doubts.set(source, seams)
  }

  see(event: LogEvent): void {
    switch (event.event) {
      case 'line':
        this.#lines += 1 + event.rest.length
        break
      case 'resumed':
        this.#reconnects += 1
        this.#seam(event)
        break
      case 'gap':
        this.#seam(event)
        break
      case 'over':
        if (event.how.kind === 'unchecked') this.#unchecked += 1
        else if (event.how.kind === 'lost') this.#hole({ source: event.source, why: event.how.why })
        break
    }
  }

  /** What is in doubt is a hole for whoever reads no further. */
  summary(hidden: number): LogSummary {
    const doubts = [...this.#doubts].flatMap(([source, seams]) => seams.map((seam) => ({ source, seam })))
    return {
      streams: this.#streams,
      lines: this.#lines,
      hidden,
      reconnects: this.#reconnects,
      unchecked: this.#unchecked,
      holeCount: this.#holeCount + doubts.length,
      holes: [...this.#holes, ...doubts].slice(0, HOLES_KEPT),
    }
  }

  #seam({ source, seam }: { readonly source: LogSource; readonly seam: Seam }): void {
    if (seam.kind !== 'whole') this.#hole({ source, seam })
  }

  #hole(hole: Hole): void {
    this.#holeCount += 1
    if (this.#holes.length < HOLES_KEPT) this.#holes.push(hole)
  }
}
