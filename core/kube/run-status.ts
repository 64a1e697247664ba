import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { type ContainerSnapshot, readableRun } from '#core/logs/pod.ts'
import type { LogSource } from '#core/logs/sources.ts'

/** Where the newest status of a run's container comes from. */
export interface StatusContext {
  readonly clock: Clock
  /** The container's newest status; undefined when its pod is gone. */
  statusOf(source: LogSource): ContainerSnapshot | undefined
  /** Calls `listener` after every change of any status, until the returned function is called. */
  onStatus(listener: () => void): () => void
}

export type RunState = 'running' | 'over' | 'replaced' | 'gone'

/** What the cluster says of one run, now and when that changes. */
export class RunStatus {
  readonly #source: LogSource
  readonly #context: StatusContext

  constructor(source: LogSource, context: StatusContext) {
    this.#source = source
    this.#context = context
  }

  get state(): RunState {
    const status = this.#context.statusOf(this.#source)
    if (status === undefined) return 'gone'
    const readable = readableRun(status)
    if (readable?.run !== this.#source.run) return 'replaced'
    return readable.over === undefined ? 'running' : 'over'
  }

  /** Waits until the run is over or replaced, and at most for `limit`. */
  async untilNotRunning(limit: Ms, signal: AbortSignal): Promise<void> {
    const told = new AbortController()
    const check = () => {
      if (this.state !== 'running') told.abort()
    }
    const unsubscribe = this.#context.onStatus(check)
    check()
    try {
      await sleep(this.#context.clock, limit, AbortSignal.any([signal, told.signal]))
    } catch (error) {
      if (!told.signal.aborted) throw error
    } finally {
      unsubscribe()
    }
  }

  /** Tells when the run is over; once it is replaced, all that is left of it is in the log of the previous run. */
  onOver(told: (how: 'over' | 'replaced') => void): () => void {
    const check = () => {
      const { state } = this
      if (state !== 'running') told(state === 'replaced' ? 'replaced' : 'over')
    }
    check()
    return this.#context.onStatus(check)
  }
}
