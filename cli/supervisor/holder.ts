import { parentPort, workerData } from 'node:worker_threads'
import { PgctlError } from '#core/errors.ts'
import { trustExtraAuthorities } from '#core/io/extra-authorities.ts'
import type { Logger } from '#core/logger.ts'
import type { TunnelledAccess } from '#core/tunnel/cluster-access.ts'
import { causeOf, type TunnelEvent } from '#core/tunnel/events.ts'
import { datastoreTarget } from '#core/tunnel/resolve-target.ts'
import { readLogin } from '../datastore-login.ts'
import { loginWish, nodeTarget } from '../datastore-opening.ts'
import { type Deps, type Surroundings, wireInstallation } from '../deps.ts'
import { type DatastoreFacts, findDatastore } from '../find-datastore.ts'
import { type OpenedTunnel, openTargetLazily, openTunnels } from '../tunnel-opening.ts'
import {
  type ClusterFacts,
  type ClusterReach,
  errorOf,
  type FromHolder,
  type HolderCall,
  type HolderCalls,
  type HolderStart,
  type ToHolder,
} from './messages.ts'

/** Serves the supervisor in this thread, whose environment is that of the person who asked. It never ends by itself. */
export function serveHolder(logger: Logger): Promise<never> {
  const port = parentPort
  if (port === null) throw new TypeError('a holder is a thread of a supervisor')
  const start = workerData as HolderStart
  const extra = process.env['NODE_EXTRA_CA_CERTS']
  if (extra && extra !== start.trusts) trustExtraAuthorities(extra)
  const holder = new Holder(start, logger, (message) => port.postMessage(message))
  port.on('message', (message: ToHolder) => holder.take(message))
  return new Promise(() => {})
}

type Handlers = {
  [Name in keyof HolderCalls]: (
    asks: HolderCalls[Name]['asks'],
    signal: AbortSignal,
  ) => Promise<HolderCalls[Name]['answers']>
}

class Holder {
  readonly #start: HolderStart
  readonly #logger: Logger
  readonly #tell: (message: FromHolder) => void
  readonly #tunnels = new Map<number, OpenedTunnel>()
  readonly #wired = new Map<string, Promise<Deps>>()
  readonly #calls = new Map<number, AbortController>()

  constructor(start: HolderStart, logger: Logger, tell: (message: FromHolder) => void) {
    this.#start = start
    this.#logger = logger
    this.#tell = tell
  }

  take(message: ToHolder): void {
    if ('abort' in message) this.#calls.get(message.abort)?.abort(gone())
    else void this.#serve(message)
  }

