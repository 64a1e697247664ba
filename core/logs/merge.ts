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
 * The moment by which a line is put in order, as two numbers: comparing stamps as the text that they are would be most
 * of the work of merging many sources.
 */
export interface Moment {
  /** Of a stamp `2026-11-23T07:32:39.663019936Z`: 2026112307. */
  readonly hour: number
  /** And 3239663019936. */
  readonly within: number
}

/** Whether `one` comes before `other`. */
export function isBefore(one: Moment, other: Moment): boolean {
  return one.hour < other.hour || (one.hour === other.hour && one.within < other.within)
}

/**
 * How far one source has come. Within its own source a line never overtakes another, so a stamp that runs backwards
 * counts as the one before it, and so does a missing one.
 */
export class SourceOrder implements Moment {
  hour = 0
  within = 0

  /** Goes on to the moment of a line. */
  advance({ stamp }: LogLine): void {
    if (stamp === undefined) return
    const day = digits(stamp, 0, 4) * 1e4 + digits(stamp, 5, 7) * 100 + digits(stamp, 8, 10)
    const hour = day * 100 + digits(stamp, 11, 13)
    const within = digits(stamp, 14, 16) * 1e11 + digits(stamp, 17, 19) * 1e9 + digits(stamp, 20, 29)
    if (hour < this.hour || (hour === this.hour && within < this.within)) return
    this.hour = hour
    this.within = within
  }
}

const ZERO = '0'.charCodeAt(0)

/** The number between two places of a stamp, whose form is fixed. */
function digits(stamp: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) value = value * 10 + stamp.charCodeAt(at) - ZERO
  return value
}

/** What one event of a program may hold, so that indented output without end is no event without end. */
const EVENT_LINES = 1_000
const EVENT_LIMIT: Bytes = 256 * 1024

const NONE: readonly LogLine[] = []

/** A line, and those that only go on with it. */
export class LogEntry<Source> implements Moment {
  /** It is given to the reader as it is: a copy for every line would cost as much as its order. */
  readonly event = 'line'
  readonly source: Source
  readonly line: LogLine
  rest: readonly LogLine[] = NONE
  readonly hour: number
  readonly within: number
  weight: Bytes
  /** Whether a later-stamped line of another source has gone out before it. */
  late = false

  constructor(source: Source, line: LogLine, moment: Moment) {
    this.source = source
    this.line = line
    this.hour = moment.hour
    this.within = moment.within
    this.weight = weigh(line)
  }

  /** Takes a line that goes on with this one; false when it has no room for it. */
  add(line: LogLine): boolean {
    if (this.rest.length >= EVENT_LINES || this.weight > EVENT_LIMIT) return false
    if (this.rest === NONE) this.rest = [line]
    else (this.rest as LogLine[]).push(line)
    this.weight += weigh(line)
    return true
  }
}

interface Queue<Source> {
  readonly source: Source
  /** In the order in which sources were opened; settles equal moments. */
  readonly rank: number
  readonly order: SourceOrder
  readonly waiting: LogEntry<Source>[]
  next: number
  held: Bytes
  closed: boolean
  /** Whether the last line is complete as well. */
  settled: boolean
}

/**
 * Merges finite logs completely: a line is given once no source can still give an earlier one, and once it is known
 * which lines go on with it. Equal moments keep the order in which the sources were opened.
 */
export class HistoryMerge<Source> {
  readonly #queues = new Map<Source, Queue<Source>>()
  readonly #heads = new Heap<Queue<Source>>((a, b) => {
    const left = headOf(a)
    const right = headOf(b)
    if (left.hour !== right.hour) return left.hour < right.hour
    return left.within < right.within || (left.within === right.within && a.rank < b.rank)
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
      settled: false,
    })
    this.#silent += 1
  }

  /** `continues`: the line goes on with the one before it of the same source. */
  push(source: Source, line: LogLine, continues = false): void {
    const queue = this.#queueOf(source)
    const last = queue.waiting.at(-1)
    if (continues && last !== undefined) {
      const before = last.weight
      if (last.add(line)) {
        queue.held += last.weight - before
        return
      }
    }
    queue.order.advance(line)
    const entry = new LogEntry(source, line, queue.order)
    const wasSilent = completeIn(queue) <= 0
    queue.waiting.push(entry)
    queue.held += entry.weight
    if (wasSilent) this.#speak(queue)
  }

  /** The source has no more lines. */
  close(source: Source): void {
    const queue = this.#queueOf(source)
    if (queue.closed) return
    const wasSilent = completeIn(queue) <= 0
    queue.closed = true
    queue.settled = true
    if (wasSilent) this.#speak(queue)
  }

  /** How far the source has come. */
  orderOf(source: Source): SourceOrder {
    return this.#queueOf(source).order
  }

  /** Nothing will be read any more: what is held is complete as it is. */
  settle(): void {
    for (const queue of this.#queues.values())
      if (!queue.settled) {
        const wasSilent = completeIn(queue) <= 0
        queue.settled = true
        if (wasSilent) this.#speak(queue)
      }
  }

  /**
   * Memory that the lines of one source take; the shell stops reading a source that is far ahead of the others. The
   * last does not count: only reading on shows that it is complete.
   */
  heldOf(source: Source): Bytes {
    const queue = this.#queueOf(source)
    return queue.settled ? queue.held : queue.held - (queue.waiting.at(-1)?.weight ?? 0)
  }

  /** The next line in time, or undefined while some source owes one, or all have ended. */
  poll(): LogEntry<Source> | undefined {
    if (this.#silent > 0) return undefined
    const queue = this.#heads.least
    if (queue === undefined) return undefined
    const entry = headOf(queue)
    queue.next += 1
    queue.held -= entry.weight
    if (queue.next === queue.waiting.length || queue.next >= 1_024) {
      queue.waiting.splice(0, queue.next)
      queue.next = 0
    }
    if (completeIn(queue) > 0) this.#heads.settle()
    else {
      this.#heads.pop()
      if (!queue.closed) this.#silent += 1
    }
    return entry
  }

  /** A queue that had nothing to give may have a first line to give now, or have ended. */
  #speak(queue: Queue<Source>): void {
    const speaks = completeIn(queue) > 0
    if (speaks || queue.closed) this.#silent -= 1
    if (speaks) this.#heads.push(queue)
  }

  #queueOf(source: Source): Queue<Source> {
    const queue = this.#queues.get(source)
    if (queue === undefined) throw new Error('a source speaks that was not opened')
    return queue
  }
}

function headOf<Source>(queue: Queue<Source>): LogEntry<Source> {
  return queue.waiting[queue.next] as LogEntry<Source>
}

/** Entries that no further line can go on with: of a source that is being read, all but the last. */
function completeIn<Source>({ waiting, next, settled }: Queue<Source>): number {
  return waiting.length - next - (settled ? 0 : 1)
}
