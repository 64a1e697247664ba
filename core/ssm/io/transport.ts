import type { Socket } from 'node:net'
import WebSocket from 'ws'
import type { Bytes, Clock, Ms } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { OutboundAgents } from '#core/io/outbound.ts'

/** NAT and VPN devices forget an idle connection after 60 s; two pings fit into that. */
const PING_EVERY: Ms = 25_000
/** A WebSocket that does not answer a ping within this is dead, whatever TCP believes. */
const PONG_WITHIN: Ms = 10_000
/** How often the wall clock is held against the monotonic one: a jump means that the computer slept. */
const SLEEP_CHECK_EVERY: Ms = 5_000
const SLEEP_JUMP: Ms = 10_000
/** After a sleep the pong comes quickly or the connection is gone. */
const PONG_AFTER_SLEEP: Ms = 3_000
const CONNECT_WITHIN: Ms = 15_000
/** Frames larger than this are no Session Manager messages; the agent's largest are 32 KiB and a header. */
const LARGEST_FRAME = 16 * 1024 * 1024
/** Bytes waiting in the socket beyond which no more is handed to it. */
const HIGH_WATER = 1024 * 1024

export interface TransportOptions {
  readonly url: URL
  /** The first frame, text: it carries the token, so it is never logged. */
  readonly openFrame: string
  /** Proxies and certificate authorities, the same as for every other request. */
  readonly agents: OutboundAgents
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  readonly handler: TransportHandler
}

/** What the owner of a transport is told; never called again after `down`. */
export interface TransportHandler {
  /** One binary frame; the bytes are the handler's to keep. */
  frame(bytes: Uint8Array): void
  /** All frames of one read of the socket have been delivered. */
  drained(): void
  /** The socket takes frames again after its room was spent. */
  writable(): void
  /** The WebSocket is gone; `reason` is for people. */
  down(reason: string): void
}

/** One open WebSocket to the message gateway. It carries frames and knows nothing of their content. */
export interface Transport {
  /** The URL's host, for messages. */
  readonly host: string
  /** Hands one frame over. Where `room` is spent, `writable` will follow. */
  send(frame: Uint8Array): void
  /** Bytes that the socket still takes before it is full. */
  readonly room: Bytes
  /** Runs `action` and writes all that it sent in as few system calls as possible. */
  corked(action: () => void): void
  /** Stops and restarts the reading of the socket; pongs cannot be seen meanwhile, so none is waited for. */
  pause(): void
  resume(): void
  /** Closes in order, and at once if the far side does not answer. */
  close(): void
}

/**
 * Opens a WebSocket and sends the open-data-channel frame.
 * @throws PgctlError `endpoint-unreachable` when it cannot be opened, or not within 15 s; the signal's reason.
 */
export function openTransport(options: TransportOptions): Promise<Transport> {
  const { url, clock, signal, handler } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    let raw: Socket | undefined
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: LARGEST_FRAME,
      followRedirects: false,
      agent: url.protocol === 'wss:' ? options.agents.https : options.agents.http,
    })
    socket.binaryType = 'nodebuffer'
    const giveUp = (error: unknown) => {
      cancelTimeout()
      signal?.removeEventListener('abort', onAbort)
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.terminate()
      reject(error)
    }
    const onAbort = () => giveUp(signal?.reason)
    const refused = (why: string, cause?: unknown) =>
      giveUp(
        new PgctlError('endpoint-unreachable', `cannot open the session's data channel at ${url.host}`, {
          why,
          next: 'check the network, the proxy and the endpoints for ssmmessages, then run the command again',
          cause,
        }),
      )
    const cancelTimeout = clock.after(CONNECT_WITHIN, () =>
      refused(`no answer within ${CONNECT_WITHIN / 1000} s`),
    )
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('error', (error) => refused(messageOf(error), error))
    socket.once('upgrade', (response) => {
      raw = response.socket
    })
    socket.once('unexpected-response', (_request, response) =>
      refused(`the gateway answered HTTP ${response.statusCode}`),
    )
    socket.once('open', () => {
      cancelTimeout()
      signal?.removeEventListener('abort', onAbort)
      socket.removeAllListeners()
      raw?.setNoDelay(true)
      socket.send(options.openFrame)
      resolve(new WebSocketTransport(socket, raw as Socket, url.host, clock, handler))
    })
  })
}

