import type { Bytes } from '#core/clock.ts'
import type { KubeClient } from '#core/kube/client.ts'
import { LineSplitter } from '#core/logs/line-splitter.ts'
import { joinSplitLine, SPLIT_FROM } from '#core/logs/split-line.ts'

/** A longer line keeps its beginning and says how much was left out. */
const LINE_LIMIT: Bytes = 1024 * 1024

/** One container of one pod. */
export interface ContainerAddress {
  readonly namespace: string
  readonly pod: string
  readonly container: string
}

/** Which part of a container's log; everything by default. */
export interface LogRange {
  /** Goes on with what is written from now on. */
  readonly follow?: boolean
  /** The run before the current one. */
  readonly previous?: boolean
  /** At most so many of the last lines. */
  readonly tail?: number | undefined
  /** A whole second, RFC 3339: lines stamped earlier are left out. */
  readonly sinceTime?: string | undefined
  /** Only the last seconds, by the clock of the container's node. */
  readonly sinceSeconds?: number | undefined
  /** At most so many of its first bytes. */
  readonly limitBytes?: Bytes
}

/**
 * Opens a container's log: bytes of lines, each with its stamp in front (`core/logs/line.ts`). Reading no further
 * holds the server back. While a followed container has written nothing, this does not even resolve.
 *
 * @throws KubeApiError 400 for a container that has not started (or has no previous run), 404 for a pod that is gone.
 */
export async function openLog(
  client: KubeClient,
  { namespace, pod, container }: ContainerAddress,
  range: LogRange,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const query = {
    container,
    timestamps: true,
    follow: range.follow || undefined,
    previous: range.previous || undefined,
    tailLines: range.tail,
    sinceTime: range.sinceTime,
    sinceSeconds: range.sinceSeconds,
    limitBytes: range.limitBytes,
  }
  return await client.open({ verb: 'get', resource: 'pods/log', namespace, name: pod, query }, signal)
}

/** Cuts the bytes of a log into lines, each with its stamp in front. */
export function logSplitter(): LineSplitter {
  return new LineSplitter(LINE_LIMIT, { from: SPLIT_FROM, mend: joinSplitLine })
}
