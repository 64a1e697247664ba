import type { Bytes, Ms } from '#core/clock.ts'
import { Heap } from '#core/logs/heap.ts'
import type { LogLine } from '#core/logs/line.ts'
import { isBefore, LogEntry, type Moment, SourceOrder } from '#core/logs/merge.ts'

/** How long a live line waits for earlier ones of other sources. */
export const REORDER_WINDOW: Ms = 300
/** Beyond this, lines go on before their time: memory comes before order. */
const WINDOW_LIMIT: Bytes = 16 * 1024 * 1024

class Held<Source> extends LogEntry<Source> {
  /** The count of lines at its arrival; settles equal moments. */
  readonly rank: number
  readonly due: Ms
  released = false

  constructor(source: Source, line: LogLine, moment: Moment, rank: number, due: Ms) {
    super(source, line, moment)
    this.rank = rank
    this.due = due
  }
}

/** What is known of one source. */
interface Known<Source> {
  readonly order: SourceOrder
  /** The line that came last, while it is held. */
  last: Held<Source> | undefined
}

/** A line in its turn; `late` when a later-stamped line of another source has gone out before it. */
export interface Released<Source> {
  readonly event: 'line'
  readonly source: Source
  readonly line: LogLine
  /** The lines that only go on with it. */
  readonly rest: readonly LogLine[]
  readonly late: boolean
}

/**
 * Puts live lines in the order of their stamps, as far as that is possible without waiting long: each line is held
 * for {@link REORDER_WINDOW} and goes out with everything stamped before it. No line is dropped; one that comes
 * later than that is marked.
 */
export class ReorderWindow<Source extends object> {
  readonly #sources = new WeakMap<Source, Known<Source>>()
  readonly #byMoment = new Heap<Held<Source>>((a, b) => {
    if (a.hour !== b.hour) return a.hour < b.hour
    return a.within < b.within || (a.within === b.within && a.rank < b.rank)
  })
  /** The same entries by arrival, so by due time too. */
  #arrivals: Held<Source>[] = []
  #next = 0
  #rank = 0
  #held: Bytes = 0
  /** The latest moment that has gone out. */
  readonly #releasedUpTo = { hour: 0, within: 0 }

  /** Memory that the held lines take. */
  get held(): Bytes {
    return this.#held
  }

  /**
   * `mono` is the moment of arrival, never earlier than that of the line before. `continues`: the line goes on with
   * the one before it of the same source; where that one has gone out, it goes by itself.
   */
  push(source: Source, line: LogLine, mono: Ms, continues = false): void {
    let known = this.#sources.get(source)
    if (known === undefined) {
      known = { order: new SourceOrder(), last: undefined }
      this.#sources.set(source, known)
    }
    if (continues && known.last !== undefined && !known.last.released) {
      const before = known.last.weight
      if (known.last.add(line)) {
        this.#held += known.last.weight - before
        return
      }
    }
    this.#rank += 1
    known.order.advance(line)
    const entry = new Held(source, line, known.order, this.#rank, mono + REORDER_WINDOW)
    known.last = entry
    this.#byMoment.push(entry)
    this.#arrivals.push(entry)
    this.#held += entry.weight
  }

  /** Lines up to `moment` have gone out before the first that is pushed here: what is earlier comes late. */
  begin(moment: Moment): void {
    if (isBefore(this.#releasedUpTo, moment)) this.#reach(moment)
  }

  /** Goes on with a source whose earlier lines have gone out elsewhere. */
  adopt(source: Source, order: SourceOrder): void {
    this.#sources.set(source, { order, last: undefined })
  }

  /** The next lines of a source are those of an earlier place in its log: they count by their own stamps. */
  rewind(source: Source): void {
    this.#sources.delete(source)
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
    const entry = this.#byMoment.pop() as Held<Source>
    entry.released = true
    this.#held -= entry.weight
    entry.late = isBefore(entry, this.#releasedUpTo)
    if (!entry.late) this.#reach(entry)
    return entry
  }

  #reach({ hour, within }: Moment): void {
    this.#releasedUpTo.hour = hour
    this.#releasedUpTo.within = within
  }

  #oldest(): Held<Source> | undefined {
    while (this.#next < this.#arrivals.length) {
      const entry = this.#arrivals[this.#next] as Held<Source>
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
