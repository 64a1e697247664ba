import { setImmediate } from 'node:timers'
import type { Clock, Instant, Ms } from '#core/clock.ts'

interface Waiting {
  readonly at: Ms
  readonly rank: number
  readonly wake: () => void
}

/**
 * A clock that leaps to the next timer as soon as nothing else is left to do, for code that waits for nothing real:
 * an hour of back-offs and probes takes as long as the work in between.
 */
export class LeapingClock implements Clock {
  readonly #start: Ms
  #now: Ms = 0
  #rank = 0
  #waiting: Waiting[] = []
  #leaping = false

  constructor(start: Ms = Date.UTC(2026, 10, 23, 10)) {
    this.#start = start
  }

  now(): Instant {
    return { mono: this.#now, wall: this.#start + this.#now }
  }

  after(delay: Ms, wake: () => void): () => void {
    const entry = { at: this.#now + Math.max(0, delay), rank: this.#rank++, wake }
    this.#waiting.push(entry)
    this.#leapSoon()
    return () => {
      const place = this.#waiting.indexOf(entry)
      if (place !== -1) this.#waiting.splice(place, 1)
    }
  }

  /** After two turns of the event loop without a promise that had something to do. */
  #leapSoon(): void {
    if (this.#leaping) return
    this.#leaping = true
    setImmediate(() => setImmediate(() => this.#leap()))
  }

  #leap(): void {
    this.#leaping = false
    const [first, ...others] = this.#waiting
    if (first === undefined) return
    const next = others.reduce(
      (least, entry) =>
        entry.at < least.at || (entry.at === least.at && entry.rank < least.rank) ? entry : least,
      first,
    )
    this.#waiting.splice(this.#waiting.indexOf(next), 1)
    this.#now = Math.max(this.#now, next.at)
    next.wake()
    if (this.#waiting.length > 0) this.#leapSoon()
  }
}
