import { PgctlError } from '#core/errors.ts'
import type { KubeClient } from '#core/kube/client.ts'
import { listPods, listServices, readService } from '#core/kube/lookups.ts'
import type { ClusterService } from '#core/kube/services.ts'
import { nearest } from '#core/text/nearest.ts'
import type { ServiceStep } from '#core/tunnel/routes.ts'
import { chooseServicePod, chooseServicePort, type ServicePod } from '#core/tunnel/service-pod.ts'

const NAMES_SHOWN = 20

/**
 * Asks the cluster for a pod that takes the traffic of a Service; `avoided` is one that has just failed.
 * @throws PgctlError `service-unknown` with the nearest names, `target-unknown` for a port that it does not have,
 * `far-end-refused` when no pod is ready, and what the API refuses.
 */
export async function findServicePod(
  client: KubeClient,
  wanted: ServiceStep,
  avoided: string | undefined,
  signal?: AbortSignal,
): Promise<ServicePod> {
  const service = await readService(client, wanted.namespace, wanted.service, signal)
  if (service === undefined) throw await unknownService(client, wanted, signal)
  const port = chooseServicePort(service, wanted)
  const pods = hasPods(service)
    ? (await listPods(client, service.namespace, service.selector, signal)).pods
    : []
  return chooseServicePod(service, port, pods, avoided)
}

/** A Service without a selector leads elsewhere; with an empty one, every pod of the namespace would be listed. */
function hasPods(service: ClusterService): boolean {
  return Object.keys(service.selector).length > 0
}

async function unknownService(
  client: KubeClient,
  { namespace, service, port, portIsDefault }: ServiceStep,
  signal: AbortSignal | undefined,
): Promise<PgctlError> {
  const names = (await listServices(client, namespace, signal)).map(({ name }) => name)
  const near = nearest(service, names)
  return new PgctlError('service-unknown', `there is no Service ${service} in namespace ${namespace}`, {
    why: names.length === 0 ? 'the namespace has no Services' : `there are ${listed(names)}`,
    next:
      near.length > 0
        ? `try ${near.map((name) => `pgctl tunnel ${portIsDefault ? name : `${name}:${port}`}`).join(' or ')}`
        : 'name one that is there; another namespace is set by "namespace:" in the installation\'s entry',
  })
}

/** Not all of a large namespace. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown
}
