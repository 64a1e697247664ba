import type { Bytes } from '#core/clock.ts'

/** Messages in flight: at the start, at most (measured: more brings nothing), and while the agent stalls. */
const WINDOW_START = 16
export const WINDOW_MAX = 64
const WINDOW_MIN = 4

/** Payload bytes a message: what every agent and the service take, and what an agent was seen to take fast. */
const MESSAGE_BYTES_START: Bytes = 1_024
export const MESSAGE_BYTES_MAX: Bytes = 32_768

/** How much slower growth may become after fall-backs. */
const MAX_CAUTION = 16

/**
 * How much may be in flight to the agent: a count of messages, each of a size.
 *
 *     grow       16 × 1 KiB → 32 → 64 × 1 KiB → 64 × 2 KiB → … → 64 × 32 KiB
 *     fall back  at a timeout, the same way back, down to 4 × 1 KiB
 *
 * It grows after as many clean acknowledgements as it holds, if it was full meanwhile (else nothing was proven), and
 * each fall-back makes it slower to grow again. A larger size is first tried with a message that means nothing (the
 * probe): one that the service or the agent refuses is remembered, and costs the session no byte.
 */
export class UploadWindow {
  #count = WINDOW_START
  #messageBytes: Bytes = MESSAGE_BYTES_START
  #clean = 0
  #wasFull = false
  #caution = 1
  #probe: 'none' | 'due' | 'under-way' = 'none'
  #refused: Bytes | undefined
  /** The size whose probe failed once, without a later message to compare it with. */
  #suspected: Bytes | undefined

  /** Messages that may be in flight. */
  get count(): number {
    return this.#count
  }

  /** Payload bytes that a message may hold. */
  get messageBytes(): Bytes {
    return this.#messageBytes
  }

  /** The size that was refused, if one was. */
  get refusedMessageBytes(): Bytes | undefined {
    return this.#refused
  }

  /** The size that a probe should have now, or undefined when none is due. */
  get probeBytes(): Bytes | undefined {
    return this.#probe === 'due' ? this.#messageBytes * 2 : undefined
  }

  /** All of the window is in flight. */
  markFull(): void {
    this.#wasFull = true
  }

  /** A message that was sent once was acknowledged, in good time. True: the window has grown. */
  acknowledgedCleanly(): boolean {
    this.#clean++
    if (!this.#wasFull || this.#clean < this.#count * this.#caution) return false
    this.#clean = 0
    this.#wasFull = false
    if (this.#count < WINDOW_MAX) {
      this.#count *= 2
      return true
    }
    const larger = this.#messageBytes * 2
    const allowed = larger <= MESSAGE_BYTES_MAX && larger !== this.#refused
    if (allowed && this.#probe === 'none') this.#probe = 'due'
    return false
  }

  /** A message waited for its acknowledgement in vain. */
  fallBack(): void {
    this.#clean = 0
    this.#wasFull = false
    this.#caution = Math.min(MAX_CAUTION, this.#caution * 2)
    if (this.#probe === 'due') this.#probe = 'none'
    if (this.#messageBytes > MESSAGE_BYTES_START) this.#messageBytes /= 2
    else this.#count = Math.max(WINDOW_MIN, this.#count / 2)
  }

  probeSent(): void {
    this.#probe = 'under-way'
  }

  /** The probe of `bytes` was acknowledged at its first try. */
  probeAccepted(bytes: Bytes): void {
    this.#probe = 'none'
    if (bytes === this.#messageBytes * 2) this.#messageBytes = bytes
  }

  /**
   * The probe of `bytes` was not acknowledged. `overtaken`: later messages were, so that its size was the reason;
   * else (a stall, a lost WebSocket) it may have been, which is believed at the second time.
   */
  probeFailed(bytes: Bytes, overtaken: boolean): void {
    this.#probe = 'none'
    if (overtaken || bytes === this.#suspected) this.#refused = Math.min(bytes, this.#refused ?? bytes)
    else this.#suspected = bytes
  }
}
