import type { Clock, Ms } from '#core/clock.ts'

/** A stream that is silent from the start holds its place no longer than this. */
const PLACE_LIMIT: Ms = 1_000

/**
 * Bounds how many streams are being opened at once, so that a service of hundreds of pods neither floods the API
 * nor waits for a fixed rate: a place is free again as soon as its stream is open.
 */
export class OpenGate {
  readonly #clock: Clock
  readonly #waiting: Array<() => void> = []
  #free: number

  constructor(places: number, clock: Clock) {
    this.#free = places
    this.#clock = clock
  }

  /**
   * Waits for a place, then opens. The place is given back when `open` is done, or after a second: the log of a
   * container that has written nothing does not open before its first line.
   */
  async pass<T>(open: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal)
    let entered = true
    const leave = () => {
      if (entered) this.#leave()
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

  #enter(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      if (this.#free > 0) {
        this.#free -= 1
        return resolve()
      }
      const proceed = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(proceed), 1)
        reject(signal.reason)
      }
      this.#waiting.push(proceed)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}
