import type { Clock, Ms } from '#core/clock.ts'
import type { Login } from '#core/datastores/login.ts'
import { PgctlError } from '#core/errors.ts'
import type { Variables } from '#core/tunnel/control/carried.ts'
import type { DatastoreRequest } from '#core/tunnel/control/requests.ts'
import { placeOf } from '#core/tunnel/control/roster.ts'
import { causeOf } from '#core/tunnel/events.ts'
import { formatHostPort } from '#core/tunnel/host-port.ts'
import type { DatastoreFacts } from '../find-datastore.ts'
import type { BackgroundTunnels, Opening } from './tunnels.ts'

/** What a request for a way is answered; `isThere: false` where it was not to be opened. */
export type DatastoreAnswer = { readonly isThere: false } | ({ readonly isThere: true } & DatastoreWay)

/** The way to a datastore for its client. */
export interface DatastoreWay extends DatastoreFacts {
  /** Where it listens on this computer. */
  readonly address: string
  readonly port: number
  /** The tunnel's number. */
  readonly tunnel: number
  readonly isNew: boolean
  readonly login: Login | undefined
  /** What a person is to know of the login. */
  readonly notices: readonly string[]
  /** The file of authorities that the configuration names, as it stands there. */
  readonly ca: string | undefined
}

/** On whose behalf a request is answered. */
export interface Asker extends Pick<Opening, 'signal' | 'watcher'> {
  readonly installation: string
  readonly who: string
  readonly environment: Variables
  readonly ca: string | undefined
  /** Whether the way to the cluster is there already. */
  readonly hasCluster: () => boolean
  /** Opens the way to the cluster that is shared, and answers where it listens. */
  readonly reachCluster: () => Promise<string>
}

/** How long what is known of a datastore holds: which one a name means, and its address. */
const KNOWN_FOR: Ms = 10 * 60_000

/** Ways to datastores that the clients of one user share. A login is never kept: it is read for each client anew. */
export class SharedDatastores {
  readonly #tunnels: BackgroundTunnels
  readonly #clock: Clock
  readonly #known = new Map<string, { readonly facts: DatastoreFacts; readonly until: Ms }>()

  constructor(tunnels: BackgroundTunnels, clock: Clock) {
    this.#tunnels = tunnels
    this.#clock = clock
  }

  /** @throws PgctlError of the login first: it says more than a tunnel that was given up. */
  async enter(request: DatastoreRequest, asker: Asker): Promise<DatastoreAnswer> {
    const { ca } = asker
    const { node } = request
    const key = keyOf(request, asker)
    if (!request.open && !this.#isThere(key, request, asker)) return { isThere: false }
    const facts = await this.#find(key, request, asker)
    try {
      const reading = node === undefined ? this.#login(facts, request, asker) : NO_LOGIN
      // A token is signed here or refused here: for one that cannot be, nothing is opened.
      if (request.credentials === 'iam') await reading
      const [login, way] = await Promise.allSettled([reading, this.#open(facts, request, asker)])
      if (login.status === 'rejected') {
        if (way.status === 'fulfilled' && way.value.isNew) void this.#tunnels.close(way.value.tunnel)
        throw login.reason
      }
      if (way.status === 'rejected') throw way.reason
      return { isThere: true, ...facts, ...way.value, ...login.value, ca }
    } catch (error) {
      // It may have gone, or become another, since it was looked for.
      this.#known.delete(key)
      throw error
    }
  }

  #isThere(key: string, request: DatastoreRequest, asker: Asker): boolean {
    const facts = this.#remember(key)
    if (facts === undefined || this.#same(facts, request, asker) === undefined) return false
    return !readsCluster(facts, request) || asker.hasCluster()
  }

  #remember(key: string): DatastoreFacts | undefined {
    const known = this.#known.get(key)
    return known !== undefined && this.#clock.now().mono < known.until ? known.facts : undefined
  }

  /** The tunnel that leads there already. */
  #same(facts: DatastoreFacts, request: DatastoreRequest, { installation, who }: Asker) {
    const same = (word: string) => this.#tunnels.findSame({ installation, word, who })
    return (isCalledSo(facts, request) ? same(facts.store.name) : undefined) ?? same(wordOf(facts, request))
  }

  async #find(key: string, request: DatastoreRequest, asker: Asker): Promise<DatastoreFacts> {
    const known = this.#remember(key)
    if (known !== undefined) return known
    const { engine, name, reader } = request
    const asks = { ...whenceOf(request, asker), engine, name, reader }
    const facts = await this.#tunnels.holderFor(asker.environment).call('find', asks, asker.signal)
    this.#known.set(key, { facts, until: this.#clock.now().mono + KNOWN_FOR })
    return facts
  }

  async #login(facts: DatastoreFacts, request: DatastoreRequest, asker: Asker) {
    const { credentials, user } = request
    const cluster = readsCluster(facts, request)
      ? await asker.reachCluster().then(
          (server) => ({ server }),
          (error) => ({ failure: causeOf(error) }),
        )
      : undefined
    const asks = { ...whenceOf(request, asker), credentials, user, facts, cluster }
    return this.#tunnels.holderFor(asker.environment).call('login', asks, asker.signal)
  }

  async #open(facts: DatastoreFacts, request: DatastoreRequest, asker: Asker) {
    const tunnels = this.#tunnels
    const { installation, who, environment, signal, watcher } = asker
    const { node, idleMs } = request
    const { store } = facts
    const known = this.#same(facts, request, asker)
    const implicit = { lazy: true, implicit: true, reason: undefined }
    const { id } = known ?? tunnels.add({ installation, word: wordOf(facts, request), who, ...implicit })
    try {
      if (known === undefined) {
        const asks = { ...whenceOf(request, asker), store, node, idleMs }
        await tunnels.openTo(asks, { ids: [id], environment, signal, watcher })
      }
      await tunnels.opened([id])
      await tunnels.holderOf(id)?.call('wake', { id }, signal)
    } catch (error) {
      // What was opened for this client alone is of no use to others.
      if (known === undefined) void tunnels.close(id)
      throw error
    }
    const place = placeOf(tunnels.get(id))
    if (place === undefined) throw hasEnded(store.name)
    return { ...place, tunnel: id, isNew: known === undefined }
  }
}

const NO_LOGIN = Promise.resolve({ login: undefined, notices: [] })

function keyOf({ engine, name, reader }: DatastoreRequest, { who }: Asker): string {
  return JSON.stringify([who, engine, name, reader])
}

/** No word that a person types: a tunnel that they open by the datastore's name is theirs, at the port of its name. */
function wordOf({ store, endpoint }: DatastoreFacts, { node }: DatastoreRequest): string {
  const { host, port } = node ?? endpoint
  return `${store.name} ${formatHostPort(host, port)}`
}

function whenceOf({ flags, folder }: DatastoreRequest, { who }: Asker) {
  return { flags, folder, who }
}

/** Whether a tunnel by the datastore's name leads to the same address: not of a cluster, nor of what only reads. */
function isCalledSo({ store }: DatastoreFacts, { node, reader }: DatastoreRequest): boolean {
  return node === undefined && !reader && store.access?.cluster === undefined
}

/** Whether its login is looked for in the cluster, first or alone. */
function readsCluster({ store }: DatastoreFacts, { credentials }: DatastoreRequest): boolean {
  if (credentials !== undefined) return credentials === 'secret'
  return store.engine !== 'redis' || store.access?.wantsPassword === true
}

function hasEnded(name: string): PgctlError {
  return new PgctlError('session-ended', `the tunnel to ${name} has ended just now`, {
    next: 'run the command again, or with --background off',
  })
}
