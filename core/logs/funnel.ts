import type { Bytes, Instant, Ms } from '#core/clock.ts'
import { type Chosen, LogChoice, type Wanted } from '#core/logs/choice.ts'
import { Continuations } from '#core/logs/continuation.ts'
import type { LogLine } from '#core/logs/line.ts'
import { HistoryMerge } from '#core/logs/merge.ts'
import { type Released, ReorderWindow } from '#core/logs/reorder-window.ts'

/** What one source may be ahead of the others in history; their readers wait beyond it. */
const AHEAD_LIMIT: Bytes = 256 * 1024
/** The same for all of them together, which is less for each where there are many; but some chunks for each. */
const AHEAD_TOTAL: Bytes = 3 * 1024 * 1024
const AHEAD_LEAST: Bytes = 16 * 1024
/** What live lines may take while nobody fetches them; readers wait beyond it. */
const LIVE_LIMIT: Bytes = 8 * 1024 * 1024

/**
 * Many sources, one order: first the history of those that were there at the beginning, merged completely; then
 * live lines, ordered within a window.
 *
 * ```
 *   history:  every source ends → all lines by stamp (the last `tail` of them)   →  live: reorder window
 * ```
 */
export class LogFunnel<Source extends object> {
  readonly #history = new HistoryMerge<Source>()
  readonly #window = new ReorderWindow<Source>()
  readonly #events = new WeakMap<Source, Continuations>()
  readonly #tail: number | undefined
  readonly #choice: LogChoice<Source>
  readonly #aheadLimit: Bytes
  #owing = new Set<Source>()
  /** The last events of the history; undefined while it is not complete. */
  #last: Chosen<Source>[] | undefined
  #sent = 0

  /**
   * With `tail`, only so many of the last events of the whole history are given, of those that are `wanted` and with
   * what is to be shown around them.
   */
  constructor(sources: Iterable<Source>, tail: number | undefined, wanted: Wanted = {}) {
    this.#tail = tail
    this.#choice = new LogChoice(wanted)
    for (const source of sources) {
      this.#history.open(source)
      this.#owing.add(source)
    }
    this.#aheadLimit = Math.min(AHEAD_LIMIT, Math.max(AHEAD_LEAST, AHEAD_TOTAL / this.#owing.size))
  }

  /** Whether all history is there. */
  get isLive(): boolean {
    return this.#owing.size === 0
  }

  /** Lines that are not shown for what they say. */
  get hidden(): number {
    return this.#choice.hidden
  }

  push(source: Source, lines: readonly LogLine[], now: Instant): void {
    const events = this.#eventsOf(source)
    const isHistory = this.#owing.has(source)
    for (const line of lines) {
      const continues = events.continues(line)
      if (isHistory) this.#history.push(source, line, continues)
      else this.#window.push(source, line, now.mono, continues)
    }
  }

  /** The source's history is complete; what comes from it later is live. */
  endHistory(source: Source): void {
    this.#history.close(source)
    this.#window.adopt(source, this.#history.orderOf(source))
    this.#owing.delete(source)
  }

  /** What comes next of a source that is followed was written before what came last. */
  rewind(source: Source): void {
    this.#window.rewind(source)
    this.#events.delete(source)
  }

  /** Whether the reader of `source` should wait before it reads more. */
  isFull(source: Source): boolean {
    return this.#owing.has(source)
      ? this.#history.heldOf(source) > this.#aheadLimit
      : this.#window.held > LIVE_LIMIT
  }

  /** The next line whose turn it is; undefined means that nothing can be given yet. */
  poll(now: Instant, drain = false): Chosen<Source> | undefined {
    if (drain) this.#history.settle()
    return this.#pollHistory() ?? (this.isLive ? this.#pollLive(now, drain) : undefined)
  }

  /** When `poll` has something to give without anything being pushed. */
  deadline(): Ms | undefined {
    return this.isLive ? this.#window.deadline() : undefined
  }

  #eventsOf(source: Source): Continuations {
    let events = this.#events.get(source)
    if (events === undefined) {
      events = new Continuations()
      this.#events.set(source, events)
    }
    return events
  }

  #pollHistory(): Chosen<Source> | undefined {
    if (this.#tail === undefined) return this.#choice.take(this.#nextOfHistory)
    if (this.#last === undefined) {
      this.#choice.keepLast(this.#tail, this.#nextOfHistory)
      if (!this.isLive) return undefined
      this.#last = this.#choice.takeLast(this.#tail)
    }
    const event = this.#last[this.#sent]
    this.#sent += 1
    if (this.#sent >= this.#last.length) this.#last = []
    return event
  }

  readonly #nextOfHistory = (): Released<Source> | undefined => {
    const entry = this.#history.poll()
    // A server may end the reading of one log early, and its rest is live then, and late.
    if (entry !== undefined && this.#tail !== 0) this.#window.begin(entry)
    return entry
  }

  #pollLive({ mono }: Instant, drain: boolean): Chosen<Source> | undefined {
    const next = () => this.#window.poll(mono, drain)
    return this.#choice.take(next)
  }
}
