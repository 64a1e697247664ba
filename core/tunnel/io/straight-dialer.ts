import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { Dialer, DialerEvent } from '#core/tunnel/dialer.ts'
import { EventChannel } from '#core/tunnel/event-source.ts'
import { formatHostPort } from '#core/tunnel/host-port.ts'

/** Straight to a host and port, from a machine that reaches it by itself: the bastion. There is no session to open. */
export class StraightDialer implements Dialer {
  readonly route = 'direct'
  readonly halfClose = true
  readonly events = new EventChannel<DialerEvent>()
  readonly #to: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Socket>()
  #failure: PgctlError | undefined

  constructor(to: { readonly host: string; readonly port: number }) {
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
    this.stop(new PgctlError('session-ended', 'the way was closed'))
  }

  protected stop(error: PgctlError): void {
    this.#failure ??= error
    for (const socket of this.#sockets) socket.destroy(this.#failure)
  }

  #refused(cause: unknown): PgctlError {
    const { host, port } = this.#to
    return new PgctlError('far-end-refused', `${formatHostPort(host, port)} does not take the connection`, {
      why: messageOf(cause),
      next: "see that it is there, and that the bastion's firewall lets it out: /etc/pgctl/reach.nft",
      cause,
    })
  }
}
