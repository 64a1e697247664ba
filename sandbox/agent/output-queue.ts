import type { Bytes } from '#core/clock.ts'

interface Chunk {
  readonly payloadType: number
  readonly bytes: Uint8Array
}

/**
 * What the far end gave and no message carries yet: in the vendor's agent the buffer of a socket between the
 * multiplexer and the sender, which is why a small answer waits behind a download there, and here.
 */
export class OutputQueue {
  #chunks: Chunk[] = []
  #head = 0
  /** How much of the first chunk is gone. */
  #taken = 0
  #bytes: Bytes = 0

  get bytes(): Bytes {
    return this.#bytes
  }

  push(payloadType: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#chunks.push({ payloadType, bytes })
    this.#bytes += bytes.length
  }

  /** The next bytes of one payload type, at most `limit`, as one message carries them. */
  take(limit: Bytes): Chunk | undefined {
    const first = this.#chunks[this.#head]
    if (first === undefined) return undefined
    if (first.bytes.length - this.#taken >= limit) return this.#takeOf(first, limit)
    const parts: Uint8Array[] = []
    let length = 0
    for (
      let next = this.#chunks[this.#head];
      next !== undefined && length < limit;
      next = this.#chunks[this.#head]
    ) {
      if (next.payloadType !== first.payloadType) break
      const part = this.#takeOf(next, limit - length).bytes
      parts.push(part)
      length += part.length
    }
    return {
      payloadType: first.payloadType,
      bytes: parts.length === 1 ? (parts[0] ?? EMPTY) : Buffer.concat(parts),
    }
  }

  clear(): void {
    this.#chunks = []
    this.#head = 0
    this.#taken = 0
    this.#bytes = 0
  }

  #takeOf(chunk: Chunk, limit: Bytes): Chunk {
    const bytes = chunk.bytes.subarray(this.#taken, this.#taken + limit)
    this.#taken += bytes.length
    this.#bytes -= bytes.length
    if (this.#taken === chunk.bytes.length) this.#dropFirst()
    return { payloadType: chunk.payloadType, bytes }
  }

  #dropFirst(): void {
    this.#taken = 0
    this.#head++
    // The front is cut off in large pieces: an Array.shift a chunk would move all that waits.
    if (this.#head >= 256 || this.#head === this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#head)
      this.#head = 0
    }
  }
}

const EMPTY = new Uint8Array(0)
