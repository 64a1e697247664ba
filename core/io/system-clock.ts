import { randomBytes } from 'node:crypto'
import type { Clock, RandomBytes } from '#core/clock.ts'

/** The machine's own clock. Its timers keep the process alive: what waits for time is not done yet. */
export const systemClock: Clock = {
  now: () => ({ mono: performance.now(), wall: Date.now() }),
  after(delay, wake) {
    const timer = setTimeout(wake, Math.max(0, delay))
    return () => clearTimeout(timer)
  },
}

/** The operating system's random source. */
export const systemRandom: RandomBytes = (length) => new Uint8Array(randomBytes(length))
