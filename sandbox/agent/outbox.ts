import type { Bytes, Ms } from '#core/clock.ts'

/** How a sender without acknowledgements repeats itself. */
export type Resend =
  /** As the vendor's agent: every 100 ms, the oldest message only. */
  | 'oldest'
  /**
   * Every 100 ms, all that are overdue, or recovery takes minutes after a cut. A fast sender's messages wait in long
   * queues, so that lateness alone says nothing: one that came later was acknowledged, or none is any more.
   */
  | 'overdue'

/** The vendor's numbers. */
const LOOK_EVERY: Ms = 100
const FIRST_TIMEOUT: Ms = 200
const FIRST_ROUND_TRIP: Ms = 100
const LONGEST_TIMEOUT: Ms = 1_000
const CLOCK_GRANULARITY: Ms = 10

interface Waiting {
  readonly frame: Uint8Array
  sentAt: Ms
}

/** What was sent and is not acknowledged yet, with the vendor's retransmission. */
export class Outbox {
  readonly #resend: Resend
  /** In the order of their sequence numbers, as they are stored in it. */
  readonly #waiting = new Map<number, Waiting>()
  #due: number[] = []
  #bytes: Bytes = 0
  #nextLook: Ms | undefined
  /** When the last acknowledgement came, or what it should have come for was sent. */
  #heardAt: Ms = 0
  /** What was sent before this and still waits was overtaken by something that was acknowledged. */
  #overtakenBefore: Ms = 0
  #roundTrip: Ms = FIRST_ROUND_TRIP
  #variation: Ms = 0
  #timeout: Ms = FIRST_TIMEOUT

  constructor(resend: Resend) {
    this.#resend = resend
  }

  get count(): number {
    return this.#waiting.size
  }

  get bytes(): Bytes {
    return this.#bytes
  }

  /** Remembers a frame before it is sent: an acknowledgement can be faster than the way back from a send. */
  store(sequence: number, frame: Uint8Array, now: Ms): void {
    if (this.#waiting.size === 0) this.#heardAt = now
    this.#waiting.set(sequence, { frame, sentAt: now })
    this.#bytes += frame.length
    this.#nextLook ??= now + LOOK_EVERY
  }

  /** Forgets a frame; an acknowledgement of what is not waiting changes nothing. */
  acknowledge(sequence: number, now: Ms): void {
    const waiting = this.#waiting.get(sequence)
    if (waiting === undefined) return
    this.#waiting.delete(sequence)
    this.#bytes -= waiting.frame.length
    this.#heardAt = now
    this.#overtakenBefore = Math.max(this.#overtakenBefore, waiting.sentAt)
    this.#measure(now - waiting.sentAt)
    if (this.#waiting.size === 0) this.#nextLook = undefined
  }

  /** The next frame to send again, or undefined. */
  poll(now: Ms): Uint8Array | undefined {
    if (this.#nextLook !== undefined && now >= this.#nextLook) {
      this.#nextLook = now + LOOK_EVERY
      this.#look(now)
    }
    for (let sequence = this.#due.pop(); sequence !== undefined; sequence = this.#due.pop()) {
      const waiting = this.#waiting.get(sequence)
      if (waiting === undefined) continue
      waiting.sentAt = now
      return waiting.frame
    }
    return undefined
  }

  /** When to poll again, or undefined when nothing waits. */
  deadline(): Ms | undefined {
    return this.#due.length > 0 ? 0 : this.#nextLook
  }

  /** Puts the sequence numbers that are overdue into `#due`, the last to be sent first. */
  #look(now: Ms): void {
    this.#due = []
    const silent = now - this.#heardAt > Math.max(FIRST_TIMEOUT, this.#timeout)
    for (const [sequence, { sentAt }] of this.#waiting) {
      const lost = this.#resend === 'oldest' || silent || sentAt < this.#overtakenBefore
      if (lost && now - sentAt > this.#timeout) this.#due.push(sequence)
      if (this.#resend === 'oldest') return
    }
    this.#due.reverse()
  }

  /** The vendor measures repeated messages too, from their last sending. */
  #measure(roundTrip: Ms): void {
    this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#roundTrip - roundTrip)
    this.#roundTrip = 0.875 * this.#roundTrip + 0.125 * roundTrip
    const timeout = this.#roundTrip + Math.max(CLOCK_GRANULARITY, 4 * this.#variation)
    this.#timeout = Math.min(LONGEST_TIMEOUT, timeout)
  }
}
