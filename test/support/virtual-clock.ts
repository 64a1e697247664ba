import type { Clock, Instant, Ms } from '#core/clock.ts'

/** A clock that a test turns by hand. Timers fire in the order of their moments, those of one moment as they were set. */
export class VirtualClock implements Clock {
  #mono: Ms = 0
  #wall: Ms
  #timers: Array<{ readonly at: Ms; readonly wake: () => void }> = []

  constructor(wall: Ms = Date.UTC(2026, 10, 23, 12)) {
    this.#wall = wall
  }

  now(): Instant {
    return { mono: this.#mono, wall: this.#wall }
  }

  after(delay: Ms, wake: () => void): () => void {
    const timer = { at: this.#mono + Math.max(0, delay), wake }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((candidate) => candidate !== timer)
    }
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.length
  }

  /** Lets `ms` pass, waking what is due on the way. */
  advance(ms: Ms): void {
    const end = this.#mono + ms
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter((candidate) => candidate !== due)
      this.#pass(due.at - this.#mono)
      due.wake()
    }
    this.#pass(end - this.#mono)
  }

  /** Moves the wall clock alone: a laptop that slept, or a clock that was set. */
  jump(ms: Ms): void {
    this.#wall += ms
  }

  #pass(ms: Ms): void {
    this.#mono += ms
    this.#wall += ms
  }
}
