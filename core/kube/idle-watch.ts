import type { Clock, Ms } from '#core/clock.ts'
import { probeDelay } from '#core/logs/follow.ts'

/** How long a stream whose container is over may take to end by itself. */
const FAREWELL: Ms = 3_000
/** How long lines that a probe has seen may take to come through the stream as well. */
const CATCH_UP: Ms = 2_000

/**
 * Notices that a followed stream is dead: silent although there is something to say.
 *
 * Only silence that is not our own counts: the watch is started when a reader waits for the stream, and stopped when
 * something comes. After a while of silence, a probe compares the newest line of the log with the one last seen.
 */
export class IdleWatch {
  readonly #clock: Clock
  readonly #probe: () => Promise<'current' | 'behind'>
  readonly #dead: () => void
  #cancel = () => {}
  #probes = 0
  /** Counts what came, so that a probe can tell whether the stream spoke meanwhile. */
  #arrivals = 0
  #waiting = false
  #leaving = false

  /** `probe` never rejects; `dead` is called once at most for each start. */
  constructor(clock: Clock, probe: () => Promise<'current' | 'behind'>, dead: () => void) {
    this.#clock = clock
    this.#probe = probe
    this.#dead = dead
  }

  /** The reader waits for the stream. */
  start(): void {
    this.#waiting = true
    this.#arm()
  }

  /** Something came, or nobody waits any longer. */
  stop(): void {
    this.#waiting = false
    this.#arrivals += 1
    this.#probes = 0
    this.#cancel()
  }

  /** The container is over: the stream has little time left to end. */
  hurry(): void {
    if (this.#leaving) return
    this.#leaving = true
    if (this.#waiting) this.#arm()
  }

  #arm(): void {
    this.#cancel()
    this.#cancel = this.#leaving
      ? this.#clock.after(FAREWELL, this.#dead)
      : this.#clock.after(probeDelay(this.#probes), () => void this.#check())
  }

  async #check(): Promise<void> {
    const arrivals = this.#arrivals
    const verdict = await this.#probe()
    const silent = () => this.#waiting && this.#arrivals === arrivals
    if (!silent()) return
    this.#probes += 1
    if (verdict === 'current') this.#arm()
    else
      this.#cancel = this.#clock.after(CATCH_UP, () => {
        if (silent()) this.#dead()
      })
  }
}
