import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Bytes, Clock } from '#core/clock.ts'
import type { Authority } from '#sandbox/certificates.ts'
import type { WorldPorts } from '#sandbox/world.ts'
import {
  cacheNodes,
  configurationHost,
  databaseHost,
  POSTGRES_PORT,
  REDIS_PORT,
} from '#sandbox/worlds/datastores.ts'
import type { World, WorldCache } from '#sandbox/worlds/installation.ts'
import { CACHE_PASSWORD, DATABASE_LOGIN, TOKEN_USER } from './logins.ts'
import { servePostgres } from './postgres.ts'
import { type PostgresEngine, startPostgresEngine } from './postgres-engine.ts'
import { serveRedis } from './redis.ts'
import { RedisStore } from './redis-store.ts'
import { secure, startTcpService } from './tcp-service.ts'

/** What a cache of the sandbox holds at most. */
const CACHE_SIZE: Bytes = 64 * 1024 * 1024

export interface Datastores extends AsyncDisposable {
  readonly hosts: NonNullable<WorldPorts['datastores']>
}

/** Whether a token lets `user` into the database of an address; the cloud knows whose signature it carries. */
export type VerifyDatabaseToken = (
  token: string,
  place: { readonly host: string; readonly port: number; readonly user: string },
) => boolean

/** Starts the listeners of an installation's databases and caches; what is behind one starts with its first client. */
export async function startDatastores(
  world: World,
  {
    authority,
    clock,
    verifyToken = () => false,
  }: { readonly authority: Authority; readonly clock: Clock; readonly verifyToken?: VerifyDatabaseToken },
): Promise<Datastores> {
  await using parts = new AsyncDisposableStack()
  const hosts = new Map<string, { port: number; loopbackPort: number }>()
  const add = async (names: readonly string[], port: number, serve: (socket: Socket) => void) => {
    const service = parts.use(await startTcpService(serve))
    for (const name of names) hosts.set(name, { port, loopbackPort: service.port })
  }
  const names = [
    ...world.databases.map((database) => databaseHost(world, database)),
    ...world.caches.flatMap((cache) => hostsOf(world, cache)),
  ]
  const secureContext = once(async (): Promise<SecureContext> => {
    const { certificate, key } = await authority.issue({ names })
    return createSecureContext({ cert: certificate, key })
  })

  for (const database of world.databases) {
    const engines = parts.use(new Engines())
    const host = databaseHost(world, database)
    const options = {
      ...DATABASE_LOGIN,
      clientAddress: world.bastion.address,
      secureContext,
      engine: () => engines.current(),
      tokens: database.takesTokens
        ? {
            user: TOKEN_USER,
            verify: (token: string) => verifyToken(token, { host, port: POSTGRES_PORT, user: TOKEN_USER }),
          }
        : undefined,
    }
    await add([host], POSTGRES_PORT, (socket) => void servePostgres(socket, options))
  }
  for (const cache of world.caches) {
    const nodes = cacheNodes(world, cache)
    const primaries = nodes.filter(({ isPrimary }) => isPrimary)
    const stores = new Map(primaries.map(({ shard }) => [shard, new RedisStore(CACHE_SIZE)]))
    for (const [i, { host, shard, isPrimary }] of nodes.entries()) {
      const options = {
        ...{ clock, password: passwordOf(cache), store: stores.get(shard) ?? new RedisStore(CACHE_SIZE) },
        node:
          cache.kind === 'cluster'
            ? undefined
            : {
                shard: primaries.findIndex((primary) => primary.shard === shard),
                isPrimary,
                primaries: primaries.map((primary) => primary.host),
                port: REDIS_PORT,
              },
      }
      // The endpoint of a whole group leads to any of its nodes; here it is always the first.
      const names = cache.kind === 'group' && i === 0 ? [configurationHost(world, cache), host] : [host]
      await add(names, REDIS_PORT, async (socket) => {
        if (cache.kind === 'cluster') await serveRedis(socket, options)
        else await serveRedis(secure(socket, await secureContext()), options)
      })
    }
  }
  const running = parts.move()
  return { hosts, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

function passwordOf(cache: WorldCache): string | undefined {
  return cache.kind === 'group' && cache.asksPassword ? CACHE_PASSWORD : undefined
}

/** The names on the certificate of a cache. */
function hostsOf(world: World, cache: WorldCache): string[] {
  const nodes = cacheNodes(world, cache).map(({ host }) => host)
  return cache.kind === 'group' ? [configurationHost(world, cache), ...nodes] : nodes
}

/** The engine of one database, started when it is first asked for, and again when it has ended. */
class Engines implements AsyncDisposable {
  #engine: Promise<PostgresEngine> | undefined

  async current(): Promise<PostgresEngine> {
    this.#engine ??= startPostgresEngine()
    const starting = this.#engine
    const engine = await starting.catch(() => undefined)
    if (engine !== undefined && !engine.hasEnded) return engine
    if (this.#engine === starting) this.#engine = undefined
    // Why the first one could not start, a second try would only say again.
    return engine === undefined ? starting : this.current()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const engine = await this.#engine?.catch(() => undefined)
    await engine?.[Symbol.asyncDispose]()
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
