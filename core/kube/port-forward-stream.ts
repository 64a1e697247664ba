import { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { Bytes, Clock, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { PodPort } from '#core/kube/port-forward.ts'

/*
 * v4.channel.k8s.io with one port:
 *
 *   binary message = channel (1 byte) | bytes          channel 0: the connection's data
 *                                                      channel 1: why it failed, in words
 *   The first message of each channel holds the port, 2 bytes, little-endian.
 */
const DATA = 0
const ERROR = 1
const ANNOUNCEMENT: Bytes = 2

/** Larger writes go out in pieces, so that memory for one message stays small at both ends. */
const PIECE: Bytes = 64 * 1024

/** How long our end of input is held back while nothing comes from the pod. */
const HALF_CLOSE_GRACE: Ms = 30_000

const CLOSED_NORMALLY = 1000
/** A close frame without a code; a connection that ends without any close frame is 1006, and broken. */
const CLOSED_WITHOUT_CODE = 1005

/**
 * A TCP connection into a pod as a Duplex, over a WebSocket that is open and paused.
 *
 * **Ends.** The protocol has no half-close: closing is for both directions. So `end()` sends nothing: the pod's
 * answer keeps coming, and the connection closes when the pod ends it, or after {@link HALF_CLOSE_GRACE} without a
 * byte from it. `'end'` is the pod's end, of both directions: what is written later goes nowhere.
 *
 * **Failure.** What the error channel says destroys the stream as `far-end-refused`; a WebSocket that goes away
 * without a close frame as `session-lost`, since bytes may be missing.
 *
 * **Backpressure.** A write is called back when the socket has taken it; what nobody reads stops the WebSocket
 * being read, pings included.
 */
export class PortForwardStream extends Duplex {
  readonly #socket: WebSocket
  readonly #target: PodPort
  readonly #clock: Clock
  /** Channels that have named their port. */
  readonly #announced = new Set<number>()
  #words = ''
  #received: Bytes = 0
  #finish: ((error?: Error) => void) | undefined
  #cancelGrace = () => {}

  constructor(socket: WebSocket, target: PodPort, clock: Clock) {
    super({ allowHalfOpen: true, emitClose: true })
    this.#socket = socket
    this.#target = target
    this.#clock = clock
    socket.on('message', (data, binary) => this.#receive(data, binary))
    socket.on('close', (code) => this.#closed(code))
    socket.on('error', (error) => this.destroy(this.#broken(error.message, error)))
    socket.resume()
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (chunk.length === 0 || this.#socket.readyState !== this.#socket.OPEN) {
      done()
      return
    }
    for (let start = 0; start < chunk.length; start += PIECE) {
      const piece = chunk.subarray(start, start + PIECE)
      const message = Buffer.allocUnsafe(piece.length + 1)
      message[0] = DATA
      message.set(piece, 1)
      const last = start + PIECE >= chunk.length
      this.#socket.send(message, last ? (error) => this.#written(error, done) : undefined)
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finish = done
    this.#holdEnd()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#cancelGrace()
    this.#finishInput()
    this.#socket.terminate()
    done(error)
  }

  #receive(data: RawData, binary: boolean): void {
    if (this.destroyed) return
    const message = data as Buffer
    const channel = message[0]
    const body = message.subarray(1)
    if (!binary || (channel !== DATA && channel !== ERROR))
      this.#violation(binary ? `a message on channel ${channel}` : 'a text message')
    else if (!this.#announced.has(channel)) this.#readAnnouncement(channel, body)
    else if (channel === ERROR) this.#refused(body)
    else this.#deliver(body)
  }

  #readAnnouncement(channel: number, body: Buffer): void {
    const right = body.length === ANNOUNCEMENT && body.readUInt16LE() === this.#target.port
    if (right) this.#announced.add(channel)
    else this.#violation(`channel ${channel} does not begin with port ${this.#target.port}`)
  }

  #deliver(body: Buffer): void {
    if (body.length === 0) return
    this.#received += body.length
    if (this.#finish !== undefined) this.#holdEnd()
    if (!this.push(body)) this.#socket.pause()
  }

  /** The words may come in several messages; the close that follows says that they are complete. */
  #refused(body: Buffer): void {
    this.#words = (this.#words + body.toString('utf8')).slice(0, 2_000)
  }

  #closed(code: number): void {
    if (this.destroyed) return
    if (this.#words !== '') this.destroy(this.#refusal())
    else if (code === CLOSED_NORMALLY || code === CLOSED_WITHOUT_CODE) this.#endInOrder()
    else this.destroy(this.#broken(`the WebSocket closed with code ${code}`))
  }

  /** Both directions are over; what is still written goes nowhere, as in a TCP connection that the peer closed. */
  #endInOrder(): void {
    this.#cancelGrace()
    this.push(null)
    this.#finishInput()
  }

  #holdEnd(): void {
    this.#cancelGrace()
    if (this.#socket.readyState !== this.#socket.OPEN) this.#finishInput()
    else this.#cancelGrace = this.#clock.after(HALF_CLOSE_GRACE, () => this.#endGrace())
  }

  /** While our own reader is slow, the silence is not the pod's. */
  #endGrace(): void {
    if (this.#socket.isPaused) this.#holdEnd()
    else this.#socket.close(CLOSED_NORMALLY)
  }

  #finishInput(): void {
    const finish = this.#finish
    this.#finish = undefined
    finish?.()
  }

  /** A write that meets the close has no error of its own: the close tells how the connection ended. */
  #written(error: Error | undefined | null, done: (error?: Error | null) => void): void {
    const closing = this.#socket.readyState !== this.#socket.OPEN
    done(error && !closing ? this.#broken(error.message, error) : null)
  }

  #refusal(): PgctlError {
    const { pod, port } = this.#target
    const what =
      this.#received === 0
        ? `the pod ${pod} refused port ${port}`
        : `the pod ${pod} broke the connection to port ${port}`
    return new PgctlError('far-end-refused', what, { why: this.#words.trim() })
  }

  #broken(why: string, cause?: unknown): PgctlError {
    const { pod, port } = this.#target
    return new PgctlError('session-lost', `the connection to port ${port} of the pod ${pod} was cut`, {
      why,
      cause,
    })
  }

  #violation(what: string): void {
    this.destroy(
      new PgctlError('protocol-violation', 'the cluster does not speak the protocol of port-forward', {
        why: what,
      }),
    )
  }
}
