import type { Clock, Instant, Ms } from '#core/clock.ts'
import { systemClock } from '#core/io/system-clock.ts'

interface Waiting {
  readonly at: Ms
  readonly wake: () => void
  cancel: () => void
}

/**
 * The system's clock until `hurry` makes it run faster, for patience that would take minutes against real sockets.
 * It is hurried only where nothing real is waited for: a round trip takes many of its milliseconds.
 */
export class HurriedClock implements Clock {
  #rate = 1
  #real: Instant = systemClock.now()
  #shown: Instant = this.#real
  readonly #waiting = new Set<Waiting>()

  now(): Instant {
    const passed = (systemClock.now().mono - this.#real.mono) * this.#rate
    return { mono: this.#shown.mono + passed, wall: this.#shown.wall + passed }
  }

  after(delay: Ms, wake: () => void): () => void {
    const waiting: Waiting = { at: this.now().mono + Math.max(0, delay), wake, cancel: () => {} }
    this.#waiting.add(waiting)
    this.#arm(waiting)
    return () => {
      waiting.cancel()
      this.#waiting.delete(waiting)
    }
  }

  /** Runs `rate` times as fast from now on; what waits is due that much sooner. */
  hurry(rate: number): void {
    this.#shown = this.now()
    this.#real = systemClock.now()
    this.#rate = rate
    for (const waiting of this.#waiting) this.#arm(waiting)
  }

  /** Lets `duration` pass at once, as a night in which nothing was due; what is due by then wakes afterwards. */
  skip(duration: Ms): void {
    const { mono, wall } = this.now()
    this.#shown = { mono: mono + duration, wall: wall + duration }
    this.#real = systemClock.now()
    for (const waiting of this.#waiting) this.#arm(waiting)
  }

  /** The computer sleeps: its monotonic clock stands still, and no timer knows of it. */
  sleepThrough(duration: Ms): void {
    const { mono, wall } = this.now()
    this.#shown = { mono, wall: wall + duration }
    this.#real = systemClock.now()
  }

  #arm(waiting: Waiting): void {
    waiting.cancel()
    const left = Math.max(0, waiting.at - this.now().mono) / this.#rate
    waiting.cancel = systemClock.after(left, () => {
      this.#waiting.delete(waiting)
      waiting.wake()
    })
  }
}
