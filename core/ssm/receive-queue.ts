import type { Bytes } from '#core/clock.ts'
import type { Message } from '#core/ssm/message.ts'

/** Messages that may wait for an earlier one, by count (as the vendor's client holds) and by bytes. */
export const EARLY_MESSAGES = 10_000
export const EARLY_BYTES: Bytes = 16 * 1024 * 1024

/** The part of a stream message that is kept until its turn. */
export interface StreamPayload {
  readonly payloadType: number
  readonly payload: Uint8Array
}

/**
 * What to do with a stream message:
 *
 * - `deliver`: it is the next one; then {@link ReceiveQueue.takeNext} until undefined.
 * - `early`: it was copied and waits for its turn.
 * - `duplicate`: it was delivered or waits already.
 * - `beyond`: there is no room for it. It must not be acknowledged, so that the sender brings it again.
 *
 * The first three are acknowledged, a duplicate too: an acknowledgement that was lost makes an agent repeat its
 * message for ever otherwise, and send nothing else.
 */
export type Arrival = 'deliver' | 'early' | 'duplicate' | 'beyond'

/** Owns the inbound sequence number: puts stream messages in order, each once. */
export class ReceiveQueue {
  readonly #early = new Map<number, StreamPayload>()
  #earlyBytes: Bytes = 0
  #expected = 0

  /** The sequence number that is delivered next. */
  get expected(): number {
    return this.#expected
  }

  /** Bytes that wait for an earlier message; at most {@link EARLY_BYTES}. */
  get earlyBytes(): Bytes {
    return this.#earlyBytes
  }

  accept(message: Message): Arrival {
    const { sequence, payload } = message
    if (sequence === this.#expected) {
      this.#expected++
      return 'deliver'
    }
    if (sequence < this.#expected || this.#early.has(sequence)) return 'duplicate'
    if (sequence >= this.#expected + EARLY_MESSAGES) return 'beyond'
    if (this.#earlyBytes + payload.length > EARLY_BYTES) return 'beyond'
    this.#early.set(sequence, { payloadType: message.payloadType, payload: new Uint8Array(payload) })
    this.#earlyBytes += payload.length
    return 'early'
  }

  /** The message whose turn has come, or undefined when it has not arrived yet. */
  takeNext(): StreamPayload | undefined {
    if (this.#early.size === 0) return undefined
    const next = this.#early.get(this.#expected)
    if (next === undefined) return undefined
    this.#early.delete(this.#expected)
    this.#earlyBytes -= next.payload.length
    this.#expected++
    return next
  }
}
