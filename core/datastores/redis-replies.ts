/**
 * What a node of a Redis cluster answers, read as it comes: only a redirection to another node is taken out of it, as
 * its address leads nowhere from here.
 *
 * ```
 *   +OK⏎   -ERR …⏎   :1⏎   _⏎   #t⏎   ,1.5⏎   (123⏎       a line each
 *   $5⏎hello⏎   !…   =…                                    so many bytes, and a line's end
 *   *2⏎ …   ~…   >…   %1⏎ … …   |…                         so many of these; of the last two, pairs
 *   -MOVED 3999 10.0.1.5:6379⏎   -ASK 3999 host:6379⏎      the redirection
 * ```
 */
export type ReplyPart =
  /** To be passed on as it is. */
  { readonly kind: 'bytes'; readonly bytes: Uint8Array } | Redirection

export interface Redirection {
  readonly kind: 'redirection'
  readonly word: 'MOVED' | 'ASK'
  readonly slot: string
  /** Empty where the node means itself by another port. */
  readonly host: string
  readonly port: number
}

const CR = 0x0d
const LF = 0x0a
/** A line that is held until it is whole is no longer than this; what is longer is none that matters. */
const LONGEST_LINE = 1024

/** Takes bytes as they come, and gives them back in parts. */
export class ReplyReader {
  /** How many values are still to come in each aggregate that has begun, the innermost last. */
  readonly #open: number[] = []
  #line: number[] = []
  /** Bytes of a string that are still to come, its line's end included. */
  #string = 0
  /** Whether what comes is no longer understood: then it is passed on, and nothing is looked for in it. */
  #opaque = false

  read(chunk: Uint8Array): ReplyPart[] {
    const parts: ReplyPart[] = []
    // Begins before the chunk where a line was held.
    let from = 0
    let at = 0
    const pass = (end: number) => {
      if (end > from) parts.push({ kind: 'bytes', bytes: chunk.subarray(from, end) })
      from = end
    }
    while (at < chunk.length) {
      if (this.#opaque) at = chunk.length
      else if (this.#string > 0) {
        const length = Math.min(this.#string, chunk.length - at)
        this.#string -= length
        at += length
        if (this.#string === 0) this.#valueEnds()
      } else {
        const end = chunk.indexOf(LF, at)
        const lineEnds = end === -1 ? chunk.length : end + 1
        const isHeld = this.#line.length > 0
        if (!isHeld) pass(at)
        for (const byte of chunk.subarray(at, lineEnds)) this.#line.push(byte)
        at = lineEnds
        from = at
        const isTooLong = this.#line.length > LONGEST_LINE
        if (end === -1 && !isTooLong) break
        parts.push(this.#takeLine(isTooLong && end === -1))
      }
    }
    pass(at)
    return parts
  }

  /** The part that is held, at the end of the stream. */
  end(): Uint8Array {
    return Uint8Array.from(this.#line.splice(0))
  }

  #takeLine(isCut: boolean): ReplyPart {
    const bytes = Uint8Array.from(this.#line)
    this.#line = []
    // Such a line ends no sooner than it is long: what follows would be taken for a beginning.
    if (isCut) this.#opaque = true
    const redirection = this.#open.length === 0 && !isCut ? redirectionIn(bytes) : undefined
    if (!isCut) this.#understand(bytes)
    return redirection ?? { kind: 'bytes', bytes }
  }

  #understand(line: Uint8Array): void {
    const type = String.fromCharCode(line[0] ?? 0)
    if (line.at(-2) !== CR || line.at(-1) !== LF) this.#opaque = true
    else if ('+-:_#,('.includes(type)) this.#valueEnds()
    else if ('$!='.includes(type)) this.#beginString(countIn(line))
    else if ('*~>'.includes(type)) this.#begin(countIn(line))
    else if ('%|'.includes(type)) this.#begin(2 * countIn(line), type === '|')
    else this.#opaque = true
  }

  #beginString(length: number): void {
    if (length === -1) this.#valueEnds()
    else if (length >= 0) this.#string = length + 2
    else this.#opaque = true
  }

  /** Attributes stand before a value and are none. */
  #begin(count: number, isAttribute = false): void {
    if (Number.isNaN(count)) this.#opaque = true
    else if (count > 0) this.#open.push(isAttribute ? count + 1 : count)
    else if (!isAttribute) this.#valueEnds()
  }

  #valueEnds(): void {
    while (this.#open.length > 0) {
      const left = (this.#open.pop() ?? 0) - 1
      if (left > 0) {
        this.#open.push(left)
        return
      }
    }
  }
}

function countIn(line: Uint8Array): number {
  const text = String.fromCharCode(...line.subarray(1, -2))
  return /^(-1|\d{1,12})$/.test(text) ? Number(text) : Number.NaN
}

function redirectionIn(line: Uint8Array): Redirection | undefined {
  const [, word, slot = '', host = '', port] =
    /^-(MOVED|ASK) (\d{1,5}) (\S*):(\d{1,5})\r\n$/.exec(String.fromCharCode(...line)) ?? []
  if (word !== 'MOVED' && word !== 'ASK') return undefined
  return { kind: 'redirection', word, slot, host, port: Number(port) }
}

/** The same redirection to where the node is reached from here. */
export function formatRedirection({ word, slot }: Redirection, host: string, port: number): Uint8Array {
  return new TextEncoder().encode(`-${word} ${slot} ${host}:${port}\r\n`)
}
