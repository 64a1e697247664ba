import type { LogEvent } from '#core/logs/events.ts'
import type { Seam } from '#core/logs/overlap.ts'
import type { LogSource } from '#core/logs/sources.ts'

/** A place where lines are missing, or may be; or doubled, where the seam is uncertain. */
export type Hole =
  | { readonly source: LogSource; readonly seam: Exclude<Seam, { kind: 'whole' }> }
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
  #streams = 0
  #holeCount = 0
  #lines = 0
  #reconnects = 0
  #unchecked = 0

  /** A run's log is being read, whether or not it will have lines. */
  opened(): void {
    this.#streams += 1
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

  summary(hidden: number): LogSummary {
    return {
      streams: this.#streams,
      lines: this.#lines,
      hidden,
      reconnects: this.#reconnects,
      unchecked: this.#unchecked,
      holeCount: this.#holeCount,
      holes: [...this.#holes],
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
