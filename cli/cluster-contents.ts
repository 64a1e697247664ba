import type { Ms } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { type ClusterContents, readContents } from '#core/installation/cluster-contents.ts'
import type { Unreadable } from '#core/installation/inventory.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { KubeClient } from '#core/kube/client.ts'
import { listServices } from '#core/kube/lookups.ts'
import { openCluster } from './cluster-opening.ts'
import type { Deps } from './deps.ts'

/** How much longer than for everything else a report waits for what only the cluster knows. */
const PATIENCE: Ms = 10_000

/** What the cluster runs, or why nobody knows. */
export interface ContentsReading {
  readonly contents: ClusterContents | undefined
  readonly unreadable: readonly Unreadable[]
}

/**
 * Asks the cluster for its Services, by a session of its own that ends with the answer. It never fails: what keeps
 * the cluster from being asked is part of the answer, as is a cluster that takes longer than the `rest` of a report
 * by more than one would wait for it.
 */
export async function readClusterContents(
  deps: Deps,
  rest: Promise<unknown>,
  signal: AbortSignal,
): Promise<ContentsReading> {
  using patience = patienceAfter(rest)
  try {
    const contents = await askCluster(deps, AbortSignal.any([signal, patience.signal]))
    return { contents, unreadable: [] }
  } catch (error) {
    signal.throwIfAborted()
    if (!isPgctlError(error)) throw error
    return { contents: undefined, unreadable: [{ part: 'services', action: 'list services', error }] }
  }
}

/** A signal that aborts so long after `rest` has come, or as soon as that fails. */
function patienceAfter(rest: Promise<unknown>): Disposable & { readonly signal: AbortSignal } {
  const end = new AbortController()
  let cancel: (() => void) | undefined
  const stop = () =>
    end.abort(new PgctlError('timed-out', `no answer ${PATIENCE / 1000} s after everything else`))
  rest.then(() => {
    cancel ??= systemClock.after(PATIENCE, stop)
  }, stop)
  return {
    signal: end.signal,
    [Symbol.dispose]() {
      cancel?.()
      cancel = () => {}
    },
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
