import type { Bytes } from '#core/clock.ts'

/**
 * Redis' protocol, both of its versions, as far as a server needs them.
 *
 *     request   *2\r\n $3\r\nGET\r\n $1\r\na\r\n      or a line of words: GET a\r\n
 *     answer    +OK\r\n   -ERR why\r\n   :7\r\n   $1\r\na\r\n   *2\r\n…   nothing: $-1\r\n, _\r\n since 3
 *     since 3   %1\r\n key value                            before, a map is a list of both in turn
 */

export type Reply =
  | { readonly simple: string }
  | { readonly error: string }
  | number
  | null
  | Buffer
  | string
  | readonly Reply[]
  | ReadonlyMap<string, Reply>

export type RespVersion = 2 | 3

/** What no client means to send; the connection ends with it, as it does at the real server. */
export class RespError extends Error {
  override readonly name = 'RespError'
}

const LONGEST_LINE: Bytes = 64 * 1024
const LONGEST_BULK: Bytes = 16 * 1024 * 1024
const MOST_WORDS = 10_000

/** Takes bytes as they come and gives whole requests. */
export class RespReader {
  #held: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
  }

  /** The words of the next request; undefined until it is whole. @throws RespError */
  next(): Buffer[] | undefined {
    const first = this.#line(0)
    if (first === undefined) return undefined
    if (!first.text.startsWith('*')) return this.#inline(first)
    const count = numberIn(first.text, '*', MOST_WORDS, 'multibulk')
    const words: Buffer[] = []
    let at = first.end
    while (words.length < count) {
      const head = this.#line(at)
      if (head === undefined) return undefined
      if (!head.text.startsWith('$'))
        throw new RespError(`Protocol error: expected '$', got '${head.text[0] ?? ''}'`)
      const length = numberIn(head.text, '$', LONGEST_BULK, 'bulk')
      const end = head.end + length
      if (this.#held.length < end + 2) return undefined
      words.push(Buffer.from(this.#held.subarray(head.end, end)))
      at = end + 2
    }
    this.#held = this.#held.subarray(at)
    return words
  }

  #inline({ text, end }: Line): Buffer[] {
    this.#held = this.#held.subarray(end)
    return text
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => Buffer.from(word, 'latin1'))
  }

  #line(from: number): Line | undefined {
    const at = this.#held.indexOf('\r\n', from)
    if (at < 0 && this.#held.length - from > LONGEST_LINE)
      throw new RespError('Protocol error: too big inline request')
    return at < 0 ? undefined : { text: this.#held.toString('latin1', from, at), end: at + 2 }
  }
}

interface Line {
  readonly text: string
  readonly end: number
}

function numberIn(line: string, sign: string, most: number, what: string): number {
  const digits = line.slice(sign.length)
  const value = /^\d{1,9}$/.test(digits) ? Number(digits) : Number.NaN
  if (!(value <= most)) throw new RespError(`Protocol error: invalid ${what} length`)
  return value
}

/** A reply in the version that the client has asked for. */
export function encodeReply(reply: Reply, version: RespVersion): Buffer {
  const parts: Buffer[] = []
  write(reply, version, parts)
  return Buffer.concat(parts)
}

function write(reply: Reply, version: RespVersion, parts: Buffer[]): void {
  const line = (text: string) => parts.push(Buffer.from(`${text}\r\n`))
  if (reply === null) line(version === 3 ? '_' : '$-1')
  else if (typeof reply === 'number') line(`:${reply}`)
  else if (typeof reply === 'string') write(Buffer.from(reply), version, parts)
  else if (Buffer.isBuffer(reply)) {
    line(`$${reply.length}`)
    parts.push(reply, CRLF)
  } else if (reply instanceof Map) {
    line(version === 3 ? `%${reply.size}` : `*${2 * reply.size}`)
    for (const [key, value] of reply) {
      write(key, version, parts)
      write(value, version, parts)
    }
  } else if (Array.isArray(reply)) {
    line(`*${reply.length}`)
    for (const item of reply) write(item, version, parts)
  } else if ('simple' in reply) line(`+${reply.simple}`)
  else line(`-${(reply as { error: string }).error.replaceAll(/[\r\n]/g, ' ')}`)
}

const CRLF = Buffer.from('\r\n')
