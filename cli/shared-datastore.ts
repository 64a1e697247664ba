import type { NearWay } from '#core/datastores/io/near-front.ts'
import type { NearNode } from '#core/datastores/io/redis-front.ts'
import { isPgctlError } from '#core/errors.ts'
import type { Datastore, Endpoint } from '#core/installation/datastores.ts'
import type { Front } from '#core/tunnel/tunnel.ts'
import { askBackgroundStarting, type Whence, whenceOf } from './background.ts'
import type { DatastoreTelling, DatastoreWays, DatastoreWishes, OpenDatastore } from './datastore-opening.ts'
import type { Surroundings } from './deps.ts'
import { holdTunnel, SHARED_IDLE } from './shared-cluster.ts'
import { askWithBastion } from './started-bastion.ts'
import type { DatastoreWay } from './supervisor/datastores.ts'

/**
 * The ways to a datastore by tunnels that the clients of one user share; they are there when this resolves. Undefined
 * where there can be none, and `tellWhy` has been told.
 * @throws PgctlError where the datastore or its login is not found, or there is no way to it.
 */
export async function findSharedWays(
  surroundings: Surroundings,
  wishes: DatastoreWishes,
  tell: DatastoreTelling,
  tellWhy: (why: string) => void,
  signal: AbortSignal,
): Promise<DatastoreWays | undefined> {
  const ask = (node?: Endpoint) => askFor(surroundings, wishes, node, signal)
  try {
    const way = await askWithBastion(surroundings, ask, signal)
    for (const notice of way.notices) tell.notice(notice)
    if (way.isNew) tell.notice(started(way.store))
    return new SharedWays({ way, ask, surroundings, tell })
  } catch (error) {
    // No socket here, or tunnels held by another version: a session of one's own does as well.
    if (!isPgctlError(error, 'not-supported')) throw error
    tellWhy(error.message)
    return undefined
  }
}

function askFor(
  surroundings: Surroundings,
  { engine, name, reader, credentials, user }: DatastoreWishes,
  node: Endpoint | undefined,
  signal: AbortSignal,
): Promise<DatastoreWay> {
  const asks = { engine, name, reader, credentials, user, node, idleMs: SHARED_IDLE, open: true }
  const request = { request: 'datastore', ...whenceOf(surroundings), ...asks }
  return askBackgroundStarting<DatastoreWay>(surroundings, { request, sameVersion: true, signal })
}

function started({ name }: Datastore): string {
  return `a tunnel to ${name} stays in the background for the next command; to end it: pgctl tunnel stop ${name}; to have none: background: off`
}

interface SharedWaysOptions {
  readonly way: DatastoreWay
  readonly ask: (node: Endpoint) => Promise<DatastoreWay>
  readonly surroundings: Whence
  readonly tell: DatastoreTelling
}

/** The ways to a datastore by a tunnel that is there. */
export class SharedWays implements DatastoreWays {
  readonly store: Datastore
  readonly endpoint: Endpoint
  readonly #options: SharedWaysOptions

  constructor(options: SharedWaysOptions) {
    this.#options = options
    const { store, endpoint } = options.way
    this.store = store
    this.endpoint = endpoint
  }

  async enter(front: Front | undefined): Promise<OpenDatastore> {
    const { way, surroundings, tell } = this.#options
    const fronted = front === undefined ? undefined : await openFront(way, front)
    const held = new AbortController()
    void holdTunnel(surroundings, way.tunnel, (event) => tell.onWay(event), held.signal)
    return {
      ...{ login: way.login, near: fronted ?? way, isNew: way.isNew },
      async [Symbol.asyncDispose]() {
        held.abort()
        await fronted?.[Symbol.asyncDispose]()
      },
    }
  }

  async openNode(host: string, port: number, front: Front | undefined): Promise<NearWay> {
    const way = await this.#options.ask({ host, port })
    return openFront(way, front)
  }
}

async function openFront(way: NearNode, front: Front | undefined): Promise<NearWay> {
  const { listenBefore } = await import('#core/datastores/io/near-front.ts')
  return listenBefore(way, front)
}
