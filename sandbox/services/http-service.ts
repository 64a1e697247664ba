/** What every HTTP service of the sandbox shares: a loopback listener, the guard, and an end that leaves nothing. */

import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { refusalOf } from './host-guard.ts'

/** A service that listens on 127.0.0.1 until it is disposed of. */
export interface RunningService {
  readonly port: number
  /** Closes the listener and every connection, upgraded ones included; resolves when all are gone. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface HttpService extends RunningService {
  /** Resets the connection that comes from this port of a client; what is on its way is lost. */
  reset(remotePort: number): void
}

export interface HttpServiceOptions {
  /** The loopback port to take; a free one when absent or 0. */
  readonly port?: number | undefined
  /** Serves TLS with this certificate chain and key, both PEM. */
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined
  /** Called for every request that the guard lets through; a rejection becomes a 500 and closes the connection. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>
  /** Takes over a connection whose request asks for an upgrade; without it such requests are served plainly. */
  readonly upgrade?: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined
}

/** Starts an HTTP service on loopback. Rejects with the listen error, as EADDRINUSE. */
export async function startHttpService(options: HttpServiceOptions): Promise<HttpService> {
  const server: Server = options.tls
    ? createTlsServer({ cert: options.tls.certificate, key: options.tls.key, ALPNProtocols: ['http/1.1'] })
    : createServer()
  // A client may end its side once it has asked; Node would drop the answer, real servers of the product do not.
  Object.assign(server, { httpAllowHalfOpen: true, requestTimeout: 0, keepAliveTimeout: 60_000 })
  server.on('request', (request, response) => void serve(options.handle, request, response))
  const { upgrade } = options
  if (upgrade) server.on('upgrade', (request, socket, head) => acceptUpgrade(upgrade, request, socket, head))

  const connections = new Set<Socket>()
  for (const event of ['connection', 'secureConnection'])
    server.on(event, (socket: Socket) => {
      connections.add(socket)
      socket.once('close', () => connections.delete(socket))
    })

  await listen(server, options.port ?? 0)
  return {
    port: (server.address() as AddressInfo).port,
    reset(remotePort) {
      // Only a plain socket can be reset: the one below TLS.
      for (const socket of connections)
        if (socket.remotePort === remotePort && !(socket instanceof TLSSocket)) socket.resetAndDestroy()
    },
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of connections) socket.destroy()
      await closed
    },
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function serve(
  handle: HttpServiceOptions['handle'],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refusal = refusalOf(request.headers)
  if (refusal) return sendJson(response, refusal.status, { error: refusal.reason })
  try {
    await handle(request, response)
  } catch (error) {
    if (response.headersSent || response.destroyed) response.destroy()
    else sendJson(response, 500, { error: error instanceof Error ? error.message : String(error) })
  }
}

function acceptUpgrade(
  upgrade: NonNullable<HttpServiceOptions['upgrade']>,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  socket.on('error', () => socket.destroy())
  const refusal = refusalOf(request.headers)
  if (refusal) refuseUpgrade(socket, refusal.status, { error: refusal.reason })
  else upgrade(request, socket, head)
}

/** Answers a request for an upgrade with an ordinary JSON response, and closes. */
export function refuseUpgrade(socket: Duplex, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
    // The server allows half-open connections, so a client that never ends its side would stay.
    () => socket.destroy(),
  )
}

/** Answers with `body` as JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : text)
}

/** The path and query of a request, whose target is a path (as browsers and tunnels send it). */
export function urlOf(request: IncomingMessage): URL {
  return new URL(request.url ?? '/', 'http://sandbox.localhost')
}