class WebSocketTransport implements Transport {
  readonly host: string
  readonly #socket: WebSocket
  readonly #raw: Socket
  readonly #clock: Clock
  readonly #handler: TransportHandler
  #cancelPing = () => {}
  #cancelPong = () => {}
  #cancelSleepCheck = () => {}
  #readEnds = false
  #paused = false
  #down = false

  constructor(socket: WebSocket, raw: Socket, host: string, clock: Clock, handler: TransportHandler) {
    this.host = host
    this.#socket = socket
    this.#raw = raw
    this.#clock = clock
    this.#handler = handler
    socket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary))
    socket.on('pong', () => this.#cancelPong())
    socket.on('close', (code, reason) => this.#goDown(describeClose(code, String(reason))))
    socket.on('error', (error) => this.#goDown(messageOf(error)))
    raw.on('drain', () => {
      if (!this.#down) this.#handler.writable()
    })
    this.#schedulePing()
    this.#watchForSleep()
  }

  get room(): Bytes {
    return this.#down ? 0 : Math.max(0, HIGH_WATER - this.#raw.writableLength)
  }

  send(frame: Uint8Array): void {
    if (!this.#down) this.#socket.send(frame, { binary: true })
  }

  corked(action: () => void): void {
    this.#raw.cork()
    try {
      action()
    } finally {
      this.#raw.uncork()
    }
  }

  pause(): void {
    if (this.#down) return
    this.#paused = true
    this.#cancelPong()
    this.#socket.pause()
  }

  resume(): void {
    if (this.#down) return
    this.#paused = false
    this.#socket.resume()
  }

  close(): void {
    this.#stop()
    this.#socket.close(1000)
    // What the far side has not answered after a moment is not worth waiting for.
    const cancel = this.#clock.after(500, () => this.#socket.terminate())
    this.#socket.once('close', cancel)
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#down || !isBinary) return
    this.#handler.frame(data)
    if (this.#readEnds) return
    // All frames of one read are delivered synchronously; the microtask runs behind the last of them.
    this.#readEnds = true
    queueMicrotask(() => {
      this.#readEnds = false
      if (!this.#down) this.#handler.drained()
    })
  }

  #schedulePing(): void {
    this.#cancelPing = this.#clock.after(PING_EVERY, () => {
      this.#ping(PONG_WITHIN)
      this.#schedulePing()
    })
  }

  #ping(pongWithin: Ms): void {
    this.#cancelPong()
    this.#socket.ping()
    if (this.#paused) return
    this.#cancelPong = this.#clock.after(pongWithin, () => {
      this.#socket.terminate()
      this.#goDown(`no answer to a ping within ${pongWithin / 1000} s`)
    })
  }

  #watchForSleep(): void {
    const { mono, wall } = this.#clock.now()
    this.#cancelSleepCheck = this.#clock.after(SLEEP_CHECK_EVERY, () => {
      const now = this.#clock.now()
      if (Math.abs(now.wall - wall - (now.mono - mono)) > SLEEP_JUMP) this.#ping(PONG_AFTER_SLEEP)
      this.#watchForSleep()
    })
  }

  #goDown(reason: string): void {
    if (this.#down) return
    this.#stop()
    this.#handler.down(reason)
  }

  #stop(): void {
    this.#down = true
    this.#cancelPing()
    this.#cancelPong()
    this.#cancelSleepCheck()
    this.#socket.removeAllListeners('message')
    this.#socket.on('error', () => {})
  }
}

function describeClose(code: number, reason: string): string {
  if (code === 1006) return 'the connection was lost'
  return reason === '' ? `closed with code ${code}` : `closed with code ${code}: ${reason}`
}
