import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** A TCP server on the loopback that a test scripts, and whose connections it can look at. */
export class FarEnd implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly sockets = new Set<Socket>()
  readonly #server: Server
  readonly #waiting: Array<(socket: Socket) => void> = []
  readonly #accepted: Socket[] = []

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
      socket.on('error', () => {
        // A test that looks at resets listens for itself.
      })
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#accepted.push(socket)
      else waiting(socket)
    })
  }

  /** `serve` takes over every connection; without it they are there for {@link accept}. */
  static async start(serve?: (socket: Socket) => void): Promise<FarEnd> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => serve?.(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FarEnd(server)
  }

  /** The next connection that nobody has taken yet. */
  async accept(): Promise<Socket> {
    const socket = this.#accepted.shift()
    return socket ?? new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Takes no more connections: its port is free again when this returns. */
  async stopListening(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    for (const socket of this.sockets) socket.destroy()
    await once(this.#server, 'close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopListening()
  }
}

/** Gives back what comes, and ends when the other side does. */
export function echo(socket: Socket): void {
  socket.pipe(socket)
}

/** A port of the loopback on which nothing listens. */
export async function closedPort(): Promise<number> {
  const far = await FarEnd.start()
  await far.stopListening()
  return far.port
}
