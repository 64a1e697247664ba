import type { Clock, Ms } from '#core/clock.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { Places } from '#core/places.ts'

/** Many come and go together: of how many are followed, a person is told once they have. */
const SETTLED: Ms = 300

/** Bounds how many logs are followed at once. Those beyond wait for one that is over; nobody is turned away. */
export class StreamPlaces {
  readonly #places: Places
  readonly #clock: Clock
  readonly #report: (event: LogEvent) => void
  #isTelling = false
  #told = ''

  constructor(limit: number, clock: Clock, report: (event: LogEvent) => void) {
    this.#places = new Places(limit)
    this.#clock = clock
    this.#report = report
  }

  /** Runs `follow` once there is a place, or once `hurry` aborts; rejects with the reason of `signal`. */
  async hold<T>(follow: () => Promise<T>, signal: AbortSignal, hurry: AbortSignal): Promise<T> {
    const entering = this.#places.enter(AbortSignal.any([signal, hurry]))
    this.#tell()
    try {
      await entering
    } catch {
      signal.throwIfAborted()
      return await follow()
    }
    try {
      return await follow()
    } finally {
      this.#places.leave()
      this.#tell()
    }
  }

  #tell(): void {
    const isNews = this.#places.waiting > 0 || this.#told !== ''
    if (this.#isTelling || !isNews) return
    this.#isTelling = true
    this.#clock.after(SETTLED, () => {
      this.#isTelling = false
      const { taken: followed, waiting } = this.#places
      const text = waiting === 0 ? '' : `${followed} ${waiting}`
      if (text === this.#told) return
      this.#told = text
      this.#report({ event: 'followed', followed, total: followed + waiting })
    })
  }
}
