import type { Clock, Ms } from '#core/clock.ts'
import type { TunnelState } from '#core/tunnel/control/roster.ts'

/** How long a tunnel that was opened for a command listens after it has fallen asleep: longer than people edit. */
export const IMPLICIT_SLEEP: Ms = 60 * 60_000

/** Ends tunnels that nobody has asked for by name, once they have slept for long and nobody holds them. */
export class SleepWatch {
  readonly #clock: Clock
  readonly #close: (id: number) => void
  /** Those that sleep now, with what cancels their end. */
  readonly #asleep = new Map<number, () => void>()
  /** How many hold a tunnel. */
  readonly #holds = new Map<number, number>()

  constructor(clock: Clock, close: (id: number) => void) {
    this.#clock = clock
    this.#close = close
  }

  /** Called for whatever happens to such a tunnel. */
  saw(id: number, state: TunnelState): void {
    if (state !== 'asleep') this.forget(id)
    else if (!this.#asleep.has(id)) this.#begin(id)
  }

  /** It is none to be ended any more. */
  forget(id: number): void {
    this.#asleep.get(id)?.()
    this.#asleep.delete(id)
  }

  /** While it lasts none of them is ended; after it the time begins anew. */
  hold(ids: readonly number[]): Disposable {
    for (const id of ids) this.#holds.set(id, (this.#holds.get(id) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        for (const id of ids) {
          const left = (this.#holds.get(id) ?? 1) - 1
          if (left > 0) this.#holds.set(id, left)
          else this.#holds.delete(id)
          if (this.#asleep.has(id)) this.#begin(id)
        }
      },
    }
  }

  end(): void {
    for (const id of [...this.#asleep.keys()]) this.forget(id)
  }

  #begin(id: number): void {
    this.#asleep.get(id)?.()
    const end = () => {
      if (!this.#holds.has(id)) this.#close(id)
    }
    this.#asleep.set(id, this.#clock.after(IMPLICIT_SLEEP, end))
  }
}
