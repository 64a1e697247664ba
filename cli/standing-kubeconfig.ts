import { kubeconfig } from '#core/kube/kubeconfig.ts'
import type { NamedKubeconfig } from '#core/kube/merge-kubeconfig.ts'
import { askBackgroundStarting, whenceOf } from './background.ts'
import { chooseInstallation } from './config.ts'
import type { Surroundings } from './deps.ts'
import { loadConfig } from './load-config.ts'
import { SHARED_IDLE } from './shared-cluster.ts'
import type { ClusterWay } from './supervisor/supervisor.ts'
import { tokenPlugin } from './token-plugin.ts'

/**
 * A kubeconfig that holds for good: the port of its tunnel is the same every time, and whoever asks its plugin for a
 * token finds the tunnel there. The tunnel is opened now, so that what keeps the cluster from being reached is told.
 * @throws PgctlError where there is no way to the cluster.
 */
export async function makeKubeconfig(
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<NamedKubeconfig> {
  const config = loadConfig(surroundings)
  const { name } = chooseInstallation(config)
  const way = await openStanding(surroundings, undefined, signal)
  const { server, host, ca, namespace } = way.access
  const { region, profile } = surroundings.flags
  const [command, ...words] = tokenPlugin({ installation: name, region, profile })
  return kubeconfig({
    ...{ name: `pgctl-${name}`, server, tlsServerName: host, ca, namespace },
    plugin: [command, ...words, '--tunnel', new URL(server).port],
    // Wherever the client is started, it is this file that describes the installation.
    environment: { PGCTL_CONFIG: config.installations.get(name)?.from ?? '' },
  }) as NamedKubeconfig
}

/** The tunnel of such a kubeconfig: it stays until it is stopped, and asleep it costs nothing. */
export async function openStanding(
  surroundings: Surroundings,
  port: number | undefined,
  signal: AbortSignal,
): Promise<Extract<ClusterWay, { isThere: true }>> {
  const wishes = { request: 'cluster', open: true, stays: true, idleMs: SHARED_IDLE, port }
  const request = { ...wishes, ...whenceOf(surroundings) }
  const way = await askBackgroundStarting<ClusterWay>(surroundings, { request, sameVersion: true, signal })
  if (!way.isThere) throw new TypeError('it was to be opened')
  return way
}
