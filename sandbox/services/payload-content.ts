/** The bytes that `payload` serves: the same for the same kind, seed and size, on every computer. */

import { createCipheriv, createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Bytes } from '#core/clock.ts'

const CHUNK: Bytes = 256 * 1024
const ZEROS = Buffer.alloc(CHUNK)
const LINE = Buffer.from('00000000 A slow ferry carries crates of pears over both rivers.\n')
const LINE_DIGITS = 8

export interface Content {
  readonly kind: 'random' | 'text'
  /** Chooses one of many random contents; text has but one. */
  readonly seed: string
  readonly bytes: Bytes
}

/** The content in chunks of up to 256 KiB. */
export function* chunksOf(content: Content): Generator<Buffer> {
  const next = content.kind === 'random' ? randomSource(content.seed) : textSource()
  for (let left = content.bytes; left > 0; left -= CHUNK) yield next().subarray(0, Math.min(left, CHUNK))
}

/** A cipher's key stream: as fast as the CPU's AES, never compressible, and no two chunks are alike. */
function randomSource(seed: string): () => Buffer {
  const key = createHash('sha256').update(seed).digest()
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  return () => cipher.update(ZEROS)
}

/** Numbered lines of 64 bytes, so that a gap or a doubled piece can be seen by eye. */
function textSource(): () => Buffer {
  let line = 0
  return () => {
    const chunk = Buffer.allocUnsafe(CHUNK)
    for (let offset = 0; offset < CHUNK; offset += LINE.length) {
      LINE.copy(chunk, offset)
      writeDigits(chunk, offset, line++)
    }
    return chunk
  }
}

function writeDigits(target: Buffer, offset: number, value: number): void {
  let rest = value
  for (let at = offset + LINE_DIGITS - 1; at >= offset; at--) {
    target[at] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}

/** Answers the SHA-256 of a content, in hex; remembers it, and never holds the event loop for long. */
export type Digests = (content: Content) => Promise<string>

const REMEMBERED = 256
const CHUNKS_A_TURN = 16

/** Digests that stop with `signal`'s reason when the service that asks for them ends. */
export function rememberDigests(signal: AbortSignal): Digests {
  const known = new Map<string, Promise<string>>()
  return (content) => {
    const key = `${content.kind} ${content.bytes} ${content.seed}`
    let digest = known.get(key)
    if (digest === undefined) {
      if (known.size >= REMEMBERED) known.clear()
      digest = digestOf(content, signal)
      known.set(key, digest)
    }
    return digest
  }
}

async function digestOf(content: Content, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  let chunks = 0
  for (const chunk of chunksOf(content)) {
    hash.update(chunk)
    if (++chunks % CHUNKS_A_TURN !== 0) continue
    await nextTurn()
    signal.throwIfAborted()
  }
  return hash.digest('hex')
}
