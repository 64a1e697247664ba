import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { PgctlError } from '#core/errors.ts'
import type { Dialer, DialerEvent } from '#core/tunnel/dialer.ts'
import { EventChannel } from '#core/tunnel/event-source.ts'

/** The plainest route there is: TCP to a host and port. It carries everything that a route can carry. */
export class TcpDialer implements Dialer {
  readonly route = 'direct'
  readonly halfClose = true
  readonly events = new EventChannel<DialerEvent>()
  readonly #to: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Socket>()
  #failure: PgctlError | undefined
  /** How many connections were asked for. */
  connects = 0

  constructor(to: { host: string; port: number }) {
    this.#to = to
  }

  async connect(signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
    this.connects++
    const socket = createConnection({ ...this.#to, allowHalfOpen: true, noDelay: true })
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const ignore = () => {}
    socket.on('error', ignore)
    try {
      await once(socket, 'connect', signal && { signal })
      // From here on a failure is the caller's to see.
      socket.off('error', ignore)
    } catch (cause) {
      socket.destroy()
      signal?.throwIfAborted()
      throw this.#failure ?? new PgctlError('far-end-refused', 'the far end refuses', { cause })
    }
    return socket
  }

  roundTrip(): undefined {
    return undefined
  }

  /** Ends the route, as a session that is terminated from elsewhere does. */
  end(error: PgctlError): void {
    this.#stop(error)
    this.events.emit({ event: 'ended', error })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop(new PgctlError('session-ended', 'the route was closed'))
  }

  #stop(error: PgctlError): void {
    this.#failure ??= error
    for (const socket of this.#sockets) socket.destroy(this.#failure)
  }
}
