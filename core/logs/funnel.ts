import type { Bytes, Instant, Ms } from '#core/clock.ts'
import { Continuations } from '#core/logs/continuation.ts'
import { type LogLine, textOf } from '#core/logs/line.ts'
import { HistoryMerge, type LogEntry } from '#core/logs/merge.ts'
import { type Released, ReorderWindow } from '#core/logs/reorder-window.ts'

/** What one source may be ahead of the others in history; their readers wait beyond it. */
const AHEAD_LIMIT: Bytes = 256 * 1024
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
  readonly #accepts: ((text: string) => boolean) | undefined
  #hidden = 0
  #owing = new Set<Source>()
  #last: Released<Source>[] = []
  #sent = 0

  /**
   * With `tail`, only so many of the last lines of the whole history are given; with `accepts`, only lines whose text
   * it accepts, and `tail` counts those.
   */
  constructor(
    sources: Iterable<Source>,
    tail: number | undefined,
    accepts?: ((text: string) => boolean) | undefined,
  ) {
    this.#tail = tail
    this.#accepts = accepts
    for (const source of sources) {
      this.#history.open(source)
      this.#owing.add(source)
    }
  }

  /** Whether all history is there. */
  get isLive(): boolean {
    return this.#owing.size === 0
  }

  /** Lines that were not accepted. */
  get hidden(): number {
    return this.#hidden
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

  /** Whether the reader of `source` should wait before it reads more. */
  isFull(source: Source): boolean {
    return this.#owing.has(source)
      ? this.#history.heldOf(source) > AHEAD_LIMIT
      : this.#window.held > LIVE_LIMIT
  }

  /** The next line whose turn it is; undefined means that nothing can be given yet. */
  poll(now: Instant, drain = false): Released<Source> | undefined {
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

  #pollHistory(): Released<Source> | undefined {
    if (this.#tail === undefined) {
      const entry = this.#nextOfHistory()
      return entry && asReleased(entry)
    }
    this.#keepLast(this.#tail)
    if (!this.isLive || this.#sent === this.#last.length) return undefined
    const entry = this.#last[this.#sent]
    this.#sent += 1
    if (this.#sent === this.#last.length) {
      this.#last = []
      this.#sent = 0
    }
    return entry
  }

  #nextOfHistory(): LogEntry<Source> | undefined {
    let entry = this.#history.poll()
    while (entry !== undefined && this.#hides(entry)) entry = this.#history.poll()
    // A server may end the reading of one log early, and its rest is live then, and late.
    if (entry !== undefined && this.#tail !== 0) this.#window.begin(entry.key)
    return entry
  }

  #pollLive({ mono }: Instant, drain: boolean): Released<Source> | undefined {
    let entry = this.#window.poll(mono, drain)
    while (entry !== undefined && this.#hides(entry)) entry = this.#window.poll(mono, drain)
    return entry
  }

  /** A filter sees the whole of an event: a match in a trace shows what it is the trace of. */
  #hides({ line, rest }: Pick<Released<Source>, 'line' | 'rest'>): boolean {
    if (this.#accepts === undefined || this.#accepts(textOf(line, rest))) return false
    this.#hidden += 1 + rest.length
    return true
  }

  #keepLast(tail: number): void {
    if (this.#sent > 0) return
    for (let entry = this.#nextOfHistory(); entry !== undefined; entry = this.#nextOfHistory()) {
      if (tail > 0) this.#last.push(asReleased(entry))
      if (this.#last.length >= 2 * tail + 1_024) this.#last = this.#last.slice(-tail)
    }
    if (this.#last.length > tail) this.#last = tail === 0 ? [] : this.#last.slice(-tail)
  }
}

function asReleased<Source>({ source, line, rest }: LogEntry<Source>): Released<Source> {
  return { source, line, rest, late: false }
}