  async #serve({ call, name, asks }: HolderCall): Promise<void> {
    const abort = new AbortController()
    this.#calls.set(call, abort)
    try {
      const handler = this.#handlers[name] as (asks: unknown, signal: AbortSignal) => Promise<unknown>
      this.#tell({ reply: call, answer: await handler(asks, abort.signal) })
    } catch (error) {
      this.#tell({ reply: call, error: causeOf(error) })
    } finally {
      this.#calls.delete(call)
    }
  }

  readonly #handlers: Handlers = {
    open: async ({ ids, idleMs, words, port, bind, route, reason, ...whence }, signal) => {
      const lazy = idleMs === undefined ? undefined : { idle: idleMs }
      const report = (event: TunnelEvent, _: boolean, at: number) => this.#report(ids[at] as number, event)
      const wishes = { words, port, bind, route, reason, lazy }
      const { attempts, failures } = await openTunnels(this.#surroundings(whence), wishes, report, signal)
      for (const [at, attempt] of attempts.entries())
        if (attempt.status === 'fulfilled') this.#keep(ids[at] as number, attempt.value)
      return { failures: failures.map(causeOf) }
    },

    wake: async ({ id }, signal) => {
      await this.#tunnels.get(id)?.lazy?.wake(signal)
      return undefined
    },

    close: async ({ id, within }) => {
      await this.#tunnels.get(id)?.close(within)
      return undefined
    },

    cluster: async ({ who, ...whence }, signal): Promise<ClusterFacts> => {
      const { clusterCredentials, namespace, identity } = await this.#wire(who, whence)
      await identity(signal)
      const { host, ca } = await clusterCredentials.endpoint(signal)
      const { value, expires } = await clusterCredentials.token({ signal })
      return { host, ca, namespace, token: { value, expires } }
    },

    find: (asks, signal) => this.#find(asks, signal),
    openTo: (asks, signal) => this.#openTo(asks, signal),
    login: (asks, signal) => this.#login(asks, signal),
  }

  // ── datastores ───────────────────────────────────────────────────────────────────────────────────────────────────

  async #find(
    { who, engine, name, reader, ...whence }: HolderCalls['find']['asks'],
    signal: AbortSignal,
  ): Promise<DatastoreFacts> {
    return findDatastore(await this.#wire(who, whence), { engine, name, reader }, signal)
  }

  async #openTo(
    { id, store, node, idleMs, who: _, ...whence }: HolderCalls['openTo']['asks'],
    signal: AbortSignal,
  ): Promise<undefined> {
    const target = node === undefined ? datastoreTarget(store) : nodeTarget(store, node.host, node.port)
    // Not the port where people expect the target: that is for those who open it by name.
    const wishes = { port: 0, bind: '127.0.0.1', lazy: { idle: idleMs } }
    const report = (event: TunnelEvent) => this.#report(id, event)
    this.#keep(id, await openTargetLazily(this.#surroundings(whence), target, wishes, report, signal))
  }

  async #login(
    { who, facts, credentials, user, cluster, ...whence }: HolderCalls['login']['asks'],
    signal: AbortSignal,
  ): Promise<HolderCalls['login']['answers']> {
    const deps = await this.#wire(who, whence)
    const notices: string[] = []
    const own = loginWish(deps, facts, { credentials, user, reason: undefined }, (text) => notices.push(text))
    const reachCluster = (reaching: AbortSignal) => reach(deps, cluster, reaching)
    return { login: await readLogin(deps, { ...own, reachCluster }, signal), notices }
  }

  #keep(id: number, tunnel: OpenedTunnel): void {
    this.#tunnels.set(id, tunnel)
    void tunnel.ended.then(() => this.#tunnels.delete(id))
  }

  #report(tunnel: number, event: TunnelEvent): void {
    this.#tell({ tunnel, event })
  }

  #wire(who: string, whence: Pick<Surroundings, 'flags' | 'folder'>): Promise<Deps> {
    const known = this.#wired.get(who)
    if (known !== undefined) return known
    const wiring = wireInstallation(this.#surroundings(whence))
    this.#wired.set(who, wiring)
    wiring.catch(() => this.#wired.delete(who))
    return wiring
  }

  #surroundings({ flags, folder }: Pick<Surroundings, 'flags' | 'folder'>): Surroundings {
    const { root, version } = this.#start
    return { flags, folder, environment: process.env, root, version, logger: this.#logger }
  }
}

/** The cluster by the way that is shared: that goes on when this access is disposed of. */
async function reach(deps: Deps, cluster: ClusterReach, signal: AbortSignal): Promise<TunnelledAccess> {
  if (cluster === undefined)
    throw new TypeError('no way to the cluster was opened for a login that needs one')
  if ('failure' in cluster) throw errorOf(cluster.failure)
  const { host, ca } = await deps.clusterCredentials.endpoint(signal)
  return {
    ...{ server: cluster.server, tlsServerName: host, ca },
    token: (request) => deps.clusterCredentials.token(request),
    explain: (error) => error,
    [Symbol.asyncDispose]: async () => {},
  }
}

function gone(): PgctlError {
  return new PgctlError('interrupted', 'the command that asked has ended')
}
