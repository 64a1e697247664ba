import * as z from 'zod'
import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { isPassing, KubeApiError } from '#core/kube/api-error.ts'
import type { KubeClient } from '#core/kube/client.ts'
import { formatSelector, listPods, type PodSelector } from '#core/kube/lookups.ts'
import { type ClusterPod, podSchema } from '#core/kube/pods.ts'
import { LineSplitter } from '#core/logs/line-splitter.ts'
import { backoff, type RetryPolicy } from '#core/retry.ts'

/** What happens to the pods of a selector. */
export type PodChange =
  /** All pods as they are now: at the start, and whenever changes were missed. */
  | { readonly kind: 'all'; readonly pods: readonly ClusterPod[] }
  | { readonly kind: 'set'; readonly pod: ClusterPod }
  | { readonly kind: 'deleted'; readonly pod: ClusterPod }
  /** The cluster could not be asked; other tries follow by themselves until one succeeds. */
  | { readonly kind: 'interrupted'; readonly why: string }

/** How long the server may keep one watch; shorter than the idle limits of proxies and load balancers. */
const WATCH_SECONDS = 240
/** A watch that has not ended by itself after this has died on the way. */
const WATCH_LIMIT: Ms = (WATCH_SECONDS + 30) * 1_000
/** A pod's document; the cluster's own limit for an object is 1.5 MiB. */
const EVENT_LIMIT = 4 * 1024 * 1024
const AGAIN: RetryPolicy = { attempts: Number.POSITIVE_INFINITY, base: 250, cap: 15_000 }

const bookmarkSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }) })
const eventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.enum(['ADDED', 'MODIFIED', 'DELETED']),
    object: z.intersection(podSchema, bookmarkSchema),
  }),
  z.object({ type: z.literal('BOOKMARK'), object: bookmarkSchema }),
  z.object({
    type: z.literal('ERROR'),
    object: z.object({ code: z.number().optional(), message: z.string().optional() }),
  }),
])

/**
 * The pods of a selector, for as long as the reader goes on: everything once, then every change. Watches that end,
 * break or fall too far behind (410) are taken up again, and no change is missed. Throws when the first list fails,
 * and later when the cluster refuses for good (permission, identity).
 */
export async function* watchPods(
  client: KubeClient,
  namespace: string,
  selector: PodSelector,
  clock: Clock,
  chance: () => number,
  signal: AbortSignal,
): AsyncGenerator<PodChange> {
  let version: string | undefined
  let started = false
  let failures = 0
  for (;;) {
    try {
      if (version === undefined) {
        const list = await listPods(client, namespace, selector, signal)
        version = list.version
        started = true
        yield { kind: 'all', pods: list.pods }
      }
      for await (const event of openWatch(client, { namespace, selector, version }, clock, signal)) {
        failures = 0
        if (event.type === 'ERROR') throw expiredOr(event.object)
        version = event.object.metadata.resourceVersion
        if (event.type === 'DELETED') yield { kind: 'deleted', pod: event.object }
        else if (event.type !== 'BOOKMARK') yield { kind: 'set', pod: event.object }
      }
      // A server that ends every watch at once must not be asked without a pause.
      failures += 1
      if (failures > 1) await sleep(clock, backoff(AGAIN, failures, chance()), signal)
    } catch (error) {
      signal.throwIfAborted()
      const expired = error === EXPIRED || (error instanceof KubeApiError && error.status === 410)
      if (expired) version = undefined
      else if (!started || !isPassing(error)) throw error
      else if (failures === 0) yield { kind: 'interrupted', why: messageOf(error) }
      failures += 1
      await sleep(clock, backoff(AGAIN, failures, chance()), signal)
    }
  }
}

const EXPIRED = new PgctlError(
  'failed',
  'the cluster has forgotten the changes since the last one that was seen',
)

function expiredOr({
  code,
  message,
}: {
  code?: number | undefined
  message?: string | undefined
}): PgctlError {
  if (code === 410) return EXPIRED
  return new PgctlError('cluster-unreachable', 'the cluster ended the watch of its pods', { why: message })
}

interface WatchStart {
  readonly namespace: string
  readonly selector: PodSelector
  readonly version: string
}

type WatchEvent = z.infer<typeof eventSchema>

async function* openWatch(
  client: KubeClient,
  { namespace, selector, version }: WatchStart,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const limit = new AbortController()
  const cancelLimit = clock.after(WATCH_LIMIT, () =>
    limit.abort(new PgctlError('timed-out', 'the watch of pods has died')),
  )
  try {
    const query = {
      watch: true,
      resourceVersion: version,
      allowWatchBookmarks: true,
      timeoutSeconds: WATCH_SECONDS,
      labelSelector: formatSelector(selector) || undefined,
    }
    const merged = AbortSignal.any([signal, limit.signal])
    const stream = await client.open({ verb: 'watch', resource: 'pods', namespace, query }, merged)
    const splitter = new LineSplitter(EVENT_LIMIT)
    for await (const chunk of stream) for (const line of splitter.push(chunk)) yield parseEvent(client, line)
  } finally {
    cancelLimit()
  }
}

function parseEvent(client: KubeClient, line: string): WatchEvent {
  try {
    return eventSchema.parse(JSON.parse(line))
  } catch (error) {
    throw new PgctlError(
      'protocol-violation',
      `cannot understand a change of the pods of ${client.cluster}`,
      {
        why: messageOf(error),
        cause: error,
      },
    )
  }
}
