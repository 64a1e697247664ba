import type { Bytes } from '#core/clock.ts'
import type { Message } from '#core/ssm/message.ts'

/** The vendor's agent holds this many messages that came too early. */
export const INBOX_MESSAGES = 100_000

/** What a message that came is. */
export type Arrival =
  /** The one that is expected. */
  | 'next'
  /** A later one, with room to hold it. */
  | 'early'
  /** A later one that finds no room: it is dropped without a word, and comes again. */
  | 'full'
  /** One that was taken before. */
  | 'seen'

/** Puts the client's messages in order. */
export class Inbox {
  readonly #capacity: number
  readonly #early = new Map<number, Message>()
  #expected = 0
  #bytes: Bytes = 0

  constructor(capacity = INBOX_MESSAGES) {
    this.#capacity = capacity
  }

  get bytes(): Bytes {
    return this.#bytes
  }

  classify(sequence: number): Arrival {
    if (sequence < this.#expected) return 'seen'
    if (sequence === this.#expected) return 'next'
    return this.#early.has(sequence) || this.#early.size < this.#capacity ? 'early' : 'full'
  }

  /** Holds a message that came early; its bytes are copied, as they belong to the socket's buffer. */
  hold(message: Message): void {
    if (this.#early.has(message.sequence)) return
    this.#early.set(message.sequence, {
      ...message,
      // A Buffer's own slice() is a view.
      messageId: new Uint8Array(message.messageId),
      payload: new Uint8Array(message.payload),
    })
    this.#bytes += message.payload.length
  }

  /** The held message whose turn it is, which stays until `advance`. */
  get held(): Message | undefined {
    return this.#early.get(this.#expected)
  }

  /** The expected message has been taken. */
  advance(): void {
    const held = this.#early.get(this.#expected)
    if (held !== undefined) {
      this.#early.delete(this.#expected)
      this.#bytes -= held.payload.length
    }
    this.#expected++
  }
}
