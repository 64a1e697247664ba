import type { Bytes } from '#core/clock.ts'

/**
 * Postgres' protocol 3, as far as the front of a server needs it.
 *
 *     first     length:4 code:4 …         SSLRequest, GSSENCRequest, CancelRequest, or 3.x: name\0 value\0 … \0
 *     then      type:1 length:4 payload   either way; the length counts itself
 */

export const SSL_REQUEST = 80_877_103
export const GSS_REQUEST = 80_877_104
export const CANCEL_REQUEST = 80_877_102
export const PROTOCOL_MAJOR = 3

const LONGEST_FIRST: Bytes = 10_000
const LONGEST: Bytes = 64 * 1024 * 1024

export interface FirstMessage {
  readonly code: number
  readonly payload: Buffer
  /** The message as it came. */
  readonly bytes: Buffer
}

export interface Message {
  readonly type: string
  readonly payload: Buffer
  readonly bytes: Buffer
}

/** What no client of Postgres sends. */
export class PostgresProtocolError extends Error {
  override readonly name = 'PostgresProtocolError'
}

/** Takes bytes as they come and gives whole messages. */
export class MessageReader {
  #held: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
  }

  /** What has come of the next message, whole or not. */
  get held(): Bytes {
    return this.#held.length
  }

  /** A message without a type, as a connection begins with. @throws PostgresProtocolError */
  nextFirst(): FirstMessage | undefined {
    const bytes = this.#take(0, 8, LONGEST_FIRST)
    return bytes && { code: bytes.readInt32BE(4), payload: bytes.subarray(8), bytes }
  }

  /** @throws PostgresProtocolError */
  next(): Message | undefined {
    const bytes = this.#take(1, 4, LONGEST)
    return bytes && { type: String.fromCharCode(bytes[0] ?? 0), payload: bytes.subarray(5), bytes }
  }

  #take(before: number, least: Bytes, most: Bytes): Buffer | undefined {
    if (this.#held.length < before + 4) return undefined
    const length = this.#held.readInt32BE(before)
    if (length < least || length > most) throw new PostgresProtocolError('invalid length of a message')
    if (this.#held.length < before + length) return undefined
    const bytes = Buffer.from(this.#held.subarray(0, before + length))
    this.#held = this.#held.subarray(before + length)
    return bytes
  }
}

/** The names and values of a start-up message. */
export function startParameters(payload: Buffer): ReadonlyMap<string, string> {
  const texts = payload.toString('utf8').split('\0')
  const pairs = new Map<string, string>()
  for (let i = 0; i + 1 < texts.length && texts[i] !== ''; i += 2)
    pairs.set(texts[i] ?? '', texts[i + 1] ?? '')
  return pairs
}

export function message(type: string, ...parts: ReadonlyArray<Buffer | string>): Buffer {
  const payload = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeInt32BE(payload.length + 4, 1)
  return Buffer.concat([head, payload])
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** An error as clients show it: severity, SQLSTATE and one sentence. */
export function errorMessage(severity: 'ERROR' | 'FATAL', state: string, text: string): Buffer {
  return message('E', `S${severity}\0V${severity}\0C${state}\0M${text}\0\0`)
}

export function readyForQuery(status: string): Buffer {
  return message('Z', status)
}

/** The status that the last ReadyForQuery of an answer tells: `I`dle, in a `T`ransaction or a fail`E`d one. */
export function statusIn(answer: Uint8Array): string | undefined {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength)
  let status: string | undefined
  for (let at = 0; at + 5 <= bytes.length; at += 1 + bytes.readInt32BE(at + 1))
    if (bytes[at] === READY) status = String.fromCharCode(bytes[at + 5] ?? 0)
  return status
}

const READY = 'Z'.charCodeAt(0)
