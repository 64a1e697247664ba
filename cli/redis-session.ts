import type { Authorities } from '#core/datastores/io/authorities.ts'
import { greetRedis } from '#core/datastores/io/greet-redis.ts'
import type { NearWay } from '#core/datastores/io/near-front.ts'
import { type NearNode, RedisFront } from '#core/datastores/io/redis-front.ts'
import { redisCliEnvironment, redisCliWords } from '#core/datastores/redis-cli.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { formatHostPort, parseAddress } from '#core/tunnel/host-port.ts'
import { authoritiesFor, authoritiesNamed } from './datastore-authorities.ts'
import type { DatastoreTelling, DatastoreWays, DatastoreWishes } from './datastore-opening.ts'
import { findWays } from './datastore-ways.ts'
import type { Surroundings } from './deps.ts'
import { findProgram } from './find-program.ts'
import { runProgram } from './program.ts'

export interface RedisRun extends DatastoreWishes {
  readonly engine: 'redis'
  /** The words of redis-cli's own command line. */
  readonly words: readonly string[]
  /** Called when redis-cli is about to run; what it gives is disposed of when that has ended. */
  readonly onRun: () => Disposable
}

/**
 * Runs redis-cli against a cache of the installation, and answers its exit status. TLS is ours, as redis-cli checks no
 * names; of a cluster, each node that it is sent on to gets a tunnel of its own when it is first needed.
 * @throws PgctlError where redis-cli is missing, the cache or its login is not found, or its certificate is not trusted.
 */
export async function runRedis(
  surroundings: Surroundings,
  run: RedisRun,
  tell: DatastoreTelling,
  signal: AbortSignal,
): Promise<number> {
  const { environment } = surroundings
  const path = findProgram('redis-cli', environment)
  const named = authoritiesNamed(surroundings)
  const ways = await findWays(surroundings, run, tell, signal)
  const { store, endpoint } = ways
  const authorities = await authoritiesFor(endpoint.host, named, surroundings)
  const sharded = store.access?.sharded === true
  await using nodes = new Nodes(ways, authorities)
  const front = nodes.frontFor(endpoint.host)
  await using open = await ways.enter(front)
  const { near } = open
  const { login } = open
  const asks = run.credentials === 'prompt'
  const visitor = { name: store.name, login, asks, clock: systemClock }
  const greeting = await greetRedis(near, visitor).catch((error) => {
    throw front?.failure ?? error
  })
  const password = greeting === 'password-not-needed' ? undefined : login?.password
  const user = run.user ?? (password === undefined ? undefined : login?.user)
  const connection = { address: near.address, port: near.port, user, password, asks, sharded }
  const by = password === undefined ? '' : `, entered by ${login?.from}`
  const secured = store.encryptedInTransit === true ? ', TLS checked by pgctl' : ', which speaks no TLS'
  tell.notice(
    `${store.name}: ${formatHostPort(endpoint.host, endpoint.port)}${secured}${by}; there is no read-only mode: what you say is done`,
  )
  using _run = run.onRun()
  return await runProgram(path, {
    words: [...redisCliWords(connection), ...run.words],
    environment: redisCliEnvironment(environment, { password }),
    signal,
  })
}

/** The ways to the nodes of a cluster, each opened when a client is sent there. */
class Nodes implements AsyncDisposable {
  readonly #ways: DatastoreWays
  readonly #authorities: Authorities
  readonly #open = new Map<string, Promise<NearWay>>()

  constructor(ways: DatastoreWays, authorities: Authorities) {
    this.#ways = ways
    this.#authorities = authorities
  }

  /** The front of a node; none where it passes bytes as they are. */
  frontFor(host: string): RedisFront | undefined {
    const { store, endpoint } = this.#ways
    const isSecure = store.encryptedInTransit === true
    const sharded = store.access?.sharded === true
    if (!isSecure && !sharded) return undefined
    // A certificate bears no addresses, and those of all nodes bear the name of the whole.
    const name = parseAddress(host) === undefined ? host : endpoint.host
    const trust = { name: store.name, authorities: this.#authorities, clock: systemClock }
    return new RedisFront({
      tls: isSecure ? { ...trust, host: name } : undefined,
      wayTo: sharded ? (to, port) => this.#wayTo(to === '' ? host : to, port) : undefined,
    })
  }

  #wayTo(host: string, port: number): Promise<NearNode> {
    const key = formatHostPort(host, port)
    const known = this.#open.get(key)
    if (known !== undefined) return known
    const opening = this.#ways.openNode(host, port, this.frontFor(host))
    this.#open.set(key, opening)
    // One that failed, or has ended, leads nowhere: where the client is sent there again, another is made.
    const forget = () => this.#open.delete(key)
    opening.then(({ ended }) => ended).then(forget, forget)
    return opening
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#open.values())
    await Promise.all(
      opened.map((node) => (node.status === 'fulfilled' ? node.value[Symbol.asyncDispose]() : undefined)),
    )
  }
}
