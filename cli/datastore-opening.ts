import { chooseDatastore } from '#core/datastores/choose.ts'
import { type Authorities, namedAuthorities, usualAuthorities } from '#core/datastores/io/authorities.ts'
import type { Login } from '#core/datastores/login.ts'
import { PgctlError } from '#core/errors.ts'
import type { Datastore, Endpoint } from '#core/installation/datastores.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { datastoreTarget } from '#core/tunnel/resolve-target.ts'
import type { Front, Tunnel } from '#core/tunnel/tunnel.ts'
import { type LoginSource, readLogin } from './datastore-login.ts'
import { type Deps, type Surroundings, wireInstallation } from './deps.ts'
import { loadConfig } from './load-config.ts'
import { lookForDatastores } from './tunnel-goal.ts'
import { openTunnelTo } from './tunnel-opening.ts'

export interface DatastoreWishes {
  readonly engine: 'postgres' | 'redis'
  readonly name: string | undefined
  readonly reader: boolean
  readonly credentials: LoginSource | undefined
  readonly user: string | undefined
  readonly reason: string | undefined
}

/** A datastore that was chosen, with what is needed to enter it; nothing is open yet. */
export interface ChosenDatastore {
  readonly deps: Deps
  readonly store: Datastore
  /** Its own address. */
  readonly endpoint: Endpoint
  /** Under which hosts its login may be kept. */
  readonly hosts: readonly string[]
  readonly authorities: Authorities
}

/** What to tell a person while a datastore is opened. */
export interface DatastoreTelling {
  onWay(event: TunnelEvent): void
  notice(message: string): void
}

/** Finds the datastore that is meant. @throws PgctlError of `chooseDatastore`, and where it has no address yet. */
export async function findDatastore(
  surroundings: Surroundings,
  { engine, name, reader }: DatastoreWishes,
  signal: AbortSignal,
): Promise<ChosenDatastore> {
  const { settings } = loadConfig(surroundings)
  const { ca } = settings
  const named = ca.value === undefined ? undefined : namedAuthorities(ca.value)
  const deps = await wireInstallation(surroundings)
  const { datastores, unreadable } = await lookForDatastores(deps, [engine], signal)
  const command = engine === 'postgres' ? 'pgctl psql' : 'pgctl redis'
  const chosen = chooseDatastore(datastores, unreadable, { engine, name, reader, command })
  const store = await asWhole(deps, chosen, reader, signal)
  const { host, port } = datastoreTarget(store)
  const related = datastores.filter(({ id }) => id === store.id || id === store.access?.follows)
  const own = store.endpoints.map((each) => each.host)
  const hosts = [host, ...own, ...related.flatMap(({ endpoints }) => endpoints.map((each) => each.host))]
  const authorities = named ?? (await usualAuthorities(host, surroundings.environment))
  return { deps, store, endpoint: { host, port }, hosts, authorities }
}

/** A member of a cluster is entered by the cluster's own address: of the member that takes writes, or of those that read. */
async function asWhole(
  deps: Deps,
  store: Datastore,
  reads: boolean,
  signal: AbortSignal,
): Promise<Datastore> {
  const id = store.access?.cluster
  if (id === undefined) return store
  const { writer, reader, secret } = await deps.databaseCluster(id, signal)
  if (reads && reader === undefined)
    throw new PgctlError('target-unknown', `the cluster ${id} has no reader`, {
      why: 'it has no address for readers',
      next: 'leave out --reader',
    })
  const endpoints = [reads && reader !== undefined ? reader : writer, writer]
  return { ...store, endpoints, access: { ...store.access, secret: secret ?? store.access?.secret } }
}

/** The login of a datastore, and a tunnel to it, opened at the same time. Disposal closes the tunnel. */
export interface OpenDatastore extends AsyncDisposable {
  readonly login: Login | undefined
  readonly tunnel: Tunnel
}

/** Opens both, or neither. @throws PgctlError of the login first: it says more than a tunnel that was given up. */
export async function openDatastore(
  chosen: ChosenDatastore,
  wishes: DatastoreWishes,
  front: Front | undefined,
  tell: DatastoreTelling,
  signal: AbortSignal,
): Promise<OpenDatastore> {
  const { deps, store, endpoint, hosts } = chosen
  const { credentials: source, user, reason } = wishes
  const reading = readLogin(
    deps,
    { store, ...endpoint, hosts, source, user, reason, notice: (message) => tell.notice(message) },
    signal,
  )
  // A token is signed here or refused here: for one that cannot be, no session is opened.
  if (source === 'iam') await reading
  // Any port will do: nobody but the client is told of it, and two clients at once need two.
  const opening = openTunnelTo(
    deps,
    datastoreTarget(store),
    { port: 0, bind: '127.0.0.1', reason, front },
    (event) => tell.onWay(event),
    signal,
  )
  const [login, tunnel] = await Promise.allSettled([reading, opening])
  if (login.status === 'fulfilled' && tunnel.status === 'fulfilled')
    return {
      login: login.value,
      tunnel: tunnel.value,
      [Symbol.asyncDispose]: () => tunnel.value[Symbol.asyncDispose](),
    }
  if (tunnel.status === 'fulfilled') await tunnel.value[Symbol.asyncDispose]()
  throw login.status === 'rejected' ? login.reason : (tunnel as PromiseRejectedResult).reason
}
