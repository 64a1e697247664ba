import type { Clock, Ms } from '#core/clock.ts'

/** Deadlines closer than this share the beat; others get a timer of their own. */
const NEAR: Ms = 3
const BEAT: Ms = 1

/**
 * One timer for all paced sessions of a process.
 *
 * A timer a message drifts by a sixth and costs a wake-up a kilobyte a session; one beat of a millisecond that wakes
 * whoever is due keeps eight sessions exactly at their pace.
 */
export class Metronome {
  readonly #clock: Clock
  readonly #due = new Map<() => void, Ms>()
  #cancel: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `wake` once at `deadline` of the monotonic clock; the returned function cancels. */
  at(deadline: Ms, wake: () => void): () => void {
    const wait = deadline - this.#clock.now().mono
    if (wait > NEAR) return this.#clock.after(wait, wake)
    this.#due.set(wake, deadline)
    this.#arm()
    return () => this.#due.delete(wake)
  }

  #arm(): void {
    this.#cancel ??= this.#clock.after(BEAT, () => this.#beat())
  }

  #beat(): void {
    this.#cancel = undefined
    const now = this.#clock.now().mono
    for (const [wake, deadline] of this.#due) {
      if (deadline > now) continue
      this.#due.delete(wake)
      wake()
    }
    if (this.#due.size > 0) this.#arm()
  }
}
