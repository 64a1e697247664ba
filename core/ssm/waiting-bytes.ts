import type { Bytes } from '#core/clock.ts'
import { Fifo } from '#core/ssm/fifo.ts'

/** A block that is full goes out in one piece; a first one is small, as most that waits is little. */
const SMALLEST_BLOCK: Bytes = 4 * 1024
const LARGEST_BLOCK: Bytes = 64 * 1024

interface Block {
  readonly bytes: Uint8Array
  filled: Bytes
  taken: Bytes
}

/**
 * Bytes that wait for a reader, copied into blocks of their own: a view would hold on to all that came in the same
 * read of a socket, and a copy for every message costs an agent's many small ones twice their length.
 */
export class WaitingBytes {
  readonly #blocks = new Fifo<Block>()
  #last: Block | undefined
  #size: Bytes = 0

  get size(): Bytes {
    return this.#size
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const block = this.#roomy()
      const part = bytes.subarray(at, at + block.bytes.length - block.filled)
      block.bytes.set(part, block.filled)
      block.filled += part.length
      this.#size += part.length
      at += part.length
    }
  }

  /** The next bytes, as many as lie together; undefined when none wait. They are the caller's. */
  take(): Uint8Array | undefined {
    const block = this.#blocks.peek()
    if (block === undefined || block.taken === block.filled) return undefined
    const bytes = block.bytes.subarray(block.taken, block.filled)
    block.taken = block.filled
    this.#size -= bytes.length
    // What is given out is never written to again, so a block goes on where it is; one that is empty is let go.
    if (block.filled === block.bytes.length || this.#size === 0) this.#blocks.shift()
    if (this.#size === 0) this.#last = undefined
    return bytes
  }

  clear(): void {
    this.#blocks.clear()
    this.#last = undefined
    this.#size = 0
  }

  #roomy(): Block {
    if (this.#last !== undefined && this.#last.filled < this.#last.bytes.length) return this.#last
    const length = Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, this.#size))
    this.#last = { bytes: new Uint8Array(length), filled: 0, taken: 0 }
    this.#blocks.push(this.#last)
    return this.#last
  }
}
