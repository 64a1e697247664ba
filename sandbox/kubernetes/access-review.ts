/** `selfsubjectaccessreviews`: whether the caller may do something, by the same rules as when they do it. */

import type { IncomingMessage } from 'node:http'
import { bodyOf, bytesOf } from './patch.ts'
import { decodeAccessReview, PROTOBUF } from './protobuf.ts'
import type { Attributes } from './request-info.ts'
import { badRequest } from './status.ts'

export function isAccessReview({ group, version, resource, verb }: Attributes): boolean {
  return (
    group === 'authorization.k8s.io' &&
    version === 'v1' &&
    resource === 'selfsubjectaccessreviews' &&
    verb === 'create'
  )
}

/** The review with its verdict; `judge` says whether, or why not. */
export async function reviewAccess(
  request: IncomingMessage,
  judge: (asked: Attributes) => boolean | string,
): Promise<object> {
  const review = await reviewIn(request)
  const attributes = Object(Object(review['spec'])['resourceAttributes']) as Record<string, unknown>
  const { verb, resource, group = '', namespace, name, subresource } = attributes
  if (typeof verb !== 'string' || typeof resource !== 'string')
    throw badRequest('spec.resourceAttributes: Invalid value: null: must set verb and resource')
  const verdict = judge({
    path: '',
    verb,
    group: String(group),
    version: 'v1',
    resource,
    ...(typeof namespace === 'string' && { namespace }),
    ...(typeof name === 'string' && { name }),
    ...(typeof subresource === 'string' && subresource !== '' && { subresource }),
  })
  return {
    ...review,
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    status: { allowed: verdict === true, ...(typeof verdict === 'string' && { reason: verdict }) },
  }
}

async function reviewIn(request: IncomingMessage): Promise<Record<string, unknown>> {
  if (request.headers['content-type'] !== PROTOBUF) return await bodyOf(request)
  const review = decodeAccessReview(await bytesOf(request))
  if (review === undefined) throw badRequest('the body of the request is no SelfSubjectAccessReview')
  return review
}
