import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { isPgctlError, messageOf, PgctlError } from '#core/errors.ts'
import { allPortsTaken, type PortPlan, portTaken } from '#core/tunnel/local-port.ts'

/** How often the system may be asked for a port that is free on both loopbacks. */
const ANY_PORT_ATTEMPTS = 20

const NO_SUCH_ADDRESS = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPROTONOSUPPORT', 'EINVAL'])

/** Servers that listen on one port, and drop every connection until their `maxConnections` is raised. */
export interface BoundPort {
  readonly port: number
  /** The addresses that listen. */
  readonly addresses: readonly [string, ...string[]]
  /** The address that this computer does not have. */
  readonly missing: string | undefined
  readonly servers: readonly Server[]
}

/**
 * Takes the first port of the plan that is free on all of `addresses`; all but the first may be missing.
 * @throws PgctlError `port-taken`; `usage` for a first address that is missing; `failed` where the system refuses.
 */
export async function bindPort(
  plan: PortPlan,
  addresses: readonly [string, ...string[]],
  onConnection: (socket: Socket) => void,
): Promise<BoundPort> {
  const candidates = plan.kind === 'any' ? new Array<number>(ANY_PORT_ATTEMPTS).fill(0) : plan.candidates
  let tried = 0
  let taken: PgctlError | undefined
  for (const port of candidates) {
    tried++
    try {
      return await bindTogether(addresses, port, onConnection)
    } catch (error) {
      if (!isPgctlError(error, 'port-taken') || plan.kind === 'exact') throw error
      taken = error
    }
  }
  throw allPortsTaken(tried, taken)
}

/** One port on all addresses, or nothing. */
async function bindTogether(
  [first, ...others]: readonly [string, ...string[]],
  wanted: number,
  onConnection: (socket: Socket) => void,
): Promise<BoundPort> {
  const server = await bindOne(first, wanted, onConnection)
  if (server === undefined) throw noSuchAddress(first)
  const servers = [server]
  const bound: [string, ...string[]] = [first]
  const port = portOf(server)
  let missing: string | undefined
  try {
    for (const address of others) {
      const twin = await bindOne(address, port, onConnection)
      if (twin === undefined) missing = address
      else {
        servers.push(twin)
        bound.push(address)
      }
    }
  } catch (error) {
    await closeAll(servers)
    throw error
  }
  return { port, addresses: bound, missing, servers }
}

/** A server on one address, closed to everybody yet; undefined when this computer does not have the address. */
async function bindOne(
  address: string,
  port: number,
  onConnection: (socket: Socket) => void,
): Promise<Server | undefined> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection)
  // A port that is given up again because its twin is taken must not have answered anyone.
  server.maxConnections = 0
  try {
    server.listen({ host: address, port, ipv6Only: address === '::1' })
    await once(server, 'listening')
    return server
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? ''
    if (NO_SUCH_ADDRESS.has(errno)) return undefined
    throw errno === 'EADDRINUSE' ? portTaken(port, address, error) : bindRefused(port, address, error)
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return address.port
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
}

function noSuchAddress(address: string): PgctlError {
  return new PgctlError('usage', `this computer has no address ${address}`, {
    next: 'leave out --bind to listen on the loopback addresses',
  })
}

function bindRefused(port: number, address: string, cause: unknown): PgctlError {
  return new PgctlError('failed', `cannot listen on port ${port} of ${address}`, {
    why: messageOf(cause),
    next: 'take another port: --port 0 for any free one; those below 1024 may need a privilege',
    cause,
  })
}
