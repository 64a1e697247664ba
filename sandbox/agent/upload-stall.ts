import type { Bytes, Ms } from '#core/clock.ts'

/** An agent that cannot keep up with uploads, as clients on the real service have met. */
export interface UploadStall {
  /** What it takes in the long run. */
  readonly bytesPerSecond: number
  /** What it holds beyond that before it stalls. */
  readonly buffer: Bytes
  /** For how long it then takes and acknowledges nothing. */
  readonly pause: Ms
}

/** An agent that takes 125 kB/s, and stops taking anything for a while once half a megabyte waits. */
export const SLOW_AGENT: UploadStall = { bytesPerSecond: 125_000, buffer: 512 * 1024, pause: 1_500 }

/** A leaky bucket: says which stream messages are dropped without an acknowledgement. */
export class StallingIntake {
  readonly #stall: UploadStall
  #level: Bytes = 0
  #levelAt: Ms = 0
  #stalledUntil: Ms = Number.NEGATIVE_INFINITY

  constructor(stall: UploadStall) {
    this.#stall = stall
  }

  /** Whether a message with `length` bytes of payload is taken. */
  takes(length: Bytes, now: Ms): boolean {
    if (now < this.#stalledUntil) return false
    const drained = ((now - this.#levelAt) / 1000) * this.#stall.bytesPerSecond
    this.#level = Math.max(0, this.#level - drained) + length
    this.#levelAt = now
    if (this.#level <= this.#stall.buffer) return true
    this.#stalledUntil = now + this.#stall.pause
    return false
  }
}
