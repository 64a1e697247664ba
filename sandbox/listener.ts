import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { refusalOf } from './services/host-guard.ts'
import { refuseUpgrade, sendJson } from './services/http-service.ts'

/** The first byte of a TLS connection: a handshake record. */
const TLS_HANDSHAKE = 0x16
/** Who connects and says nothing for this long is let go. */
const FIRST_BYTE_WITHIN = 30_000

export interface ListenerOptions {
  /** The port to take; when it is taken, or 0, a free one. */
  readonly port: number
  /** PEM. */
  readonly certificate: string
  readonly key: string
  /** By which it may be called beside those of this computer. */
  readonly names?: readonly string[]
  readonly request: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export interface Listener extends AsyncDisposable {
  readonly port: number
}

/** Listens on one port of 127.0.0.1 for plain HTTP and TLS alike. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const plain = createHttpServer()
  const secure = createHttpsServer({
    cert: options.certificate,
    key: options.key,
    ALPNProtocols: ['http/1.1'],
  })
  let port = 0
  for (const server of [plain, secure]) {
    // Connection pools of SDKs keep a connection longer than the default of five seconds.
    server.keepAliveTimeout = 60_000
    server.on('request', (request, response) => void serve(options, request, response, port))
    server.on('upgrade', (request, socket, head) => acceptUpgrade(options, request, socket, head, port))
  }
  const connections = new Set<Socket>()
  const doorman = createServer({ noDelay: true }, (socket) => {
    connections.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => connections.delete(socket))
    const giveUp = () => socket.destroy()
    socket.setTimeout(FIRST_BYTE_WITHIN, giveUp)
    socket.once('data', (first) => {
      socket.setTimeout(0, giveUp)
      socket.pause()
      socket.unshift(first)
      const server = first[0] === TLS_HANDSHAKE ? secure : plain
      server.emit('connection', socket)
      process.nextTick(() => socket.resume())
    })
  })
  port = await bind(doorman, options.port)
  return {
    port,
    async [Symbol.asyncDispose]() {
      if (!doorman.listening) return
      const closed = new Promise((resolve) => doorman.close(resolve))
      for (const socket of connections) socket.destroy()
      await closed
    },
  }
}

async function bind(server: Server, port: number): Promise<number> {
  try {
    return await bindExactly(server, port)
  } catch (error) {
    if (port === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return bindExactly(server, 0)
  }
}

function bindExactly(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

async function serve(
  options: ListenerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
): Promise<void> {
  const refusal = refusalAt(request, port, options.names ?? [])
  if (refusal !== undefined) {
    sendJson(response, refusal.status, { message: refusal.reason }, { connection: 'close' })
    return
  }
  try {
    await options.request(request, response)
  } catch (error) {
    if (response.headersSent || response.destroyed) response.destroy()
    else sendJson(response, 500, { message: error instanceof Error ? error.message : String(error) })
  }
}

function acceptUpgrade(
  options: ListenerOptions,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  port: number,
): void {
  socket.on('error', () => socket.destroy())
  const refusal = refusalAt(request, port, options.names ?? [])
  if (refusal === undefined) options.upgrade(request, socket, head)
  else refuseUpgrade(socket, refusal.status, { message: refusal.reason })
}

/**
 * No tunnel leads here, so the only names are those of this computer, with this very port; what stands before
 * `.localhost` is a bucket.
 */
function refusalAt(
  { headers }: IncomingMessage,
  port: number,
  more: readonly string[],
): ReturnType<typeof refusalOf> {
  const names = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]
  // A page in a browser is told by its Origin, whatever the name.
  if (more.includes(headers.host?.toLowerCase().replace(/:\d+$/, '') ?? '') && headers.origin === undefined)
    return undefined
  const host = headers.host?.toLowerCase().replace(/^[a-z0-9.-]+\.(?=localhost:)/, '')
  if (host !== undefined && !names.includes(host))
    return { status: 403, reason: `the sandbox does not answer to the host "${headers.host}"` }
  return refusalOf(headers)
}
