import { isPgctlError, PgctlError } from '#core/errors.ts'
import { KubeClient } from '#core/kube/client.ts'
import { readSetting, type Setting, type SettingPlace, writeSetting } from '#core/kube/settings.ts'
import { openCluster } from './cluster-opening.ts'
import { type Deps, type Surroundings, wireInstallation } from './deps.ts'

/** The product's own switch of its reports of use: an entry of a ConfigMap in the installation's cluster. */

/** How it stands; `unread` where the cluster could not be asked. */
export type ProductSwitch =
  | { readonly kind: 'on' | 'off'; readonly place: string }
  /** It holds something else, or nothing; what the product makes of that is the product's matter. */
  | { readonly kind: 'unclear'; readonly place: string; readonly value: string | undefined }
  | { readonly kind: 'unread'; readonly error: PgctlError }

interface Place extends SettingPlace {
  readonly on: string
  readonly off: string
}

export async function productSwitch(surroundings: Surroundings, signal: AbortSignal): Promise<ProductSwitch> {
  try {
    return await withSetting(surroundings, signal, async ({ setting, place, words }) =>
      stateOf(setting, place, words),
    )
  } catch (error) {
    if (!isPgctlError(error) || error.code === 'interrupted') throw error
    return { kind: 'unread', error }
  }
}

/** Turns it, unless it stands so already. @throws PgctlError where it cannot be read or changed. */
export function turnProductSwitch(
  surroundings: Surroundings,
  on: boolean,
  signal: AbortSignal,
): Promise<{ readonly state: ProductSwitch; readonly changed: boolean }> {
  return withSetting(surroundings, signal, async ({ deps, client, setting, place, words }) => {
    const value = on ? place.on : place.off
    if (setting.value === value) return { state: stateOf(setting, place, words), changed: false }
    await writeSetting(client, deps.namespace, place, { value, version: setting.version }, signal)
    return { state: stateOf({ ...setting, value }, place, words), changed: true }
  })
}

interface OpenedSetting {
  readonly deps: Deps
  readonly client: KubeClient
  readonly setting: Setting
  readonly place: Place
  /** Where it is, for a person. */
  readonly words: string
}

async function withSetting<T>(
  surroundings: Surroundings,
  signal: AbortSignal,
  action: (opened: OpenedSetting) => Promise<T>,
): Promise<T> {
  const deps = await wireInstallation(surroundings)
  const { analytics: place, name } = deps.profile
  if (place === undefined)
    throw new PgctlError('not-supported', `the profile of ${name} names no switch of reports of use`, {
      next: `add "analytics:" with configMap and key to profiles/${name}.yaml`,
    })
  await using access = await openCluster(deps, {}, signal)
  await using client = new KubeClient(access)
  try {
    const words = `${place.key} of the ConfigMap ${place.configMap} in ${deps.namespace}`
    const setting = await readSetting(client, deps.namespace, place, signal)
    if (setting === undefined)
      throw new PgctlError(
        'target-unknown',
        `there is no ConfigMap ${place.configMap} in ${deps.namespace}`,
        {
          why: 'the product of this installation keeps its switch elsewhere, or has none',
          next: `correct "analytics:" in profiles/${name}.yaml`,
        },
      )
    return await action({ deps, client, setting, place, words })
  } catch (error) {
    throw access.explain(error)
  }
}

function stateOf({ value }: Setting, { on, off }: Place, place: string): ProductSwitch {
  if (value === on) return { kind: 'on', place }
  if (value === off) return { kind: 'off', place }
  return { kind: 'unclear', place, value }
}
