import type { Bytes, Ms } from '#core/clock.ts'
import { Heap } from '#core/logs/heap.ts'
import type { LogLine } from '#core/logs/line.ts'
import { SourceOrder, weigh } from '#core/logs/merge.ts'

/** How long a live line waits for earlier ones of other sources. */
export const REORDER_WINDOW: Ms = 300
/** Beyond this, lines go on before their time: memory comes before order. */
const WINDOW_LIMIT: Bytes = 16 * 1024 * 1024

interface Entry<Source> {
  readonly source: Source
  readonly line: LogLine
  readonly key: string
  /** The count of lines at its arrival; settles equal moments. */
  readonly rank: number
  readonly due: Ms
  released: boolean
}

/** A line in its turn; `late` when a later-stamped line of another source has gone out before it. */
export interface Released<Source> {
  readonly source: Source
  readonly line: LogLine
  readonly late: boolean
}

/**
 * Puts live lines in the order of their stamps, as far as that is possible without waiting long: each line is held
 * for {@link REORDER_WINDOW} and goes out with everything stamped before it. No line is dropped; one that comes
 * later than that is marked.
 */
export class ReorderWindow<Source extends object> {
  readonly #orders = new WeakMap<Source, SourceOrder>()
  readonly #byMoment = new Heap<Entry<Source>>(
    (a, b) => a.key < b.key || (a.key === b.key && a.rank < b.rank),
  )
  /** The same entries by arrival, so by due time too. */
  #arrivals: Entry<Source>[] = []
  #next = 0
  #rank = 0
  #held: Bytes = 0
  #releasedUpTo = ''

  /** Memory that the held lines take. */
  get held(): Bytes {
    return this.#held
  }

  /** `mono` is the moment of arrival, never earlier than that of the line before. */
  push(source: Source, line: LogLine, mono: Ms): void {
    let order = this.#orders.get(source)
    if (order === undefined) {
      order = new SourceOrder()
      this.#orders.set(source, order)
    }
    this.#rank += 1
    const key = order.keyOf(line)
    const entry = { source, line, key, rank: this.#rank, due: mono + REORDER_WINDOW, released: false }
    this.#byMoment.push(entry)
    this.#arrivals.push(entry)
    this.#held += weigh(line)
  }

  /** When `poll` will have something to give; undefined while nothing is held. */
  deadline(): Ms | undefined {
    return this.#oldest()?.due
  }

  /** The next line whose turn it is at `mono`; `drain` gives everything, in order. */
  poll(mono: Ms, drain = false): Released<Source> | undefined {
    const oldest = this.#oldest()
    if (oldest === undefined) return undefined
    if (!drain && oldest.due > mono && this.#held <= WINDOW_LIMIT) return undefined
    const entry = this.#byMoment.pop() as Entry<Source>
    entry.released = true
    this.#held -= weigh(entry.line)
    const late = entry.key < this.#releasedUpTo
    if (!late) this.#releasedUpTo = entry.key
    return { source: entry.source, line: entry.line, late }
  }

  #oldest(): Entry<Source> | undefined {
    while (this.#next < this.#arrivals.length) {
      const entry = this.#arrivals[this.#next] as Entry<Source>
      if (!entry.released) return entry
      this.#next += 1
      if (this.#next >= 1_024) {
        this.#arrivals = this.#arrivals.slice(this.#next)
        this.#next = 0
      }
    }
    this.#arrivals.length = 0
    this.#next = 0
    return undefined
  }
}
