import type { Clock, Instant, Ms } from '#core/clock.ts'

/** A clock that stands still until it is advanced; what waits for it wakes in order, in the same turn. */
export class ManualClock implements Clock {
  #now: Ms = 0
  readonly #start: Ms
  #waiting: { at: Ms; wake: () => void }[] = []

  constructor(start: Ms = Date.UTC(2026, 10, 23, 10)) {
    this.#start = start
  }

  now(): Instant {
    return { mono: this.#now, wall: this.#start + this.#now }
  }

  after(delay: Ms, wake: () => void): () => void {
    const entry = { at: this.#now + Math.max(0, delay), wake }
    this.#waiting.push(entry)
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry)
    }
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#waiting.length
  }

  /** Lets `duration` pass, waking on the way, timers set meanwhile included. */
  advance(duration: Ms): void {
    const until = this.#now + duration
    for (;;) {
      const next = this.#waiting
        .filter(({ at }) => at <= until)
        .reduce<{ at: Ms; wake: () => void } | undefined>(
          (first, entry) => (first === undefined || entry.at < first.at ? entry : first),
          undefined,
        )
      if (next === undefined) break
      this.#waiting = this.#waiting.filter((entry) => entry !== next)
      this.#now = next.at
      next.wake()
    }
    this.#now = until
  }
}
