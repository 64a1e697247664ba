/**
 * Several byte streams in one WebSocket, as Kubernetes multiplexes them: the first byte of each message names the
 * channel. In the fifth version of the protocol, 255 followed by a channel's number closes that channel.
 */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import type { Bytes } from '#core/clock.ts'
import { badRequest } from './status.ts'

const CLOSE_CHANNEL = 255
const BUFFER_LIMIT: Bytes = 1024 * 1024
const MESSAGE_LIMIT: Bytes = 32 * 1024 * 1024
const BEARER_PROTOCOL = 'base64url.bearer.authorization.k8s.io.'

export type ChannelProtocol = 'v4.channel.k8s.io' | 'v5.channel.k8s.io'

/** Something that can be told to wait while the client reads slowly. */
export interface Pausable {
  pause(): unknown
  resume(): unknown
}

export interface ChannelHandlers {
  readonly onData: (channel: number, data: Buffer) => void
  /** The client will send nothing more on a channel (fifth version only). */
  readonly onChannelEnd: (channel: number) => void
  /** The connection is gone, or was closed by the client. */
  readonly onClose: () => void
}

/** The protocols that a request offers, without the one that carries a token. */
function offeredProtocols(request: IncomingMessage): string[] {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  return offered.filter((name) => name !== '' && !name.startsWith(BEARER_PROTOCOL))
}

/** The bearer token that a browser's WebSocket sends as a protocol, having no other place for it. */
export function bearerOfProtocols(request: IncomingMessage): string | undefined {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const encoded = offered.find((name) => name.startsWith(BEARER_PROTOCOL))?.slice(BEARER_PROTOCOL.length)
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64url').toString()
}

/** The first of `supported` that the client offers, in the client's order. Throws the API server's 400. */
export function negotiateProtocol<P extends ChannelProtocol>(
  request: IncomingMessage,
  supported: readonly P[],
): P {
  // SPDY, and a connection that is no upgrade at all, end here too.
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') throw badRequest('Upgrade request required')
  const offered = offeredProtocols(request)
  for (const name of offered) {
    const chosen = supported.find((protocol) => protocol === name)
    if (chosen !== undefined) return chosen
  }
  throw badRequest(
    `requested protocol(s) are not supported: [${offered.join(' ')}]; supports [${supported.join(' ')}]`,
  )
}

/** One client's WebSocket. */
export class ChannelSocket {
  readonly #socket: WebSocket
  readonly #waiting = new Set<Pausable>()

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  /** Completes the handshake; `serve` makes the handlers once the client can be written to. */
  static accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    protocol: ChannelProtocol,
    serve: (channels: ChannelSocket) => ChannelHandlers,
  ): void {
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: MESSAGE_LIMIT,
      handleProtocols: () => protocol,
    })
    server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => webSocket.terminate())
      const handlers = serve(new ChannelSocket(webSocket))
      webSocket.on('message', (message) => {
        const [channel = 0, ...closed] = (message as Buffer).subarray(0, 2)
        if (channel === CLOSE_CHANNEL && protocol === 'v5.channel.k8s.io')
          handlers.onChannelEnd(closed[0] ?? 0)
        else handlers.onData(channel, (message as Buffer).subarray(1))
      })
      webSocket.once('close', handlers.onClose)
    })
  }

  /** Sends data on a channel; `source` waits while the client is too far behind. */
  send(channel: number, data: Uint8Array, source?: Pausable): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return
    const message = Buffer.allocUnsafe(data.length + 1)
    message[0] = channel
    message.set(data, 1)
    this.#socket.send(message, () => this.#resumeSources())
    if (source && this.#socket.bufferedAmount > BUFFER_LIMIT && !this.#waiting.has(source)) {
      this.#waiting.add(source)
      source.pause()
    }
  }

  /** Stops reading from the client until `resume`, so that TCP tells it to wait. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Closes in good order, after everything that was sent. */
  close(): void {
    this.#socket.close(1000)
  }

  #resumeSources(): void {
    if (this.#socket.bufferedAmount > BUFFER_LIMIT / 2) return
    for (const source of this.#waiting) source.resume()
    this.#waiting.clear()
  }
}
