import { PgctlError } from '#core/errors.ts'
import type { ProductProfile } from '#core/installation/profile.ts'
import { KubeApiError } from '#core/kube/api-error.ts'
import type { KubeClient } from '#core/kube/client.ts'
import { formatSelector, listNamespaces, listPods, listServices, readService } from '#core/kube/lookups.ts'
import { nearest } from '#core/text/nearest.ts'

/** The pods whose logs are those of a service, or of a selector. */
export interface LogSelection {
  /** What they are called: the service's name, or the selector. */
  readonly service: string
  /** A label that tells the service of each pod; undefined where all are of `service`. */
  readonly serviceLabel?: string | undefined
  readonly namespace: string
  /** As the API takes it. */
  readonly selector: string
}

/** Whose logs are wanted. */
export interface LogWish {
  /** Names of services; all pods of the namespaces that the selector selects when there are none. */
  readonly services: readonly string[]
  /** Labels that pods must bear besides. */
  readonly selector?: string | undefined
  /** Where to look; `all` are those that the caller may list. */
  readonly namespaces: readonly string[] | 'all'
}

export interface FoundLogs {
  readonly selections: readonly LogSelection[]
  /** Why some namespaces cannot be looked into; when there are none that can, this is thrown. */
  readonly refused: readonly Refusal[]
}

export interface Refusal {
  readonly namespace: string
  readonly error: KubeApiError
}

type Names = Pick<ProductProfile, 'labels' | 'services' | 'monitors'>

/**
 * Finds the pods of services by name: by the Service of that name, or, for what has none (workers often), by the
 * product's label.
 *
 * @throws PgctlError `service-unknown` with the nearest names, for a name that is in none of the namespaces.
 */
export async function selectLogs(
  client: KubeClient,
  profile: Names,
  wish: LogWish,
  signal: AbortSignal,
): Promise<FoundLogs> {
  const namespaces =
    wish.namespaces === 'all' ? await listNamespaces(client, signal) : [...new Set(wish.namespaces)]
  const answers = await Promise.all(
    namespaces.map((namespace) =>
      orRefusal(namespace, selectIn({ client, profile, namespace }, wish, signal)),
    ),
  )
  const refused = answers.filter((answer) => 'error' in answer)
  const selections = answers.flatMap((answer) => ('error' in answer ? [] : answer.selections))
  const open = namespaces.filter((namespace) => !refused.some((refusal) => refusal.namespace === namespace))
  if (open.length === 0 && refused[0] !== undefined) throw refused[0].error
  for (const name of wish.services)
    if (!selections.some(({ service }) => service === name))
      throw await unknownService(client, profile, { name, namespaces: open }, signal)
  return { selections, refused }
}

interface Place {
  readonly client: KubeClient
  readonly profile: Names
  readonly namespace: string
}

async function selectIn(
  place: Place,
  { services, selector }: LogWish,
  signal: AbortSignal,
): Promise<{ selections: LogSelection[] }> {
  const { client, profile, namespace } = place
  if (services.length === 0) {
    const wanted = selector ?? ''
    // Asked at once, so that a missing right shows before anything is read.
    await listPods(client, namespace, wanted, signal)
    return {
      selections: [{ service: wanted, serviceLabel: profile.labels.service, namespace, selector: wanted }],
    }
  }
  const unique = [...new Set(services)]
  const found = await Promise.all(unique.map((name) => selectorOf(place, name, signal)))
  const selections = found.flatMap((own, at) => {
    if (own === undefined) return []
    const both = selector === undefined ? own : `${own},${selector}`
    return [{ service: unique[at] as string, namespace, selector: both }]
  })
  return { selections }
}

async function selectorOf(
  { client, profile, namespace }: Place,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  // A name that no object can bear is not worth a request, and is no selector either.
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return undefined
  const service = await readService(client, namespace, name, signal)
  if (service !== undefined && Object.keys(service.selector).length > 0)
    return formatSelector(service.selector)
  const selector = formatSelector({ [profile.labels.service]: name })
  const { pods } = await listPods(client, namespace, selector, signal)
  return pods.length > 0 ? selector : undefined
}

async function orRefusal<T>(namespace: string, answer: Promise<T>): Promise<T | Refusal> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof KubeApiError && error.status === 403) return { namespace, error }
    throw error
  }
}

async function unknownService(
  client: KubeClient,
  profile: Names,
  { name, namespaces }: { readonly name: string; readonly namespaces: readonly string[] },
  signal: AbortSignal,
): Promise<PgctlError> {
  const lists = await Promise.all(namespaces.map((namespace) => listServices(client, namespace, signal)))
  const inCluster = [...new Set(lists.flat().map((service) => service.name))]
  const close = nearest(name, inCluster)
  const where = `${namespaces.length === 1 ? 'namespace' : 'namespaces'} ${namespaces.join(', ')}`
  const there = inCluster.length === 0 ? 'no services at all' : inCluster.join(', ')
  const monitors = Object.keys(profile.monitors)
  if (monitors.includes(name) && !monitors.some((monitor) => inCluster.includes(monitor)))
    return new PgctlError('service-unknown', `this installation is unmanaged: it has no ${name}`, {
      why: `there are none of the product's monitors in ${where}; there are ${there}`,
      next: 'name one that is there, or another namespace: --namespace, or "namespace:" in the installation\'s entry',
    })
  const known = Object.hasOwn(profile.services, name) || monitors.includes(name)
  return new PgctlError('service-unknown', `no service is called ${JSON.stringify(name)} in ${where}`, {
    why: `${known ? 'the product knows it, and this installation does not run it: ' : ''}there are ${there}`,
    next:
      close.length > 0
        ? `did you mean pgctl logs ${close[0]}?`
        : 'name one that is there, or another namespace: --namespace, or "namespace:" in the installation\'s entry',
  })
}
