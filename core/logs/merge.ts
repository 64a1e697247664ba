import type { Bytes } from '#core/clock.ts'
import { Heap } from '#core/logs/heap.ts'
import type { LogLine } from '#core/logs/line.ts'

/** What a line takes besides its text while it is held. */
const LINE_OVERHEAD: Bytes = 160

/** A line's share of a memory budget. */
export function weigh(line: LogLine): Bytes {
  return LINE_OVERHEAD + line.text.length
}

/**
 * The moment by which a line is put in order among the lines of other sources. Within its own source a line never
 * overtakes another, so a stamp that runs backwards counts as the one before it, and so does a missing one.
 */
export class SourceOrder {
  #reached = ''

  keyOf(line: LogLine): string {
    if (line.stamp !== undefined && line.stamp > this.#reached) this.#reached = line.stamp
    return this.#reached
  }
}

interface Entry<Source> {
  readonly source: Source
  readonly line: LogLine
  readonly key: string
}

interface Queue<Source> {
  readonly source: Source
  /** In the order in which sources were opened; settles equal moments. */
  readonly rank: number
  readonly order: SourceOrder
  readonly waiting: Entry<Source>[]
  next: number
  held: Bytes
  closed: boolean
}

/**
 * Merges finite logs completely: a line is given once no source can still give an earlier one. Equal moments keep
 * the order in which the sources were opened.
 */
export class HistoryMerge<Source> {
  readonly #queues = new Map<Source, Queue<Source>>()
  readonly #heads = new Heap<Queue<Source>>((a, b) => {
    const left = headOf(a).key
    const right = headOf(b).key
    return left < right || (left === right && a.rank < b.rank)
  })
  /** Open sources of which no line is there; nothing can be given before they speak. */
  #silent = 0

  /** Announces a source; all of them must be open before lines are taken. */
  open(source: Source): void {
    const rank = this.#queues.size
    this.#queues.set(source, {
      source,
      rank,
      order: new SourceOrder(),
      waiting: [],
      next: 0,
      held: 0,
      closed: false,
    })
    this.#silent += 1
  }

  push(source: Source, line: LogLine): void {
    const queue = this.#queueOf(source)
    const wasSilent = queue.next === queue.waiting.length
    queue.waiting.push({ source, line, key: queue.order.keyOf(line) })
    queue.held += weigh(line)
    if (!wasSilent) return
    this.#silent -= 1
    this.#heads.push(queue)
  }

  /** The source has no more lines. */
  close(source: Source): void {
    const queue = this.#queueOf(source)
    if (queue.closed) return
    queue.closed = true
    if (queue.next === queue.waiting.length) this.#silent -= 1
  }

  /** Memory that the lines of one source take; the shell stops reading a source that is far ahead of the others. */
  heldOf(source: Source): Bytes {
    return this.#queueOf(source).held
  }

  /** The next line in time, or undefined while some source owes one, or all have ended. */
  poll(): { readonly source: Source; readonly line: LogLine } | undefined {
    if (this.#silent > 0) return undefined
    const queue = this.#heads.pop()
    if (queue === undefined) return undefined
    const entry = headOf(queue)
    queue.next += 1
    queue.held -= weigh(entry.line)
    if (queue.next === queue.waiting.length || queue.next >= 1_024) {
      queue.waiting.splice(0, queue.next)
      queue.next = 0
    }
    if (queue.waiting.length > 0) this.#heads.push(queue)
    else if (!queue.closed) this.#silent += 1
    return entry
  }

  #queueOf(source: Source): Queue<Source> {
    const queue = this.#queues.get(source)
    if (queue === undefined) throw new Error('a source speaks that was not opened')
    return queue
  }
}

function headOf<Source>(queue: Queue<Source>): Entry<Source> {
  return queue.waiting[queue.next] as Entry<Source>
}
