import type { Bytes, Instant, Ms } from '#core/clock.ts'
import type { Line } from './lines.ts'
import type { Place } from './places.ts'
import { parseRecordHeader } from './record.ts'

/** One event of the audit: its lines as they were written, and when it happened. */
export interface AuditEvent {
  readonly at: Ms
  readonly message: string
}

/** Events that lie together in the log: none of them has a line behind `end`, and none before it is missing here. */
export interface Block {
  readonly events: readonly AuditEvent[]
  readonly end: Place
}

/** An event is whole when nothing of it has come for so long: not all say which line is their last. */
const QUIET: Ms = 2_000
/** … or when so many lines of others have come since its last: in a file that is read in one go nothing takes time. */
const LINES_BETWEEN = 256
/** Of a block, after which it is ended whatever is open: memory is bounded, and so is what a crash makes come twice. */
const BLOCK_BYTES: Bytes = 1024 * 1024
const BLOCK_LINES = 5_000
/** An event of more comes in several, cut between lines: the service's limit for one was this for years. */
export const LONGEST_MESSAGE: Bytes = 256 * 1024 - 26

interface OpenEvent {
  readonly at: Ms
  /** Which one it was to begin. */
  readonly rank: number
  readonly lines: string[]
  bytes: Bytes
  lastLine: number
  lastAt: Ms
}

/**
 * Puts the lines of one event together again: those of events at the same time are written in between each other.
 *
 * What it gives away are blocks, after each of which no event is open: who has carried one away can go on reading behind
 * it, and meets only events that are whole. A line that comes later than all of this expects is an event of its own.
 */
export class EventGrouper {
  /** The one that has waited longest for a line comes first. */
  readonly #open = new Map<string, OpenEvent>()
  readonly #blocks: Block[] = []
  #closed: OpenEvent[] = []
  #end: Place | undefined
  #lines = 0
  #begun = 0
  #blockBytes: Bytes = 0
  #blockLines = 0
  #lastTime: Ms | undefined

  push({ text, end }: Line, now: Instant): void {
    this.#end = end
    this.#lines += 1
    this.#blockLines += 1
    this.#blockBytes += text.length
    if (text !== '') this.#add(text, now)
    for (const [key, event] of this.#open) {
      if (this.#lines - event.lastLine < LINES_BETWEEN) break
      this.#close(key, event)
    }
    if (this.#blockBytes >= BLOCK_BYTES || this.#blockLines >= BLOCK_LINES) this.#closeAll()
    this.#settle()
  }

  /** Ends events for which nothing has come for a while. */
  tick(now: Instant): void {
    for (const [key, event] of this.#open) {
      if (now.mono - event.lastAt < QUIET) break
      this.#close(key, event)
    }
    this.#settle()
  }

  /** Ends whatever is open: nothing more is read. */
  finish(): void {
    this.#closeAll()
    this.#settle()
  }

  /** The blocks that are whole; they are the caller's from here on. */
  take(): Block[] {
    return this.#blocks.splice(0)
  }

  /** When the first event that has been read and not been taken has happened, but for whole blocks. */
  get oldest(): Ms | undefined {
    const all = [...this.#closed, ...this.#open.values()].map(({ at }) => at)
    return all.length === 0 ? undefined : Math.min(...all)
  }

  #add(text: string, now: Instant): void {
    const header = parseRecordHeader(text)
    // What is no record is told as well, at the time of what stands before it.
    const at = header?.at ?? this.#lastTime ?? now.wall
    this.#lastTime = at
    const key = header?.event ?? ''
    const bytes = Buffer.byteLength(text)
    let event = this.#open.get(key)
    this.#open.delete(key)
    if (event !== undefined && event.bytes + 1 + bytes > LONGEST_MESSAGE) {
      this.#closed.push(event)
      event = undefined
    }
    event ??= { at, rank: this.#begun++, lines: [], bytes: -1, lastLine: 0, lastAt: 0 }
    event.lines.push(text)
    event.bytes += 1 + bytes
    event.lastLine = this.#lines
    event.lastAt = now.mono
    if (header === undefined || header.last) this.#closed.push(event)
    else this.#open.set(key, event)
  }

  #close(key: string, event: OpenEvent): void {
    this.#open.delete(key)
    this.#closed.push(event)
  }

  #closeAll(): void {
    for (const [key, event] of this.#open) this.#close(key, event)
  }

  #settle(): void {
    if (this.#open.size > 0 || this.#end === undefined) return
    const events = this.#closed.sort((one, other) => one.rank - other.rank)
    this.#blocks.push({
      events: events.map(({ at, lines }) => ({ at, message: lines.join('\n') })),
      end: this.#end,
    })
    this.#closed = []
    this.#end = undefined
    this.#blockBytes = 0
    this.#blockLines = 0
  }
}
