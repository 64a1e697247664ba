import type { Bytes } from '#core/clock.ts'
import { HELD_HIGH, HELD_LOW } from '#core/ssm/machine.ts'

/**
 * Decides whether the WebSocket is read. It is, until what local readers have not taken reaches the bound: up to
 * there a slow reader slows nobody, and beyond there everybody, but nothing is lost or reset.
 */
export class ReadingGate {
  #paused = false

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
}
