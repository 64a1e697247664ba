import { isShared } from './background.ts'
import { chooseInstallation } from './config.ts'
import type { DatastoreTelling, DatastoreWays, DatastoreWishes } from './datastore-opening.ts'
import type { Surroundings } from './deps.ts'
import { loadConfig } from './load-config.ts'
import { isOwn } from './own-installation.ts'
import { findSharedWays } from './shared-datastore.ts'

/**
 * Finds the datastore that is meant and the ways into it: by tunnels in the background that the next command finds
 * again or, with a reason, with `background: off` and on the bastion itself, by one's own.
 * @throws PgctlError of either.
 */
export async function findWays(
  surroundings: Surroundings,
  wishes: DatastoreWishes,
  tell: DatastoreTelling,
  signal: AbortSignal,
): Promise<DatastoreWays> {
  const tellWhy = (why: string) => tell.notice(`${why}: this has a session of its own`)
  const shared = mayShare(surroundings, wishes)
    ? await findSharedWays(surroundings, wishes, tell, tellWhy, signal)
    : undefined
  if (shared !== undefined) return shared
  // What asks AWS takes longer to load than all that a way needs that is there already.
  const { findOwnWays } = await import('./datastore-opening.ts')
  return await findOwnWays(surroundings, wishes, tell, signal)
}

function mayShare(surroundings: Surroundings, { engine, credentials, reason }: DatastoreWishes): boolean {
  const config = loadConfig(surroundings)
  const { environment } = surroundings
  // A reason stands in the record of one session: it is not put on what others do.
  if (reason !== undefined || environment['PGCTL_REASON'] || !isShared(config)) return false
  // The bastion reaches its datastores by itself; and nothing is opened for what is refused anyway.
  if (isOwn(chooseInstallation(config), environment)) return false
  return engine !== 'redis' || credentials !== 'iam'
}
