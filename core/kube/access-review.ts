import * as z from 'zod'
import type { KubeClient } from '#core/kube/client.ts'
import type { ClusterRight } from '#core/kube/rights.ts'

const reviewSchema = z.object({
  status: z.object({ allowed: z.boolean(), reason: z.string().nullish() }),
})

/** What the API says of one right of the caller. */
export interface RightVerdict {
  readonly right: ClusterRight
  readonly allowed: boolean
  /** In the words of the cluster, where it gives any. */
  readonly reason: string | undefined
}

/** Asks the API which of these rights the caller has in `namespace`; nothing is done with any of them. */
export function reviewRights(
  client: KubeClient,
  rights: readonly ClusterRight[],
  namespace: string,
  signal?: AbortSignal,
): Promise<RightVerdict[]> {
  return Promise.all(rights.map((right) => review(client, right, namespace, signal)))
}

async function review(
  client: KubeClient,
  right: ClusterRight,
  namespace: string,
  signal: AbortSignal | undefined,
): Promise<RightVerdict> {
  const [resource, subresource] = right.resource.split('/')
  const { verb, group } = right
  const attributes = { namespace, verb, group, resource, ...(subresource && { subresource }) }
  const { status } = await client.create(
    {
      verb: 'create',
      group: 'authorization.k8s.io',
      resource: 'selfsubjectaccessreviews',
      namespace: undefined,
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: attributes },
      },
    },
    reviewSchema,
    signal,
  )
  return { right, allowed: status.allowed, reason: status.reason || undefined }
}
