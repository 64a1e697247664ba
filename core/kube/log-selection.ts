import { PgctlError } from '#core/errors.ts'
import type { ProductProfile } from '#core/installation/profile.ts'
import type { KubeClient } from '#core/kube/client.ts'
import { listPods, listServices, type PodSelector, readService } from '#core/kube/lookups.ts'
import { nearest } from '#core/text/nearest.ts'

/** The pods whose logs are those of a service. */
export interface LogSelection {
  readonly service: string
  readonly selector: PodSelector
}

/** Where names are looked up. */
export interface NameSpace {
  readonly namespace: string
  readonly profile: Pick<ProductProfile, 'labels' | 'services' | 'monitors'>
}

/**
 * Finds the pods of services by name: by the Service of that name, or, for what has none (workers often), by the
 * product's label.
 *
 * @throws PgctlError `service-unknown` with the nearest names.
 */
export async function selectLogs(
  client: KubeClient,
  place: NameSpace,
  names: readonly string[],
  signal: AbortSignal,
): Promise<LogSelection[]> {
  const unique = [...new Set(names)]
  return await Promise.all(unique.map((name) => selectOne(client, place, name, signal)))
}

async function selectOne(
  client: KubeClient,
  place: NameSpace,
  name: string,
  signal: AbortSignal,
): Promise<LogSelection> {
  // A name that no object can bear is not worth a request, and is no selector either.
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
    throw await unknownService(client, place, name, signal)
  const service = await readService(client, place.namespace, name, signal)
  if (service !== undefined && Object.keys(service.selector).length > 0)
    return { service: name, selector: service.selector }
  const selector = { [place.profile.labels.service]: name }
  const { pods } = await listPods(client, place.namespace, selector, signal)
  if (pods.length > 0) return { service: name, selector }
  throw await unknownService(client, place, name, signal)
}

async function unknownService(
  client: KubeClient,
  { namespace, profile }: NameSpace,
  name: string,
  signal: AbortSignal,
): Promise<PgctlError> {
  const inCluster = (await listServices(client, namespace, signal)).map((service) => service.name)
  const close = nearest(name, inCluster)
  const monitors = Object.keys(profile.monitors)
  if (monitors.includes(name) && !monitors.some((monitor) => inCluster.includes(monitor)))
    return new PgctlError('service-unknown', `this installation is unmanaged: it has no ${name}`, {
      why: `namespace ${namespace} has none of the product's monitors; there are ${inCluster.length === 0 ? 'no services at all' : inCluster.join(', ')}`,
      next: 'name one that is there; another namespace is set by "namespace:" in the installation\'s entry',
    })
  const known = Object.hasOwn(profile.services, name) || monitors.includes(name)
  return new PgctlError(
    'service-unknown',
    `no service is called ${JSON.stringify(name)} in namespace ${namespace}`,
    {
      why: `${known ? 'the product knows it, and this installation does not run it: ' : ''}there are ${inCluster.length === 0 ? 'no services at all' : inCluster.join(', ')}`,
      next:
        close.length > 0
          ? `did you mean pgctl logs ${close[0]}?`
          : 'name one that is there; another namespace is set by "namespace:" in the installation\'s entry',
    },
  )
}
