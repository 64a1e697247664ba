import { connect, type Socket } from 'node:net'
import { destinationOf } from '#sandbox/agent/destination.ts'
import type { Handler, HandlerHost } from '#sandbox/agent/io/handler.ts'
import type { PortProperties } from '#sandbox/agent/job.ts'
import type { WorldPorts } from '#sandbox/world.ts'

/** A port session with many connections: each stream is one TCP connection to the same host and port. */
export class MuxPortHandler implements Handler {
  readonly #host: HandlerHost
  readonly #port: PortProperties
  readonly #world: WorldPorts
  readonly #sockets = new Map<number, Socket>()
  #flowing = true

  constructor(host: HandlerHost, port: PortProperties, world: WorldPorts) {
    this.#host = host
    this.#port = port
    this.#world = world
  }

  openStream(stream: number): void {
    const destination = destinationOf(this.#port.host, this.#port.port, this.#world)
    if (destination.kind === 'dial') this.#connect(stream, destination.loopbackPort)
    else this.#refuse(stream)
  }

  #connect(stream: number, port: number): void {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.#sockets.set(stream, socket)
    let connected = false
    socket.once('connect', () => {
      connected = true
    })
    if (!this.#flowing) socket.pause()
    socket.on('data', (bytes) => {
      this.#host.writeStream(stream, bytes)
    })
    // The far side's end closes both directions, as does the client's: what is on its way back is lost.
    socket.on('end', () => this.#close(stream))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (connected) this.#close(stream)
      else if (this.#sockets.has(stream)) this.#refuse(stream)
    })
  }

  streamData(stream: number, bytes: Uint8Array): void {
    const taken = () => {
      this.#host.consumed(bytes.length, stream)
    }
    const socket = this.#sockets.get(stream)
    if (socket === undefined) taken()
    else socket.write(bytes, taken)
  }

  streamEnd(stream: number): void {
    const socket = this.#sockets.get(stream)
    if (socket !== undefined) socket.end(() => socket.destroy())
    else this.#host.closeStream(stream)
  }

  flow(open: boolean): void {
    if (open === this.#flowing) return
    this.#flowing = open
    for (const socket of this.#sockets.values()) {
      if (open) socket.resume()
      else socket.pause()
    }
  }

  async stop(): Promise<void> {
    const closing = [...this.#sockets.values()].map(destroyed)
    this.#sockets.clear()
    await Promise.all(closing)
  }

  input(): void {}
  resize(): void {}
  disconnect(): void {}

  #close(stream: number): void {
    const socket = this.#sockets.get(stream)
    if (socket === undefined) return
    this.#sockets.delete(stream)
    socket.end(() => socket.destroy())
    this.#host.closeStream(stream)
  }

  #refuse(stream: number): void {
    this.#sockets.delete(stream)
    this.#host.refuseStream(stream)
  }
}

/** Destroys a socket and resolves when it is closed. */
export function destroyed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve()
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.destroy()
  })
}
