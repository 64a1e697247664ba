import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Instant } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { untilAborted } from '#core/tunnel/abortable.ts'
import { causeOf } from '#core/tunnel/events.ts'
import { joinStreams, type Traffic } from '#core/tunnel/io/join.ts'
import type { ListenRequest, OpenConnection } from '#core/tunnel/listener.ts'

interface Entry {
  readonly connection: OpenConnection
  readonly abort: AbortController
}

/** All connections of one listener, each from its accept until both of its sides are closed. */
export class Connections {
  readonly #request: Pick<ListenRequest, 'clock' | 'connect' | 'report'>
  readonly #open = new Map<number, Entry>()
  readonly #serving = new Set<Promise<void>>()
  #count = 0
  #lastActivity: Instant | undefined

  constructor(request: Pick<ListenRequest, 'clock' | 'connect' | 'report'>) {
    this.#request = request
  }

  /** Takes over a socket that was just accepted, of which nothing has been read. */
  accept(socket: Socket): void {
    const serving = this.#serve(socket).finally(() => this.#serving.delete(serving))
    this.#serving.add(serving)
  }

  list(): readonly OpenConnection[] {
    return [...this.#open.values()].map(({ connection }) => ({ ...connection }))
  }

  lastActivity(): Instant | undefined {
    return this.#lastActivity
  }

  /** Cuts every open connection, `error` being its cause. */
  abort(error: PgctlError): void {
    for (const { abort } of this.#open.values()) abort.abort(error)
  }

  /** Resolves once all connections of now are closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#serving)
  }

  async #serve(socket: Socket): Promise<void> {
    const { clock, report } = this.#request
    const abort = new AbortController()
    const number = ++this.#count
    const traffic = { connection: number, openedAt: clock.now().wall, sent: 0, received: 0 }
    this.#open.set(number, { connection: traffic, abort })
    report({ event: 'connection-opened', connection: number, open: this.#open.size })

    const failure = await this.#carry(socket, traffic, abort)

    this.#open.delete(number)
    const { sent, received } = traffic
    const cause = failure === undefined ? undefined : causeOf(failure)
    report({ event: 'connection-closed', connection: number, open: this.#open.size, sent, received, cause })
  }

  /** Opens the far end and passes bytes until both sides are closed. What cut them is the result; nothing is thrown. */
  async #carry(socket: Socket, traffic: Traffic, abort: AbortController): Promise<unknown> {
    const { clock, connect } = this.#request
    const onGone = () => abort.abort(new PgctlError('failed', 'the local client broke the connection'))
    socket.once('close', onGone)
    socket.on('error', () => {
      // 'close' follows and tells; an error without a listener would end the process.
    })
    try {
      const remote = await openWanted(connect(abort.signal), abort.signal)
      socket.off('close', onGone)
      const onPassage = () => {
        this.#lastActivity = clock.now()
      }
      return await joinStreams({ local: socket, remote, traffic, clock, onPassage, signal: abort.signal })
    } catch (error) {
      if (!socket.destroyed) socket.resetAndDestroy()
      return error
    }
  }
}

/** Waits for a connection no longer than it is wanted; one that comes too late is destroyed. */
async function openWanted(connecting: Promise<Duplex>, signal: AbortSignal): Promise<Duplex> {
  try {
    return await untilAborted(connecting, signal)
  } catch (error) {
    if (signal.aborted) connecting.then(discard, () => undefined)
    throw error
  }
}

function discard(remote: Duplex): void {
  remote.on('error', () => {
    // Nobody is left to be told.
  })
  remote.destroy()
}
