import type { Clock, Instant, Ms } from '#core/clock.ts'

/** How many times faster than the wall its time passes. */
const SPEED = 100

/** A clock that runs so fast that nobody waits for back-offs and probes; its timers are real ones. */
export class FastClock implements Clock {
  readonly #origin = performance.now()

  now(): Instant {
    const mono = (performance.now() - this.#origin) * SPEED
    return { mono, wall: Date.now() }
  }

  after(delay: Ms, wake: () => void): () => void {
    const timer = setTimeout(wake, Math.max(0, delay) / SPEED)
    return () => clearTimeout(timer)
  }
}
