/** `patch`: a JSON merge patch (RFC 7396) of one object, refused where it names a version that is not the present one. */

import type { IncomingMessage } from 'node:http'
import { getObject } from './collections.ts'
import type { Collection } from './discovery.ts'
import type { ObjectStore } from './object-store.ts'
import type { Draft, KubeObject } from './objects.ts'
import type { Attributes } from './request-info.ts'
import { badRequest, modifiedMeanwhile, unsupportedMediaType } from './status.ts'

const MERGE_PATCH = 'application/merge-patch+json'
const LONGEST = 1024 * 1024

export async function patchObject(
  store: ObjectStore,
  collection: Collection,
  asked: Attributes,
  request: IncomingMessage,
): Promise<KubeObject> {
  const type = request.headers['content-type'] ?? ''
  if (type.split(';')[0] !== MERGE_PATCH) throw unsupportedMediaType(type)
  const patch = await bodyOf(request)
  const before = getObject(store, collection, asked)
  const wanted = Object(patch['metadata'])['resourceVersion']
  if (wanted !== undefined && wanted !== before.metadata.resourceVersion)
    throw modifiedMeanwhile(asked.resource ?? '', asked.name ?? '')
  return store.put(collection.key, merged(before, patch) as unknown as Draft)
}

/** The JSON object that a request brings. */
export async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const body = await bytesOf(request)
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Told below, as for JSON that is no object.
  }
  throw badRequest('error decoding patch: it is no JSON object')
}

export async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > LONGEST) throw badRequest('the patch is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target)
  const result: Record<string, unknown> = isObject ? { ...target } : {}
  for (const [name, value] of Object.entries(patch))
    if (value === null) delete result[name]
    else result[name] = merged(result[name], value)
  return result
}
