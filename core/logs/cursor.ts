import type { Ms } from '#core/clock.ts'
import { fingerprint } from '#core/logs/fingerprint.ts'
import { addSeconds, type LogLine, type Stamp, secondOf } from '#core/logs/line.ts'
import { type Expected, Overlap } from '#core/logs/overlap.ts'

/** Lines that are remembered one by one; earlier ones of the same seconds are only counted. */
const REMEMBERED = 8_192
/** Seconds whose lines are counted; a node's clock may be set back by as many busy seconds without harm. */
const COUNTED_SECONDS = 64
/** A clock that is set back further is not believed to be set back as far again: more would have to come again. */
const SETBACK_LIMIT: Ms = 30_000

/** Where a stream is taken up again. */
export interface ResumePoint {
  /** A whole second, as the API takes it: the server gives every line stamped at or after it. */
  readonly sinceTime: string
  /** Tells which of those lines have been seen. */
  readonly overlap: Overlap
}

interface SecondCount {
  lines: number
  /** The position of the second's first line in the stream, and its fingerprint. */
  readonly first: number
  readonly print: number
}

/**
 * Remembers where a log was left, so that it can be taken up with nothing lost and nothing doubled.
 *
 * The API takes up a log by whole seconds only, so the lines of the last seconds come again. A log is a file, and
 * what comes again is its lines stamped at or after that second, in the order of the file: of those, exactly as many
 * have been seen as were counted here, whatever their stamps (many may bear the same one, and the stamps of standard
 * output and standard error may run backwards). Counting finds the place; fingerprints prove it, and find it again
 * when the beginning has been rotated away.
 */
export class ResumeCursor {
  readonly #fromStart: boolean
  #position = 0
  #firstSecond: string | undefined
  #last: Stamp | undefined
  #highest: Stamp | undefined
  /** The newest lines in the order of the file, oldest at `#oldest`, then around. */
  readonly #prints: number[] = []
  readonly #seconds: string[] = []
  readonly #counts = new Map<string, SecondCount>()
  /** The second last counted, as one string object for all its lines, and its count. */
  #second = ''
  #current: SecondCount | undefined
  /** Counts of this second and of later ones are complete. */
  #completeFrom = ''
  /** The furthest that stamps ran backwards from one line to the next, in whole seconds. */
  #setback: Ms = 0

  /** `fromStart`: whether the first line seen will be the first of the log. */
  constructor(fromStart: boolean) {
    this.#fromStart = fromStart
  }

  /** The second of the first line seen, without its zone. */
  get firstSecond(): string | undefined {
    return this.#firstSecond
  }

  /** The stamp of the line last seen. */
  get last(): Stamp | undefined {
    return this.#last
  }

  /** The line that was just read, whether or not anyone was shown it. */
  see(line: LogLine): void {
    if (!isStamped(line)) return
    const print = fingerprint(line)
    this.#count(line.stamp, print)
    const slot = this.#position % REMEMBERED
    this.#prints[slot] = print
    this.#seconds[slot] = this.#second
    this.#position += 1
    this.#firstSecond ??= this.#second
    this.#last = line.stamp
    if (this.#highest === undefined || line.stamp > this.#highest) this.#highest = line.stamp
  }

  /** Whether `line` is the one last seen. */
  isLast(line: LogLine): boolean {
    if (!isStamped(line) || this.#position === 0) return false
    return this.#prints[(this.#position - 1) % REMEMBERED] === fingerprint(line)
  }

  /** How many lines with a stamp were seen. */
  get count(): number {
    return this.#position
  }

  /** Whether `line` is among those seen, or before one of them; as far as they are remembered. */
  hasSeen(line: LogLine): boolean {
    if (!isStamped(line) || this.#highest === undefined) return false
    return line.stamp < this.#highest || this.#prints.includes(fingerprint(line))
  }

  /**
   * Where to take the log up again; undefined while nothing was seen, and it is to be read as at first. One second
   * more than needed is asked for, for lines stamped a little earlier than others before them, and as much more as this
   * log's stamps have run backwards before: they may do so again just where nobody reads.
   */
  resume(): ResumePoint | undefined {
    if (this.#last === undefined || this.#highest === undefined) return undefined
    const wanted = addSeconds(secondOf(this.#last), -1 - this.#setback / 1_000)
    const since = wanted > this.#completeFrom ? wanted : this.#completeFrom
    return {
      sinceTime: `${since}Z`,
      overlap: new Overlap(this.#expect(since), { since, last: this.#last, highest: this.#highest }),
    }
  }

  #count(stamp: Stamp, print: number): void {
    if (this.#current !== undefined && stamp.startsWith(this.#second)) {
      this.#current.lines += 1
      return
    }
    if (stamp < this.#second) this.#noteSetback(stamp)
    // A copy, as a slice would keep alive the text around it.
    this.#second = Buffer.from(secondOf(stamp), 'latin1').toString('latin1')
    this.#current = this.#counts.get(this.#second)
    if (this.#current !== undefined) {
      this.#current.lines += 1
      return
    }
    this.#current = { lines: 1, first: this.#position, print }
    this.#counts.set(this.#second, this.#current)
    if (this.#counts.size > COUNTED_SECONDS) this.#forgetEarliest()
  }

  #noteSetback(stamp: Stamp): void {
    const back = Date.parse(`${this.#second}Z`) - Date.parse(`${secondOf(stamp)}Z`)
    this.#setback = Math.max(this.#setback, Math.min(back, SETBACK_LIMIT))
  }

  #forgetEarliest(): void {
    let earliest = this.#second
    for (const second of this.#counts.keys()) if (second < earliest) earliest = second
    this.#counts.delete(earliest)
    if (earliest === this.#second) this.#current = undefined
    const next = addSeconds(earliest, 1)
    if (next > this.#completeFrom) this.#completeFrom = next
  }

  /** What the server will send again from `since` on. */
  #expect(since: string): Expected {
    let lines = 0
    let first: SecondCount | undefined
    for (const [second, count] of this.#counts) {
      if (second < since) continue
      lines += count.lines
      if (first === undefined || count.first < first.first) first = count
    }
    const prints = this.#remembered(since)
    return { counted: lines - prints.length, prints, head: this.#knowsHead(since) ? first?.print : undefined }
  }

  /** A log joined in its middle has earlier lines, of the same second too, that were never seen. */
  #knowsHead(since: string): boolean {
    return this.#fromStart || since > addSeconds(this.#firstSecond as string, 1)
  }

  #remembered(since: string): number[] {
    const prints: number[] = []
    for (let at = Math.max(0, this.#position - REMEMBERED); at < this.#position; at++) {
      const slot = at % REMEMBERED
      if ((this.#seconds[slot] as string) >= since) prints.push(this.#prints[slot] as number)
    }
    return prints
  }
}

function isStamped(line: LogLine): line is LogLine & { stamp: Stamp } {
  return line.stamp !== undefined
}
