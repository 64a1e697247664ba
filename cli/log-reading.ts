import { PgctlError } from '#core/errors.ts'
import { SpillFile } from '#core/io/spill-file.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { KubeClient } from '#core/kube/client.ts'
import { bufferLogs } from '#core/kube/log-buffer.ts'
import { type FollowOptions, followLogs } from '#core/kube/log-follower.ts'
import { type LogWish, type Refusal, selectLogs } from '#core/kube/log-selection.ts'
import type { LogEvent } from '#core/logs/events.ts'
import type { DialerEvent } from '#core/tunnel/dialer.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { describeDialerEvent } from '#core/tunnel/happenings.ts'
import { openCluster } from './cluster-opening.ts'
import type { Deps } from './deps.ts'

export interface LogRequest {
  /** Whose logs; the namespace is the installation's where none is named. */
  readonly wish: Partial<LogWish> & Pick<LogWish, 'services'>
  readonly options: FollowOptions
  readonly reason?: string | undefined
  /** Where a follow may leave what its reader is too slow for. */
  readonly spillFolder: string
}

/** Who is told what comes, and what happens to the way there. */
export interface LogReader {
  /** Waited for, so that a slow reader slows the cluster down. */
  take(batch: readonly LogEvent[]): Promise<void>
  onWay(event: TunnelEvent): void
}

/**
 * Reads logs of services through a session of its own.
 * @throws PgctlError of whatever fails for good; the way's own error where the way is at fault.
 */
export async function readLogs(
  deps: Deps,
  request: LogRequest,
  reader: LogReader,
  signal: AbortSignal,
): Promise<void> {
  const wayEnded = new AbortController()
  const onEvent = (event: DialerEvent) => {
    // A follow would knock at a closed door for ever.
    if (event.event === 'ended') wayEnded.abort(event.error)
    else reader.onWay({ target: 'cluster', ...describeDialerEvent(event, systemClock.now()) })
  }
  await using access = await openCluster(deps, { reason: request.reason, onEvent }, signal)
  await using client = new KubeClient(access)
  const merged = AbortSignal.any([signal, wayEnded.signal])
  try {
    const wish = { namespaces: [deps.namespace], ...request.wish }
    const { selections, refused } = await selectLogs(client, deps.profile, wish, merged)
    if (refused.length > 0) await reader.take(refused.map(refusedEvent))
    const open = (ending: AbortSignal) =>
      followLogs(client, selections, request.options, AbortSignal.any([merged, ending]))
    const openSpill = () => SpillFile.open(request.spillFolder)
    // What is there already waits for a slow reader by itself; what is written meanwhile may be rotated away.
    const batches = request.options.follow ? bufferLogs(open, openSpill, signal) : open(merged)
    for await (const batch of batches) await reader.take(batch)
    // Whoever has named a namespace has not seen what they asked for.
    if (wish.namespaces !== 'all' && refused[0] !== undefined) throw refused[0].error
  } catch (error) {
    throw error instanceof PgctlError ? access.explain(error) : error
  }
}

function refusedEvent({ namespace, error }: Refusal): LogEvent {
  return { event: 'refused', namespace, why: error.message }
}
