import { connect, type Socket } from 'node:net'
import { destinationOf } from '#sandbox/agent/destination.ts'
import type { Handler, HandlerHost } from '#sandbox/agent/io/handler.ts'
import { destroyed } from '#sandbox/agent/io/mux-port-handler.ts'
import type { PortProperties } from '#sandbox/agent/job.ts'
import type { WorldPorts } from '#sandbox/world.ts'

/**
 * A port session with one raw stream, as SSH and old clients use it.
 *
 * SSH's session ends with its connection. A forwarding one (an old client's) dials again when the client sends
 * something after the connection was lost.
 */
export class RawPortHandler implements Handler {
  readonly #host: HandlerHost
  readonly #port: PortProperties
  readonly #world: WorldPorts
  #socket: Socket | undefined
  #flowing = true

  constructor(host: HandlerHost, port: PortProperties, world: WorldPorts) {
    this.#host = host
    this.#port = port
    this.#world = world
    this.#dial()
  }

  input(bytes: Uint8Array): void {
    const taken = () => {
      this.#host.consumed(bytes.length)
    }
    if (this.#socket === undefined) this.#dial()
    const socket: Socket | undefined = this.#socket
    if (socket === undefined) taken()
    else socket.write(bytes, taken)
  }

  disconnect(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.destroy()
    if (!this.#port.multiplexed) this.#host.finish('')
  }

  flow(open: boolean): void {
    this.#flowing = open
    if (open) this.#socket?.resume()
    else this.#socket?.pause()
  }

  async stop(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined) await destroyed(socket)
  }

  resize(): void {}
  openStream(): void {}
  streamData(): void {}
  streamEnd(): void {}

  #dial(): void {
    const destination = destinationOf(this.#port.host, this.#port.port, this.#world)
    if (destination.kind === 'dial') this.#connect(destination.loopbackPort)
    else this.#refuse(destination.kind)
  }

  #connect(port: number): void {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.#socket = socket
    if (!this.#flowing) socket.pause()
    let connected = false
    socket.once('connect', () => {
      connected = true
      this.#host.ready()
    })
    socket.on('data', (bytes) => {
      this.#host.write(bytes)
    })
    socket.on('error', () => undefined)
    socket.on('end', () => this.#lost(socket))
    socket.on('close', () =>
      connected ? this.#lost(socket) : this.#socket === socket && this.#refuse('closed'),
    )
  }

  #lost(socket: Socket): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    socket.destroy()
    if (!this.#port.multiplexed) this.#host.finish('')
  }

  #refuse(reason: string): void {
    this.#socket = undefined
    const why = reason === 'closed' ? 'connect: connection refused' : 'no such host'
    this.#host.finish(
      `Unable to connect to specified port: dial tcp ${this.#port.host}:${this.#port.port}: ${why}`,
    )
  }
}
