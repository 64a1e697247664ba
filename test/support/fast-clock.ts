import type { Clock, Instant, Ms } from '#core/clock.ts'

/** A clock that runs so fast that nobody waits for back-offs and probes; its timers are real ones. */
export class FastClock implements Clock {
  readonly #speed: number
  readonly #origin = performance.now()

  /** `speed`: how many times faster than the wall its time passes. */
  constructor(speed = 100) {
    this.#speed = speed
  }

  now(): Instant {
    const mono = (performance.now() - this.#origin) * this.#speed
    return { mono, wall: Date.now() }
  }

  after(delay: Ms, wake: () => void): () => void {
    const timer = setTimeout(wake, Math.max(0, delay) / this.#speed)
    return () => clearTimeout(timer)
  }
}
