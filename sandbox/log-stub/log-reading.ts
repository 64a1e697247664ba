/** One answer to a log request: the bytes in their turn, or what happens instead of them. No sockets, no clock. */

import type { LogText, MadeLog } from './made-log.ts'
import { STAMP_WIDTH } from './made-log.ts'
import type { StreamFault, StreamFaultKind } from './plan.ts'

/** One run's log as it is on its node: how far it is written, and what has been rotated away. */
export class RunFile {
  readonly log: MadeLog
  /** Lines that can be read from the start: earlier ones have been rotated away. */
  first = 0
  written: number
  over = false
  readonly #faults: StreamFault[]
  readonly #listeners = new Set<() => void>()

  constructor(log: MadeLog, written: number, faults: readonly StreamFault[]) {
    this.log = log
    this.written = written
    this.#faults = faults.toSorted((one, other) => one.at - other.at)
  }

  /** Lets more lines be read. */
  write(lines: number): void {
    if (lines <= this.written) return
    this.written = Math.min(lines, this.log.lines)
    this.#tell()
  }

  end(): void {
    this.over = true
    this.#tell()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The next fault that a stream at byte `from` of the stamped log will come to. */
  faultFrom(from: number, follows: boolean): StreamFault | undefined {
    // A look at the last line must not rotate away what others have not read.
    return this.#faults.find(({ at, kind }) => at >= from && (follows || kind !== 'rotate'))
  }

  spend(fault: StreamFault): void {
    this.#faults.splice(this.#faults.indexOf(fault), 1)
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

export interface ReadingOptions {
  readonly follow: boolean
  readonly timestamps: boolean
  readonly tailLines: number | undefined
  /** Lines stamped in earlier seconds are left out. */
  readonly sinceSecond: number | undefined
}

/** What a stream is told to do when there are no bytes. */
export type Turn = 'wait' | StreamFaultKind

export class LogReading {
  readonly #file: RunFile
  readonly #text: LogText
  readonly #options: ReadingOptions
  readonly #filters: boolean
  /** The line whose bytes come next, and how many of them have gone out. */
  #line: number
  #within = 0
  /** Lines from `#line` to here are known to be sent, filter or not. */
  #clearUntil = 0

  constructor(file: RunFile, options: ReadingOptions) {
    const { log, first, written } = file
    this.#file = file
    this.#options = options
    this.#text = options.timestamps ? log.stamped : log.bare
    this.#line = options.tailLines === undefined ? first : Math.max(first, written - options.tailLines)
    this.#filters = options.sinceSecond !== undefined && options.sinceSecond > log.earliest
  }

  /** Up to `most` bytes, or what happens now; once it was not `wait`, nothing more is to be asked. */
  next(most: number): Uint8Array | Turn {
    this.#skip()
    const file = this.#file
    const from = this.#at
    const fault = file.faultFrom(this.#stampedAt, this.#options.follow)
    const until = Math.min(
      from + most,
      this.#readableUntil(),
      fault === undefined ? Infinity : this.#placeOf(fault),
    )
    if (until > from) {
      this.#moveTo(until)
      return this.#text.bytes.subarray(from, until)
    }
    if (fault !== undefined && this.#placeOf(fault) <= from && this.#reaches(fault))
      return this.#suffer(fault)
    if (this.#line < file.written) return 'wait'
    return !this.#options.follow || file.over ? 'end' : 'wait'
  }

  onChange(listener: () => void): () => void {
    return this.#file.onChange(listener)
  }

  get #at(): number {
    return (this.#text.starts[this.#line] as number) + this.#within
  }

  get #stampedAt(): number {
    const { timestamps } = this.#options
    const inBody = timestamps || this.#within === 0 ? this.#within : this.#within + STAMP_WIDTH
    return (this.#file.log.stamped.starts[this.#line] as number) + inBody
  }

  /** A fault in a line that is not written yet has to wait for it. */
  #reaches({ at }: StreamFault): boolean {
    return at <= (this.#file.log.stamped.starts[this.#file.written] as number)
  }

  /** Where in this stream's text a fault is: one in a stamp that is not sent comes before its line. */
  #placeOf({ at }: StreamFault): number {
    if (this.#options.timestamps) return at
    const { line, within } = this.#file.log.placeOf(at)
    return (this.#text.starts[line] as number) + Math.max(0, within - STAMP_WIDTH)
  }

  #suffer(fault: StreamFault): StreamFaultKind {
    this.#file.spend(fault)
    if (fault.kind === 'rotate') this.#file.first = this.#line
    return fault.kind
  }

  /** Past the lines that are too old; in the middle of a line there is nothing to skip. */
  #skip(): void {
    if (!this.#filters || this.#within > 0) return
    while (this.#line < this.#file.written && this.#isOld(this.#line)) this.#line += 1
  }

  #isOld(line: number): boolean {
    return (this.#file.log.seconds[line] as number) < (this.#options.sinceSecond as number)
  }

  /** To the end of what is written, or to the next line that is left out. */
  #readableUntil(): number {
    const { written } = this.#file
    let line = Math.max(this.#line, this.#clearUntil)
    if (!this.#filters) line = Math.max(line, written)
    else while (line < written && !this.#isOld(line)) line += 1
    this.#clearUntil = line
    return this.#text.starts[line] as number
  }

  #moveTo(place: number): void {
    const { starts } = this.#text
    let low = this.#line
    let high = this.#file.log.lines
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((starts[middle] as number) <= place) low = middle
      else high = middle - 1
    }
    this.#line = low
    this.#within = place - (starts[low] as number)
  }
}
