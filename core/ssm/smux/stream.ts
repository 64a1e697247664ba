import type { Bytes } from '#core/clock.ts'
import { Fifo } from '#core/ssm/fifo.ts'

/** The number of a stream: odd, from 3 up, as the reference client counts. */
export type StreamId = number & { readonly unit: 'smux-stream' }

/** One stream of a smux session: a variable a dimension of its state, and what it has still to send. */
export class SmuxStream {
  readonly id: StreamId
  synSent = false
  /** Our direction; `finishing` sends what is queued and then FIN. */
  local: 'open' | 'finishing' | 'finished' = 'open'
  remoteEnded = false
  /** Whether the writer was told to wait. */
  stopped = false
  /** Whether the stream stands in the queue of turns. */
  scheduled = false
  /** Bytes handed up and not yet counted off. */
  unconsumed: Bytes = 0
  /** Bytes queued. */
  unsent: Bytes = 0

  readonly #chunks = new Fifo<Uint8Array>()
  /** How much of the first chunk has been sent. */
  #taken = 0

  constructor(id: StreamId) {
    this.id = id
  }

  get wantsTurn(): boolean {
    return !this.synSent || this.unsent > 0 || this.local === 'finishing'
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.unsent += chunk.length
  }

  /** Moves the next `length` queued bytes to `offset` of `target`. */
  take(target: Uint8Array, offset: number, length: Bytes): void {
    let moved = 0
    while (moved < length) {
      const chunk = this.#chunks.peek() as Uint8Array
      const part = Math.min(chunk.length - this.#taken, length - moved)
      target.set(chunk.subarray(this.#taken, this.#taken + part), offset + moved)
      moved += part
      this.#taken += part
      if (this.#taken === chunk.length) {
        this.#chunks.shift()
        this.#taken = 0
      }
    }
    this.unsent -= length
  }

  clear(): void {
    this.#chunks.clear()
    this.#taken = 0
    this.unsent = 0
  }
}
