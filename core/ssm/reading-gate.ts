import type { Bytes } from '#core/clock.ts'
import { HELD_HIGH, HELD_LOW } from '#core/ssm/machine.ts'

/** Bytes at which readers that were behind have caught up. */
const CAUGHT_UP: Bytes = HELD_LOW / 3

/**
 * Decides whether the WebSocket is read. It is, until what local readers have not taken reaches the bound: up to
 * there a slow reader slows nobody, and beyond there everybody, but nothing is lost or reset.
 */
export class ReadingGate {
  #paused = false
  #behind = false

  get isPaused(): boolean {
    return this.#paused
  }

  /** What to tell the pump now that `held` bytes are not consumed; undefined: nothing new. */
  update(held: Bytes): 'reading-paused' | 'reading-resumed' | undefined {
    if (!this.#paused && held >= HELD_HIGH) {
      this.#paused = true
      return 'reading-paused'
    }
    if (this.#paused && held <= HELD_LOW) {
      this.#paused = false
      return 'reading-resumed'
    }
    return undefined
  }

  /**
   * What to tell a user now, after {@link update}; undefined: nothing new. A reader that takes less than arrives
   * pauses the reading every few seconds for as long as that lasts, and is told of once.
   */
  stretch(held: Bytes): 'readers-behind' | 'readers-caught-up' | undefined {
    if (!this.#behind && this.#paused) {
      this.#behind = true
      return 'readers-behind'
    }
    if (this.#behind && held <= CAUGHT_UP) {
      this.#behind = false
      return 'readers-caught-up'
    }
    return undefined
  }
}
