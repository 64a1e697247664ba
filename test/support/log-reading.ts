import type { Clock, Ms } from '#core/clock.ts'
import type { KubeClient } from '#core/kube/client.ts'
import { type FollowOptions, followLogs } from '#core/kube/log-follower.ts'
import type { LogEvent } from '#core/logs/events.ts'
import type { LogSummary } from '#core/logs/ledger.ts'
import { STUB_SELECTIONS } from './stub-client.ts'

const FOLLOW_ALL: FollowOptions = {
  follow: true,
  tail: undefined,
  sinceSeconds: undefined,
  previous: false,
}

/** What a follow gave until it was stopped. */
export interface FollowedLogs {
  /** `stamp text` of every line, in the order in which they were given. */
  readonly lines: readonly string[]
  readonly texts: readonly string[]
  /** Lines that were given although a later-stamped one had gone before, and that were not marked so. */
  readonly unmarked: number
  readonly events: readonly LogEvent[]
  readonly summary: LogSummary
}

export interface FollowLimits {
  /** The follow goes on until so many lines have come… */
  readonly lines: number
  /** …and for so long after that, for what should not come; */
  readonly quiet: Ms
  /** and no longer than this. */
  readonly patience: Ms
}

const READ_ALL: FollowOptions = { ...FOLLOW_ALL, follow: false }

/** Reads what there is of the stub's pods, and no further. */
export async function readStub(
  client: KubeClient,
  clock: Clock,
  options: Partial<FollowOptions>,
  chance: () => number,
): Promise<FollowedLogs> {
  const taken = new Taken()
  const signal = new AbortController().signal
  const batches = followLogs(client, STUB_SELECTIONS, { ...READ_ALL, ...options }, signal, clock, chance)
  for await (const batch of batches) for (const event of batch) taken.take(event)
  return taken.all()
}

/** Follows the stub's pods until enough has come, and ends the follow as a person does. */
export async function followStub(
  client: KubeClient,
  clock: Clock,
  limits: FollowLimits,
  chance: () => number,
): Promise<FollowedLogs> {
  const enough = new Error('enough')
  const abort = new AbortController()
  const cancel = clock.after(limits.patience, () => abort.abort(enough))
  const taken = new Taken()
  try {
    for await (const batch of followLogs(client, STUB_SELECTIONS, FOLLOW_ALL, abort.signal, clock, chance)) {
      for (const event of batch) taken.take(event)
      if (taken.count < limits.lines || abort.signal.aborted) continue
      clock.after(limits.quiet, () => abort.abort(enough))
    }
  } catch (error) {
    if (error !== enough) throw error
  } finally {
    cancel()
  }
  return taken.all()
}

/** Keeps what a reading gives. */
class Taken {
  readonly #events: LogEvent[] = []
  readonly #lines: string[] = []
  readonly #texts: string[] = []
  readonly #reached = new Map<string, string>()
  #latest = ''
  #unmarked = 0
  #summary: LogSummary | undefined

  /** How many lines there are. */
  get count(): number {
    return this.#lines.length
  }

  take(event: LogEvent): void {
    if (event.event === 'ledger') this.#summary = event.summary
    if (event.event !== 'line') {
      this.#events.push(event)
      return
    }
    for (const { stamp = '', text } of [event.line, ...event.rest]) {
      this.#lines.push(`${stamp} ${text}`)
      this.#texts.push(text)
    }
    // A stamp that runs backwards among those of its own pod is no matter of order between pods.
    const { pod } = event.source
    const { stamp = '' } = event.line
    const before = this.#reached.get(pod) ?? ''
    const key = stamp > before ? stamp : before
    this.#reached.set(pod, key)
    if (key < this.#latest) this.#unmarked += event.late ? 0 : 1
    else this.#latest = key
  }

  all(): FollowedLogs {
    if (this.#summary === undefined) throw new Error('the reading has given no ledger')
    return {
      lines: this.#lines,
      texts: this.#texts,
      unmarked: this.#unmarked,
      events: this.#events,
      summary: this.#summary,
    }
  }
}
