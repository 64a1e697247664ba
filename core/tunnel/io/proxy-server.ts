import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock, Ms } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { type Cause, causeOf } from '#core/tunnel/events.ts'
import { formatHostPort } from '#core/tunnel/host-port.ts'
import { bindPort } from '#core/tunnel/io/bind.ts'
import { joinStreams } from '#core/tunnel/io/join.ts'
import type { PortPlan } from '#core/tunnel/local-port.ts'
import type { Credentials, Destination, ProxyHandshake, ProxyStep } from '#core/tunnel/proxy/handshake.ts'
import { HttpHandshake } from '#core/tunnel/proxy/http-connect.ts'
import { Socks5Handshake } from '#core/tunnel/proxy/socks5.ts'

/** How long a client may take to say where it wants to go. */
const HANDSHAKE_WITHIN: Ms = 10_000
const MAX_CONNECTIONS = 500

/** What happens to the clients of a proxy. */
export type ProxyEvent =
  | { readonly event: 'connection-opened'; readonly connection: number; readonly to: string }
  | {
      readonly event: 'connection-closed'
      readonly connection: number
      readonly to: string
      readonly sent: number
      readonly received: number
      readonly cause?: Cause | undefined
    }
  /** A client that was sent away; `to` is where it wanted to go, if it came to say so. */
  | { readonly event: 'refused'; readonly to?: string | undefined; readonly why: string }

export interface ProxyOptions {
  readonly plan: PortPlan
  readonly credentials: Credentials
  readonly clock: Clock
  /** Opens the far end. @throws PgctlError; `permission-denied` for a place that is not the proxy's to lead to. */
  readonly connect: (to: Destination, signal: AbortSignal) => Promise<Duplex>
  readonly report: (event: ProxyEvent) => void
}

/** A SOCKS5 and HTTP proxy on one port of both loopbacks. Disposal cuts its connections. */
export class ProxyServer implements AsyncDisposable {
  readonly address: string
  readonly port: number
  readonly #stop: () => Promise<void>

  private constructor(address: string, port: number, stop: () => Promise<void>) {
    this.address = address
    this.port = port
    this.#stop = stop
  }

  /** @throws PgctlError `port-taken`, `failed` */
  static async open(options: ProxyOptions): Promise<ProxyServer> {
    const over = new AbortController()
    const serving = new Set<Promise<void>>()
    let count = 0
    const bound = await bindPort(options.plan, ['127.0.0.1', '::1'], (socket) => {
      const client = new ProxyClient(options, socket, ++count, over.signal)
      const done = client.serve().finally(() => serving.delete(done))
      serving.add(done)
    })
    for (const server of bound.servers) server.maxConnections = MAX_CONNECTIONS
    return new ProxyServer(bound.addresses[0], bound.port, async () => {
      over.abort(new PgctlError('interrupted', 'the proxy was closed'))
      await Promise.all(bound.servers.map((server) => new Promise((resolve) => server.close(resolve))))
      await Promise.all(serving)
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop()
  }
}

/** One client, from its first byte to its last. */
class ProxyClient {
  readonly #options: ProxyOptions
  readonly #socket: Socket
  readonly #number: number
  readonly #signal: AbortSignal

  constructor(options: ProxyOptions, socket: Socket, number: number, signal: AbortSignal) {
    this.#options = options
    this.#socket = socket
    this.#number = number
    this.#signal = signal
  }

  async serve(): Promise<void> {
    const socket = this.#socket
    socket.on('error', () => {
      // 'close' follows and tells.
    })
    const cut = () => socket.destroy()
    this.#signal.addEventListener('abort', cut, { once: true })
    const cancel = this.#options.clock.after(HANDSHAKE_WITHIN, cut)
    try {
      const step = await this.#greet()
      cancel()
      if (step?.do === 'connect') await this.#carry(step)
      else if (step !== undefined) this.#options.report({ event: 'refused', why: step.why })
    } finally {
      cancel()
      this.#signal.removeEventListener('abort', cut)
      if (!socket.destroyed) socket.end()
    }
  }

  /** Speaks with the client until it is known where to; undefined when it has gone away. */
  async #greet(): Promise<Exclude<ProxyStep, { do: 'answer' }> | undefined> {
    const socket = this.#socket
    let handshake: ProxyHandshake | undefined
    const { promise, resolve } = Promise.withResolvers<Exclude<ProxyStep, { do: 'answer' }> | undefined>()
    const onData = (bytes: Buffer) => {
      handshake ??= bytes[0] === 5 ? new Socks5Handshake(this.#options.credentials) : this.#http()
      for (const step of handshake.push(bytes)) {
        if (step.do === 'answer') socket.write(step.bytes)
        else {
          socket.off('data', onData)
          socket.pause()
          resolve(step)
        }
      }
    }
    const onGone = () => resolve(undefined)
    socket.on('data', onData)
    socket.once('end', onGone)
    socket.once('close', onGone)
    try {
      return await promise
    } finally {
      socket.off('data', onData)
      socket.off('end', onGone)
      socket.off('close', onGone)
    }
  }

  #http(): ProxyHandshake {
    return new HttpHandshake(this.#options.credentials)
  }

  async #carry({ to, accepted, refused, first }: Extract<ProxyStep, { do: 'connect' }>): Promise<void> {
    const { clock, connect, report } = this.#options
    const socket = this.#socket
    const name = formatHostPort(to.host, to.port)
    const gone = new AbortController()
    const onGone = () => gone.abort(new PgctlError('failed', 'the local client broke the connection'))
    socket.once('close', onGone)
    let remote: Duplex
    try {
      remote = await connect(to, AbortSignal.any([gone.signal, this.#signal]))
    } catch (error) {
      const isOurs = isPgctlError(error, 'permission-denied')
      const { message, why } = causeOf(error)
      report({ event: 'refused', to: name, why: why ?? message })
      if (!socket.destroyed) socket.end(refused(isOurs ? 'not-allowed' : 'unreachable'))
      return
    } finally {
      socket.off('close', onGone)
    }
    report({ event: 'connection-opened', connection: this.#number, to: name })
    if (accepted.length > 0) socket.write(accepted)
    if (first.length > 0) remote.write(first)
    const traffic = { sent: first.length, received: 0 }
    const abort = new AbortController()
    const signal = AbortSignal.any([abort.signal, this.#signal])
    const joined = joinStreams({ local: socket, remote, traffic, clock, onPassage: () => {}, signal })
    socket.resume()
    const failure = await joined
    const cause = failure === undefined ? undefined : causeOf(failure)
    report({ event: 'connection-closed', connection: this.#number, to: name, ...traffic, cause })
  }
}
