import type { NearWay } from '#core/datastores/io/near-front.ts'
import type { NearNode } from '#core/datastores/io/redis-front.ts'
import type { Login, LoginSource } from '#core/datastores/login.ts'
import type { Datastore, Endpoint } from '#core/installation/datastores.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { datastoreTarget, hostTarget, type Target } from '#core/tunnel/resolve-target.ts'
import type { Front } from '#core/tunnel/tunnel.ts'
import { openCluster } from './cluster-opening.ts'
import { type LoginWish, readLogin } from './datastore-login.ts'
import { type Deps, type Surroundings, wireInstallation } from './deps.ts'
import { type DatastoreFacts, type DatastoreWish, findDatastore } from './find-datastore.ts'
import { openTunnelTo } from './tunnel-opening.ts'

export interface DatastoreWishes extends DatastoreWish {
  readonly credentials: LoginSource | undefined
  readonly user: string | undefined
  readonly reason: string | undefined
}

/** What to tell a person while a datastore is opened. */
export interface DatastoreTelling {
  onWay(event: TunnelEvent): void
  notice(message: string): void
}

/** A datastore that was found, and the ways into it: by sessions of one's own, or by tunnels that others share. */
export interface DatastoreWays extends Pick<DatastoreFacts, 'store' | 'endpoint'> {
  /**
   * The login and a way to the datastore, which passes `front`. Opens both, or neither.
   * @throws PgctlError of the login first: it says more than a tunnel that was given up.
   */
  enter(front: Front | undefined): Promise<OpenDatastore>
  /** A way to another node of it, which goes with its disposal. */
  openNode(host: string, port: number, front: Front | undefined): Promise<NearWay>
}

export interface OpenDatastore extends AsyncDisposable {
  readonly login: Login | undefined
  readonly near: NearNode
  /** Whether nobody has come this way before: then it is not known yet who answers at its end. */
  readonly isNew: boolean
}

/** Finds the datastore, to be entered by sessions of one's own. Nothing is open yet. */
export async function findOwnWays(
  surroundings: Surroundings,
  wishes: DatastoreWishes,
  tell: DatastoreTelling,
  signal: AbortSignal,
): Promise<DatastoreWays> {
  const deps = await wireInstallation(surroundings)
  const facts = await findDatastore(deps, wishes, signal)
  return new OwnWays({ deps, facts, wishes, tell, signal })
}

interface OwnWaysOptions {
  readonly deps: Deps
  readonly facts: DatastoreFacts
  readonly wishes: DatastoreWishes
  readonly tell: DatastoreTelling
  readonly signal: AbortSignal
}

class OwnWays implements DatastoreWays {
  readonly store: Datastore
  readonly endpoint: Endpoint
  readonly #options: OwnWaysOptions

  constructor(options: OwnWaysOptions) {
    this.#options = options
    const { store, endpoint } = options.facts
    this.store = store
    this.endpoint = endpoint
  }

  async enter(front: Front | undefined): Promise<OpenDatastore> {
    const { deps, facts, wishes, tell, signal } = this.#options
    const notice = (message: string) => tell.notice(message)
    const reading = readLogin(deps, loginWish(deps, facts, wishes, notice), signal)
    // A token is signed here or refused here: for one that cannot be, no session is opened.
    if (wishes.credentials === 'iam') await reading
    const opening = this.#open(datastoreTarget(facts.store), front)
    const [login, near] = await Promise.allSettled([reading, opening])
    if (login.status === 'fulfilled' && near.status === 'fulfilled') {
      const way = near.value
      return {
        ...{ login: login.value, near: way, isNew: true },
        [Symbol.asyncDispose]: () => way[Symbol.asyncDispose](),
      }
    }
    if (near.status === 'fulfilled') await near.value[Symbol.asyncDispose]()
    throw login.status === 'rejected' ? login.reason : (near as PromiseRejectedResult).reason
  }

  openNode(host: string, port: number, front: Front | undefined): Promise<NearWay> {
    return this.#open(nodeTarget(this.store, host, port), front)
  }

  /** Any port will do: nobody but the client is told of it, and two clients at once need two. */
  async #open(target: Target, front: Front | undefined): Promise<NearWay> {
    const { deps, wishes, tell, signal } = this.#options
    const tunnel = await openTunnelTo(
      deps,
      target,
      { port: 0, bind: '127.0.0.1', reason: wishes.reason, front },
      (event) => tell.onWay(event),
      signal,
    )
    const { address, port } = tunnel.ready
    return {
      ...{ address, port, ended: tunnel.ended },
      [Symbol.asyncDispose]: () => tunnel[Symbol.asyncDispose](),
    }
  }
}

/** Whose login is looked for, by a session to the cluster of one's own. */
export function loginWish(
  deps: Deps,
  { store, endpoint, hosts }: DatastoreFacts,
  { credentials: source, user, reason }: Pick<DatastoreWishes, 'credentials' | 'user' | 'reason'>,
  notice: (message: string) => void,
): LoginWish {
  const reachCluster = (signal: AbortSignal) => openCluster(deps, { reason }, signal)
  return { store, ...endpoint, hosts, source, user, notice, reachCluster }
}

/** A node of a datastore by an address of its own. */
export function nodeTarget({ encryptedInTransit }: Datastore, host: string, port: number): Target {
  return {
    ...hostTarget({ kind: 'host', host, port, instance: undefined }),
    protocol: encryptedInTransit === true ? { kind: 'tls' } : { kind: 'redis' },
  }
}
