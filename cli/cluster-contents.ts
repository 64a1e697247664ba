import type { Ms } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { type ClusterContents, readContents } from '#core/installation/cluster-contents.ts'
import type { Unreadable } from '#core/installation/inventory.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { KubeClient } from '#core/kube/client.ts'
import { listServices } from '#core/kube/lookups.ts'
import { openCluster } from './cluster-opening.ts'
import type { Deps } from './deps.ts'

/** A report does not wait longer for what only the cluster knows. */
const PATIENCE: Ms = 10_000

/** What the cluster runs, or why nobody knows. */
export interface ContentsReading {
  readonly contents: ClusterContents | undefined
  readonly unreadable: readonly Unreadable[]
}

/**
 * Asks the cluster for its Services, by a session of its own that ends with the answer. It never fails: what keeps
 * the cluster from being asked is part of the answer, as is a cluster that takes too long.
 */
export async function readClusterContents(deps: Deps, signal: AbortSignal): Promise<ContentsReading> {
  const tooLong = new AbortController()
  const cancel = systemClock.after(PATIENCE, () =>
    tooLong.abort(new PgctlError('timed-out', `no answer within ${PATIENCE / 1000} s`)),
  )
  try {
    const contents = await askCluster(deps, AbortSignal.any([signal, tooLong.signal]))
    return { contents, unreadable: [] }
  } catch (error) {
    signal.throwIfAborted()
    if (!isPgctlError(error)) throw error
    return { contents: undefined, unreadable: [{ part: 'services', action: 'list services', error }] }
  } finally {
    cancel()
  }
}

async function askCluster(deps: Deps, signal: AbortSignal): Promise<ClusterContents> {
  await using access = await openCluster(deps, {}, signal)
  await using client = new KubeClient(access)
  try {
    return readContents(await listServices(client, deps.namespace, signal), deps.profile)
  } catch (error) {
    throw access.explain(error)
  }
}
