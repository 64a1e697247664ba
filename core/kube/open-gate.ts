import type { Clock, Ms } from '#core/clock.ts'
import { Places } from '#core/places.ts'

/** A stream that is silent from the start holds its place no longer than this. */
const PLACE_LIMIT: Ms = 1_000

/**
 * Bounds how many streams are being opened at once, so that a service of hundreds of pods neither floods the API
 * nor waits for a fixed rate: a place is free again as soon as its stream is open.
 */
export class OpenGate {
  readonly #clock: Clock
  readonly #places: Places

  constructor(places: number, clock: Clock) {
    this.#places = new Places(places)
    this.#clock = clock
  }

  /**
   * Waits for a place, then opens. The place is given back when `open` is done, or after a second: the log of a
   * container that has written nothing does not open before its first line.
   */
  async pass<T>(open: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#places.enter(signal)
    let entered = true
    const leave = () => {
      if (entered) this.#places.leave()
      entered = false
    }
    const cancel = this.#clock.after(PLACE_LIMIT, leave)
    try {
      return await open()
    } finally {
      cancel()
      leave()
    }
  }
}
