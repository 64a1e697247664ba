import type { Bytes } from '#core/clock.ts'
import type { Place } from './places.ts'

/** One line of the log, without its end, and the place behind it. */
export interface Line {
  readonly text: string
  readonly end: Place
}

const NEWLINE = 0x0a
/** The daemon's longest is a seventh of that. What has no end for so long is cut here, and nothing of it left out. */
export const LONGEST_LINE: Bytes = 64 * 1024
const NOTHING = new Uint8Array(0)

/** Cuts one file into lines, each with its place. What is not UTF-8 is shown by replacement characters. */
export class LineCutter {
  /** Which file. */
  readonly head: string
  /** Where what is held begins. */
  #offset: Bytes
  #held: Uint8Array = NOTHING

  constructor({ head, offset }: Place) {
    this.head = head
    this.#offset = offset
  }

  /** Where to read on. */
  get next(): Bytes {
    return this.#offset + this.#held.length
  }

  /** The lines that `chunk` completes; the beginning of a further one is held. */
  push(chunk: Uint8Array): Line[] {
    const bytes = this.#held.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk])
    const lines: Line[] = []
    let from = 0
    for (;;) {
      const end = bytes.indexOf(NEWLINE, from)
      const to = end === -1 ? bytes.length : end
      if (to - from >= LONGEST_LINE) {
        lines.push(this.#line(bytes.subarray(from, from + LONGEST_LINE), 0))
        from += LONGEST_LINE
      } else if (end === -1) break
      else {
        lines.push(this.#line(bytes.subarray(from, end), 1))
        from = end + 1
      }
    }
    this.#held = bytes.subarray(from)
    return lines
  }

  /** The last line of a file to which nothing will be added, if it has no end. */
  finish(): Line[] {
    const rest = this.#held
    this.#held = NOTHING
    return rest.length === 0 ? [] : [this.#line(rest, 0)]
  }

  #line(bytes: Uint8Array, ending: Bytes): Line {
    this.#offset += bytes.length + ending
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    return { text, end: { head: this.head, offset: this.#offset } }
  }
}
