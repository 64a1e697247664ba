import * as z from 'zod'
import { KubeApiError } from '#core/kube/api-error.ts'
import type { KubeClient } from '#core/kube/client.ts'

/** One entry of a ConfigMap, where a product keeps a setting of its own. */
export interface SettingPlace {
  readonly configMap: string
  readonly key: string
}

export interface Setting {
  /** Undefined where the ConfigMap has no such entry. */
  readonly value: string | undefined
  /** Of the ConfigMap: a change names it, so that it undoes nobody else's. */
  readonly version: string
}

const configMapSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).optional(),
})

/** The setting as it is; undefined where there is no such ConfigMap. */
export async function readSetting(
  client: KubeClient,
  namespace: string,
  { configMap: name, key }: SettingPlace,
  signal?: AbortSignal,
): Promise<Setting | undefined> {
  try {
    const request = { verb: 'get', resource: 'configmaps', namespace, name } as const
    const { metadata, data } = await client.read(request, configMapSchema, signal)
    return { value: data?.[key], version: metadata.resourceVersion }
  } catch (error) {
    if (error instanceof KubeApiError && error.status === 404) return undefined
    throw error
  }
}

/** Changes that one entry and nothing else. @throws PgctlError `state-conflict` where the ConfigMap has changed meanwhile. */
export async function writeSetting(
  client: KubeClient,
  namespace: string,
  { configMap: name, key }: SettingPlace,
  change: { readonly value: string; readonly version: string },
  signal?: AbortSignal,
): Promise<void> {
  const patch = { metadata: { resourceVersion: change.version }, data: { [key]: change.value } }
  const request = { verb: 'patch', resource: 'configmaps', namespace, name, patch } as const
  await client.change(request, configMapSchema, signal)
}
