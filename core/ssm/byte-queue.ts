import type { Bytes } from '#core/clock.ts'
import { Fifo } from '#core/ssm/fifo.ts'

const NOTHING = new Uint8Array(0)

/** Bytes in the order in which they came, given out in other pieces than they came in. Nothing is copied on the way in. */
export class ByteQueue {
  readonly #chunks = new Fifo<Uint8Array>()
  /** How much of the first chunk is given out. */
  #taken = 0
  #size: Bytes = 0

  get size(): Bytes {
    return this.#size
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** The next bytes, at most `most`; a view where one chunk holds them. */
  take(most: Bytes): Uint8Array {
    const length = Math.min(most, this.#size)
    if (length === 0) return NOTHING
    const first = this.#takeFromFirst(length)
    if (first.length === length) return first
    const joined = new Uint8Array(length)
    joined.set(first)
    for (let at = first.length; at < length; ) {
      const part = this.#takeFromFirst(length - at)
      joined.set(part, at)
      at += part.length
    }
    return joined
  }

  #takeFromFirst(most: Bytes): Uint8Array {
    const chunk = this.#chunks.peek() as Uint8Array
    const part = chunk.subarray(this.#taken, this.#taken + most)
    this.#taken += part.length
    this.#size -= part.length
    if (this.#taken === chunk.length) {
      this.#chunks.shift()
      this.#taken = 0
    }
    return part
  }

  clear(): void {
    this.#chunks.clear()
    this.#taken = 0
    this.#size = 0
  }
}
