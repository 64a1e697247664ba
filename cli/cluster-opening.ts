import { systemClock } from '#core/io/system-clock.ts'
import { openClusterAccess, type TunnelledAccess } from '#core/tunnel/cluster-access.ts'
import type { DialerEvent } from '#core/tunnel/dialer.ts'
import { listenLocally } from '#core/tunnel/io/listener.ts'
import { NO_DATASTORES, resolveTarget } from '#core/tunnel/resolve-target.ts'
import { chooseRoute } from '#core/tunnel/routes.ts'
import { startingFrom } from './bastion-itself.ts'
import type { Deps } from './deps.ts'
import { allInOrder } from './in-order.ts'

export interface ClusterWishes {
  readonly reason?: string | undefined
  /** What happens on the way: the session, its losses and returns. */
  readonly onEvent?: ((event: DialerEvent) => void) | undefined
}

/**
 * Opens the way to the installation's Kubernetes API: a session on the bastion, and a private port in front of it.
 * Disposal ends the session.
 * @throws PgctlError when there is no bastion or no cluster, or the session cannot be opened.
 */
export async function openCluster(
  deps: Deps,
  wishes: ClusterWishes,
  signal: AbortSignal,
): Promise<TunnelledAccess> {
  const [{ bastion, start }, cluster] = await allInOrder([
    startingFrom(deps, signal),
    deps.clusterCredentials.endpoint(signal),
  ])
  const target = resolveTarget(
    { kind: 'name', name: 'cluster' },
    { ...deps.profile, datastores: NO_DATASTORES },
  )
  const plan = chooseRoute(target, { bastion, cluster, namespace: deps.namespace }, undefined)
  const { instance, document, parameters } = plan
  await using opened = new AsyncDisposableStack()
  const dialer = opened.use(
    await start({ target: instance, document, parameters, reason: wishes.reason }, signal),
  )
  if (wishes.onEvent !== undefined) dialer.events.subscribe(wishes.onEvent)
  const tools = { listen: listenLocally, clock: systemClock }
  const access = opened.use(await openClusterAccess(dialer, deps.clusterCredentials, tools, signal))
  const way = opened.move()
  return { ...access, [Symbol.asyncDispose]: () => way.disposeAsync() }
}
