import type { KubeClient } from '#core/kube/client.ts'
import { listPods, listServices, readService } from '#core/kube/lookups.ts'
import type { ClusterService } from '#core/kube/services.ts'
import type { ServiceStep } from '#core/tunnel/routes.ts'
import {
  chooseServicePod,
  chooseServicePort,
  type ServicePod,
  serviceUnknown,
} from '#core/tunnel/service-pod.ts'

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
  if (service === undefined)
    throw serviceUnknown(wanted, await listServices(client, wanted.namespace, signal))
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
