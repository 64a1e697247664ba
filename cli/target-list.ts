import { ENGINES } from '#core/installation/datastores.ts'
import type { Unreadable } from '#core/installation/inventory.ts'
import { namesIn, recallNames, rememberNames } from '#core/installation/known-names.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type KnownTarget, knownTargets } from '#core/tunnel/known-targets.ts'
import { derivePort } from '#core/tunnel/local-port.ts'
import { readSavedPort } from '#core/tunnel/port-assignments.ts'
import { type Surroundings, wireInstallation } from './deps.ts'
import { allInOrder } from './in-order.ts'

export interface ListedTarget extends KnownTarget {
  /** Where its tunnel listens on every computer, unless the port is taken. */
  readonly localPort: number
}

export interface TargetList {
  readonly targets: readonly ListedTarget[]
  /** Kinds of datastores that could not be looked for. */
  readonly unreadable: readonly Unreadable[]
  /** Whether the cluster was asked of late which Services there are. */
  readonly clusterWasAsked: boolean
}

/**
 * What can be tunnelled to: datastores are looked for, Services are those that the cluster was last seen with.
 * @throws PgctlError where the installation cannot be asked at all.
 */
export async function listTargets(surroundings: Surroundings, signal: AbortSignal): Promise<TargetList> {
  const { installation, profile, store, identity, inventory } = await wireInstallation(surroundings)
  // In the wrong account nothing would be found, and that is not what is wrong.
  const [, found] = await allInOrder([identity(signal), inventory([...ENGINES], 'way', signal)])
  const now = systemClock.now().wall
  const { contents } = await recallNames(store, installation, now)
  await rememberNames(store, installation, namesIn(found, ENGINES), now)
  const { datastores, unreadable } = found
  const known = knownTargets({ ...profile, datastores: { found: datastores, unreadable } }, contents)
  const { workspace } = installation
  const targets = await Promise.all(
    known.map(async (target) => ({
      ...target,
      localPort: (await readSavedPort(store, workspace, target.name)) ?? derivePort(workspace, target.name),
    })),
  )
  return { targets, unreadable, clusterWasAsked: contents !== undefined }
}
