import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import type { Clock, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { withFileLock } from '#core/io/file-lock.ts'
import { CONTROL_PROTOCOL, encodeLine, LineReader, parseHello } from '#core/tunnel/control/lines.ts'
import { causeOf } from '#core/tunnel/events.ts'
import { type ControlPlace, makePrivate, requirePrivate } from './place.ts'
import { drawNonce, isProof, prove, writeToken } from './proof.ts'

/** How long a client may take to say what it wants. */
const PATIENCE: Ms = 5_000
/** Clients at once: commands of one person. */
const MAX_CLIENTS = 200

/** One request of a client that has proved to be ours. */
export interface ControlCall {
  readonly version: string
  readonly request: Record<string, unknown>
  /** Aborts when the client has gone away. */
  readonly signal: AbortSignal
  event(event: object): void
}

export interface ControlOptions {
  readonly place: ControlPlace
  readonly version: string
  readonly clock: Clock
  /** Called while nobody else can start, before anyone can connect. */
  readonly prepare: () => void
  /** Its result is the answer; what it throws is told as an error. */
  readonly answer: (call: ControlCall) => Promise<object>
}

export interface ControlServer extends AsyncDisposable {
  /** Clients that are connected. */
  readonly clients: number
}

/**
 * Listens on the control socket; what a supervisor that is gone has left there is taken away.
 * @throws PgctlError `state-conflict` where another supervisor listens; `permission-denied` of {@link requirePrivate}.
 */
export async function serveControl(options: ControlOptions): Promise<ControlServer> {
  const { place, clock, prepare } = options
  makePrivate(place)
  return withFileLock(place.lock, clock, async () => {
    if (await isServed(place)) throw alreadyServed()
    rmSync(place.socket, { force: true })
    prepare()
    const control = new SocketControlServer(options, writeToken(place))
    await control.listen()
    return control
  })
}

/** Whether somebody takes connections there. */
async function isServed({ socket: path }: ControlPlace): Promise<boolean> {
  if (!requirePrivate(path, 'socket')) return false
  const socket = createConnection({ path })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

function alreadyServed(): PgctlError {
  return new PgctlError('state-conflict', 'another supervisor holds the background tunnels', {
    next: 'see its tunnels: pgctl tunnel list',
  })
}

class SocketControlServer implements ControlServer {
  readonly #options: ControlOptions
  readonly #token: string
  readonly #server: Server
  readonly #clients = new Set<Socket>()

  constructor(options: ControlOptions, token: string) {
    this.#options = options
    this.#token = token
    this.#server = createServer((socket) => this.#accept(socket))
    this.#server.maxConnections = MAX_CLIENTS
  }

  get clients(): number {
    return this.#clients.size
  }

  async listen(): Promise<void> {
    const { socket } = this.#options.place
    // From its first moment on the socket is for its owner alone.
    const before = process.umask(0o177)
    try {
      this.#server.listen({ path: socket })
    } finally {
      process.umask(before)
    }
    await once(this.#server, 'listening')
    chmodSync(socket, 0o600)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const client of this.#clients) client.end()
    await closed
  }

  #accept(socket: Socket): void {
    this.#clients.add(socket)
    const gone = new AbortController()
    socket.once('close', () => {
      this.#clients.delete(socket)
      gone.abort(new PgctlError('interrupted', 'the command that asked has ended'))
    })
    socket.on('error', () => {
      // 'close' follows and tells; an error without a listener would end the process.
    })
    void this.#serve(socket, gone.signal)
  }

  async #serve(socket: Socket, signal: AbortSignal): Promise<void> {
    const lines = new Lines(socket)
    const cancel = this.#options.clock.after(PATIENCE, () => socket.destroy())
    try {
      const { version } = await this.#admit(socket, lines)
      const request = await lines.next()
      cancel()
      const answer = await this.#answer({
        version,
        request,
        signal,
        event: (event) => write(socket, { event }),
      })
      write(socket, answer)
      socket.end()
    } catch {
      // Not one of ours, or gone in the middle of a word: there is nobody to tell.
      socket.destroy()
    } finally {
      cancel()
    }
  }

  async #answer(call: ControlCall): Promise<object> {
    try {
      return { result: await this.#options.answer(call) }
    } catch (error) {
      return { error: causeOf(error) }
    }
  }

  async #admit(socket: Socket, lines: Lines): Promise<{ version: string }> {
    const hello = parseHello(await lines.next())
    const nonce = drawNonce()
    const { version } = this.#options
    const proof = prove(this.#token, 'supervisor', hello.nonce, nonce)
    write(socket, { pgctl: CONTROL_PROTOCOL, version, pid: process.pid, nonce, proof })
    const { proof: given } = await lines.next()
    if (isProof(prove(this.#token, 'client', hello.nonce, nonce), given)) return { version: hello.version }
    throw new PgctlError('permission-denied', 'a client has not read the token')
  }
}

function write(socket: Socket, line: object): void {
  if (!socket.destroyed) socket.write(encodeLine(line))
}

/** The lines of one client, one at a time. */
class Lines {
  readonly #reader = new LineReader()
  readonly #ready: Record<string, unknown>[] = []
  #waiting: PromiseWithResolvers<Record<string, unknown>> | undefined
  #failure: unknown

  constructor(socket: Socket) {
    socket.on('data', (bytes) => {
      try {
        this.#ready.push(...this.#reader.feed(bytes))
      } catch (error) {
        this.#fail(error)
        socket.destroy()
      }
      this.#give()
    })
    socket.once('close', () => this.#fail(new PgctlError('interrupted', 'the client has gone away')))
  }

  next(): Promise<Record<string, unknown>> {
    const waiting = Promise.withResolvers<Record<string, unknown>>()
    this.#waiting = waiting
    this.#give()
    return waiting.promise
  }

  #give(): void {
    const line = this.#waiting === undefined ? undefined : this.#ready.shift()
    if (line !== undefined) this.#waiting?.resolve(line)
    else if (this.#failure !== undefined) this.#waiting?.reject(this.#failure)
    else return
    if (line !== undefined || this.#failure !== undefined) this.#waiting = undefined
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#give()
  }
}
