import type { Server } from 'node:net'
import type { Clock, Instant, Ms } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { parseBindAddress } from '#core/tunnel/bind-address.ts'
import { describeBinding } from '#core/tunnel/happenings.ts'
import { type BoundPort, bindPort } from '#core/tunnel/io/bind.ts'
import { Connections } from '#core/tunnel/io/connections.ts'
import type { ListenRequest, LocalListener, OpenConnection } from '#core/tunnel/listener.ts'

/** Both loopbacks: `localhost` means the one to some programs and the other to others. */
const LOOPBACKS = ['127.0.0.1', '::1'] as const

/**
 * Connections at once, for each address. One holds a local socket and, by some routes, two more: that stays below
 * the 4,096 descriptors of common systems, and far above what a person's tools open.
 */
const MAX_CONNECTIONS = 1_000

/**
 * Listens on this computer and joins every connection to a far end of its own.
 * `loopbacks` are the addresses to take where no other is asked for; the second may be missing on this computer.
 * @throws PgctlError `port-taken`; `usage` for an address that is not this computer's; `failed`.
 */
export async function listenLocally(
  request: ListenRequest,
  loopbacks: readonly [string, string] = LOOPBACKS,
): Promise<LocalListener> {
  const { plan, clock } = request
  const bind = parseBindAddress(request.bind)
  const connections = new Connections(request)
  const addresses = bind === undefined ? loopbacks : ([bind] as const)
  const bound = await bindPort(plan, addresses, (socket) => connections.accept(socket))
  for (const happening of describeBinding(bound, plan)) request.report(happening)
  for (const server of bound.servers) {
    remarkOnTrouble(server, request)
    server.maxConnections = MAX_CONNECTIONS
  }
  return new SocketListener(bound, connections, clock)
}

class SocketListener implements LocalListener {
  readonly address: string
  readonly addresses: readonly string[]
  readonly port: number
  readonly #servers: readonly Server[]
  readonly #connections: Connections
  readonly #clock: Clock
  #stopped: Promise<void> | undefined

  constructor({ addresses, port, servers }: BoundPort, connections: Connections, clock: Clock) {
    this.address = addresses[0]
    this.addresses = addresses
    this.port = port
    this.#servers = servers
    this.#connections = connections
    this.#clock = clock
  }

  connections(): readonly OpenConnection[] {
    return this.#connections.list()
  }

  lastActivity(): Instant | undefined {
    return this.#connections.lastActivity()
  }

  async close(within: Ms): Promise<void> {
    const cancel = this.#clock.after(within, () => this.#connections.abort(closed()))
    await this.#stop()
    cancel()
  }

  async abort(error: PgctlError): Promise<void> {
    this.#connections.abort(error)
    await this.#stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.abort(closed())
  }

  /** Accepts no more; resolves when the last connection is closed and reported. */
  #stop(): Promise<void> {
    this.#stopped ??= stopServers(this.#servers).then(() => this.#connections.settled())
    return this.#stopped
  }
}

/** A server counts as closed when its sockets are, too. */
async function stopServers(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
}

function remarkOnTrouble(server: Server, { report }: ListenRequest): void {
  server.on('error', (error) =>
    report({
      event: 'warning',
      about: 'listener',
      message: `a connection could not be accepted: ${messageOf(error)}`,
    }),
  )
  server.once('drop', () =>
    report({
      event: 'warning',
      about: 'too-many-connections',
      message: `more than ${MAX_CONNECTIONS} connections at once: further ones are refused until some have closed`,
    }),
  )
}

function closed(): PgctlError {
  return new PgctlError('interrupted', 'the tunnel was closed')
}
