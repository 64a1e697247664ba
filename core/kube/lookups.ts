import * as z from 'zod'
import { PgctlError } from '#core/errors.ts'
import { KubeApiError } from '#core/kube/api-error.ts'
import type { ApiRequest, KubeClient } from '#core/kube/client.ts'
import { type ClusterPod, podSchema } from '#core/kube/pods.ts'
import { type ClusterService, serviceSchema } from '#core/kube/services.ts'

/** Labels that pods must bear, all of them; or a selector as the API takes it, empty for all pods. */
export type PodSelector = Readonly<Record<string, string>> | string

/** A list, and the moment of the cluster's history that it shows; a watch goes on from there. */
export interface PodList {
  readonly pods: readonly ClusterPod[]
  readonly version: string
}

const PAGE = 500

const namespaceSchema = z
  .object({ metadata: z.object({ name: z.string() }) })
  .transform(({ metadata }) => metadata.name)

/** All Services of a namespace, by name. */
export async function listServices(
  client: KubeClient,
  namespace: string,
  signal?: AbortSignal,
): Promise<ClusterService[]> {
  const { items } = await listAll(
    client,
    { verb: 'list', resource: 'services', namespace },
    serviceSchema,
    signal,
  )
  return items
}

/** One Service, or undefined when there is none of that name. */
export async function readService(
  client: KubeClient,
  namespace: string,
  name: string,
  signal?: AbortSignal,
): Promise<ClusterService | undefined> {
  const request: ApiRequest = { verb: 'get', resource: 'services', namespace, name }
  return await orNone(client.read(request, serviceSchema, signal))
}

/** The names of all namespaces. */
export async function listNamespaces(client: KubeClient, signal?: AbortSignal): Promise<string[]> {
  const request: ApiRequest = { verb: 'list', resource: 'namespaces', namespace: undefined }
  const { items } = await listAll(client, request, namespaceSchema, signal)
  return items
}

/** All pods with the labels of `selector`, by name. */
export async function listPods(
  client: KubeClient,
  namespace: string,
  selector: PodSelector,
  signal?: AbortSignal,
): Promise<PodList> {
  const query = { labelSelector: formatSelector(selector) || undefined }
  const request: ApiRequest = { verb: 'list', resource: 'pods', namespace, query }
  const { items, version } = await listAll(client, request, podSchema, signal)
  return { pods: items, version }
}

/** One pod, or undefined when there is none of that name. */
export async function readPod(
  client: KubeClient,
  namespace: string,
  name: string,
  signal?: AbortSignal,
): Promise<ClusterPod | undefined> {
  const request: ApiRequest = { verb: 'get', resource: 'pods', namespace, name }
  return await orNone(client.read(request, podSchema, signal))
}

/** The pods behind a Service that take traffic; empty for a Service without a selector. */
export async function readyPods(
  client: KubeClient,
  service: ClusterService,
  signal?: AbortSignal,
): Promise<ClusterPod[]> {
  if (Object.keys(service.selector).length === 0) return []
  const { pods } = await listPods(client, service.namespace, service.selector, signal)
  return pods.filter((pod) => pod.ready)
}

/** A selector as the API takes it: `key=value,…`. */
export function formatSelector(selector: PodSelector): string {
  if (typeof selector === 'string') return selector
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

async function listAll<T>(
  client: KubeClient,
  request: ApiRequest,
  itemSchema: z.ZodType<T>,
  signal: AbortSignal | undefined,
): Promise<{ items: T[]; version: string }> {
  const schema = z.object({
    metadata: z.object({ resourceVersion: z.string().default(''), continue: z.string().optional() }),
    items: z.array(itemSchema).nullish(),
  })
  let items: T[] = []
  let next: string | undefined
  for (;;) {
    const query = { ...request.query, limit: PAGE, continue: next }
    const page = await orExpired(client.read({ ...request, query }, schema, signal), next)
    if (page === 'expired') {
      items = []
      next = undefined
      continue
    }
    items.push(...(page.items ?? []))
    const previous = next
    next = page.metadata.continue || undefined
    if (next === undefined) return { items, version: page.metadata.resourceVersion }
    if (next === previous)
      throw new PgctlError(
        'protocol-violation',
        `the list of ${request.resource} of ${client.cluster} does not end`,
        {
          why: 'a page points to itself as the next one',
        },
      )
  }
}

/** The cluster has forgotten the moment that the pages so far showed: the list begins again. */
async function orExpired<T>(answer: Promise<T>, page: string | undefined): Promise<T | 'expired'> {
  try {
    return await answer
  } catch (error) {
    if (page !== undefined && error instanceof KubeApiError && error.status === 410) return 'expired'
    throw error
  }
}

async function orNone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof KubeApiError && error.status === 404) return undefined
    throw error
  }
}
