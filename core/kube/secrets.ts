import { gunzipSync } from 'node:zlib'
import * as z from 'zod'
import type { Bytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { KubeApiError } from '#core/kube/api-error.ts'
import type { ApiRequest, KubeClient } from '#core/kube/client.ts'

/** Secrets of the cluster, and the releases that Helm keeps in some. Secret: the values themselves. */

const secretSchema = z.object({
  metadata: z.object({ name: z.string() }),
  data: z.record(z.string(), z.string()).nullish(),
})
const listSchema = z.object({ items: z.array(secretSchema).nullish() })

/** What Helm writes of a release, as far as it matters here. */
const releaseSchema = z.object({
  name: z.string(),
  version: z.int(),
  config: z.record(z.string(), z.unknown()).nullish(),
  chart: z.object({ metadata: z.object({ name: z.string(), version: z.string() }) }),
})

export interface HelmRelease {
  readonly name: string
  /** Name and version: `paragon-on-prem-2026.11.3`. */
  readonly chart: string
  readonly revision: number
  /** What was given to the chart beside its own defaults. */
  readonly values: unknown
}

/** A release is kept in a Secret, which is a megabyte at most; unpacked it is larger. */
const MOST_UNPACKED: Bytes = 64 * 1024 * 1024

/** The entries of a Secret, or undefined where there is none of that name. */
export async function readSecret(
  client: KubeClient,
  namespace: string,
  name: string,
  signal?: AbortSignal,
): Promise<Map<string, Uint8Array> | undefined> {
  const request: ApiRequest = { verb: 'get', resource: 'secrets', namespace, name }
  try {
    const { data } = await client.read(request, secretSchema, signal)
    return new Map(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]))
  } catch (error) {
    if (error instanceof KubeApiError && error.status === 404) return undefined
    throw error
  }
}

/** The release that is deployed under a name, or undefined where none is. */
export async function readRelease(
  client: KubeClient,
  namespace: string,
  name: string,
  signal?: AbortSignal,
): Promise<HelmRelease | undefined> {
  const query = { labelSelector: `owner=helm,name=${name},status=deployed` }
  const request: ApiRequest = { verb: 'list', resource: 'secrets', namespace, query }
  const { items } = await client.read(request, listSchema, signal)
  const releases = (items ?? []).flatMap(({ data }) =>
    data?.['release'] === undefined ? [] : [unpackRelease(name, data['release'])],
  )
  return releases.sort((a, b) => b.revision - a.revision)[0]
}

/** Base64 by the API, in it base64 by Helm, in it JSON packed by gzip. */
function unpackRelease(name: string, data: string): HelmRelease {
  try {
    const packed = Buffer.from(Buffer.from(data, 'base64').toString('latin1'), 'base64')
    const text = gunzipSync(packed, { maxOutputLength: MOST_UNPACKED }).toString('utf8')
    const { version, config, chart } = releaseSchema.parse(JSON.parse(text))
    const { metadata } = chart
    return { name, chart: `${metadata.name}-${metadata.version}`, revision: version, values: config ?? {} }
  } catch {
    // What went wrong would quote what is secret.
    throw new PgctlError('protocol-violation', `cannot understand what Helm has kept of the release ${name}`)
  }
}
