import type { Ms } from '#core/clock.ts'

const INITIAL_TIMEOUT: Ms = 200
/**
 * The vendor's programs go down to the round trip and 10 ms. Below a WebSocket nothing is lost but what a peer
 * dropped on purpose, so all that a shorter timer finds is our own or the agent's pause for breath.
 */
const MIN_TIMEOUT: Ms = 200
/** The vendor stops at 1 s; on a path that is slower than that every message would be sent twice for ever. */
const MAX_TIMEOUT: Ms = 4_000
const MIN_VARIATION: Ms = 10

const RTT_WEIGHT = 1 / 8
const VARIATION_WEIGHT = 1 / 4

/** A round trip longer than this much over the shortest one says that messages queue up on the way. */
const QUEUEING: Ms = 50

/**
 * How long an acknowledgement takes, and so when to stop waiting for one.
 *
 * Karn's rule is the caller's: a message that was sent twice gives no sample, as its acknowledgement may be of
 * either. In return a timeout doubles the wait, which holds until a message is acknowledged that was sent once.
 */
export class RoundTrip {
  #smoothed: Ms | undefined
  #variation: Ms = 0
  #shortest: Ms = Number.POSITIVE_INFINITY
  #backOffs = 0

  /** The smoothed round trip; undefined before the first sample. */
  get smoothed(): Ms | undefined {
    return this.#smoothed
  }

  /** How long to wait for an acknowledgement. */
  get timeout(): Ms {
    const wait =
      this.#smoothed === undefined
        ? INITIAL_TIMEOUT
        : Math.max(MIN_TIMEOUT, this.#smoothed + Math.max(MIN_VARIATION, 4 * this.#variation))
    return Math.min(MAX_TIMEOUT, wait * 2 ** this.#backOffs)
  }

  /** Whether messages arrive about as fast as they ever did: no queue grows between here and the agent. */
  get isShort(): boolean {
    if (this.#smoothed === undefined) return true
    return this.#smoothed <= Math.max(2 * this.#shortest, this.#shortest + QUEUEING)
  }

  /** A message that was sent once was acknowledged after `elapsed`. */
  sample(elapsed: Ms): void {
    this.#backOffs = 0
    this.#shortest = Math.min(this.#shortest, elapsed)
    if (this.#smoothed === undefined) {
      this.#smoothed = elapsed
      this.#variation = elapsed / 2
      return
    }
    this.#variation += (Math.abs(elapsed - this.#smoothed) - this.#variation) * VARIATION_WEIGHT
    this.#smoothed += (elapsed - this.#smoothed) * RTT_WEIGHT
  }

  /** A wait was in vain. */
  backOff(): void {
    if (this.timeout < MAX_TIMEOUT) this.#backOffs++
  }

  /** A new way was found to the agent: what was learnt of the old one's length says nothing about it. */
  restart(): void {
    this.#smoothed = undefined
    this.#shortest = Number.POSITIVE_INFINITY
    this.#backOffs = 0
  }
}
