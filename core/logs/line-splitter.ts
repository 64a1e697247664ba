import type { Bytes } from '#core/clock.ts'

const NEWLINE = 0x0a
const NOTHING = new Uint8Array(0)

/** What is done to the bytes of long lines before they are text. */
export interface Mending {
  /** Shorter lines need none. */
  readonly from: Bytes
  mend(line: Buffer): Buffer
}

/**
 * Cuts a stream of bytes into lines.
 *
 * Bytes, not text, are cut, so that a character split between two chunks stays whole; what is no UTF-8 is shown by
 * replacement characters. A line longer than the limit keeps its beginning and says how much was left out: memory
 * stays bounded, and the same line is cut the same when it is read again.
 */
export class LineSplitter {
  readonly #limit: Bytes
  readonly #mend: Mending | undefined
  #pending: Uint8Array[] = []
  #held: Bytes = 0
  #skipped: Bytes = 0

  constructor(limit: Bytes, mend?: Mending) {
    this.#limit = limit
    this.#mend = mend
  }

  /** Bytes of the unfinished line that are held. */
  get held(): Bytes {
    return this.#held
  }

  /** The lines that `chunk` completes, without their ends. */
  push(chunk: Uint8Array): string[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const first = bytes.indexOf(NEWLINE)
    if (first === -1) {
      this.#hold(bytes)
      return []
    }
    this.#hold(bytes.subarray(0, first))
    const lines = [this.#take()]
    const last = bytes.lastIndexOf(NEWLINE)
    if (last > first) this.#split(bytes.subarray(first + 1, last), lines)
    this.#hold(bytes.subarray(last + 1))
    return lines
  }

  /** The unfinished last line, or undefined when there is none; the splitter is empty afterwards. */
  rest(): string | undefined {
    return this.#held + this.#skipped === 0 ? undefined : this.#take()
  }

  /** Whole lines are decoded in one go, which is what makes this fast; `\n` never is a part of another character. */
  #split(bytes: Buffer, into: string[]): void {
    const lines = bytes.toString('utf8').split('\n')
    // A character is one to three bytes for each unit of its string, so only with a suspect each is measured.
    const short = Math.min(this.#limit, this.#mend?.from ?? this.#limit) / 3
    if (lines.every((line) => line.length <= short)) for (const line of lines) into.push(line)
    else this.#splitOneByOne(bytes, into)
  }

  #splitOneByOne(bytes: Buffer, into: string[]): void {
    for (let from = 0; from <= bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, from)
      const to = end === -1 ? bytes.length : end
      this.#hold(bytes.subarray(from, to))
      into.push(this.#take())
      from = to + 1
    }
  }

  #hold(piece: Uint8Array): void {
    const room = this.#limit - this.#held
    const kept = piece.length <= room ? piece : piece.subarray(0, room)
    if (kept.length > 0) this.#pending.push(kept)
    this.#held += kept.length
    this.#skipped += piece.length - kept.length
  }

  #take(): string {
    const [only = NOTHING, ...others] = this.#pending
    const bytes = others.length === 0 ? only : Buffer.concat(this.#pending, this.#held)
    const written = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const isLong = this.#mend !== undefined && written.length >= this.#mend.from
    const text = (isLong ? this.#mend.mend(written) : written).toString('utf8')
    const line = this.#skipped === 0 ? text : `${text}… (${this.#skipped} bytes more)`
    this.#pending = []
    this.#held = 0
    this.#skipped = 0
    return line
  }
}
