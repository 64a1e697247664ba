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
  const events: LogEvent[] = []
  const lines: string[] = []
  const texts: string[] = []
  const reached = new Map<string, string>()
  let latest = ''
  let unmarked = 0
  let summary: LogSummary | undefined
  const take = (event: LogEvent) => {
    if (event.event === 'ledger') summary = event.summary
    if (event.event !== 'line') {
      events.push(event)
      return
    }
    for (const { stamp = '', text } of [event.line, ...event.rest]) {
      lines.push(`${stamp} ${text}`)
      texts.push(text)
    }
    // A stamp that runs backwards among those of its own pod is no matter of order between pods.
    const { pod } = event.source
    const { stamp = '' } = event.line
    const key = stamp > (reached.get(pod) ?? '') ? stamp : (reached.get(pod) ?? '')
    reached.set(pod, key)
    if (key < latest) unmarked += event.late ? 0 : 1
    else latest = key
  }
  try {
    for await (const batch of followLogs(client, STUB_SELECTIONS, FOLLOW_ALL, abort.signal, clock, chance)) {
      batch.forEach(take)
      if (lines.length < limits.lines || abort.signal.aborted) continue
      clock.after(limits.quiet, () => abort.abort(enough))
    }
  } catch (error) {
    if (error !== enough) throw error
  } finally {
    cancel()
  }
  if (summary === undefined) throw new Error('the follow has given no ledger')
  return { lines, texts, unmarked, events, summary }
}
