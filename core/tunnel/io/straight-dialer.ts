import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { Dialer, DialerEvent } from '#core/tunnel/dialer.ts'
import { EventChannel } from '#core/tunnel/event-source.ts'

export interface HostAndPort {
  readonly host: string
  readonly port: number
}

/** The plainest route there is: TCP to a host and port, as the bastion itself has it. */
export class StraightDialer implements Dialer {
  readonly route = 'direct'
  readonly halfClose = true
  readonly events = new EventChannel<DialerEvent>()
  readonly #to: HostAndPort
  readonly #sockets = new Set<Socket>()
  #failure: PgctlError | undefined

  constructor(to: HostAndPort) {
    this.#to = to
  }

  async connect(signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
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
      throw this.#failure ?? this.#refused(cause)
    }
    return socket
  }

  roundTrip(): undefined {
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop(new PgctlError('session-ended', 'the route was closed'))
  }

  /** Ends every connection, and lets no other begin. */
  protected stop(error: PgctlError): void {
    this.#failure ??= error
    for (const socket of this.#sockets) socket.destroy(this.#failure)
  }

  #refused(cause: unknown): PgctlError {
    const { host, port } = this.#to
    return new PgctlError('far-end-refused', `${host}:${port} cannot be reached from here`, {
      why: messageOf(cause),
      next: 'see whether it runs, and whether its security group lets the bastion in: pgctl status',
      cause,
    })
  }
}
