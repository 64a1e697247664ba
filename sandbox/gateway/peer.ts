import type { Duplex } from 'node:stream'
import type WebSocket from 'ws'
import type { Bytes } from '#core/clock.ts'

/** Bytes waiting for a slow reader beyond which its sender is no longer read. */
const HIGH_WATER: Bytes = 4 * 1024 * 1024

export interface PeerHandler {
  /** One binary frame; the bytes are the handler's to keep. */
  frame(data: Uint8Array): void
  /** The connection takes frames again after `send` said that it is full. */
  writable(): void
  /** The WebSocket is gone, whoever ended it. */
  gone(): void
}

/** One open WebSocket: a client's, or one of an agent's. */
export class Peer {
  readonly #socket: WebSocket
  readonly #raw: Duplex
  #corked = false
  #paused = false

  /** `raw` is the stream below the WebSocket, where writes are put together. */
  constructor(socket: WebSocket, raw: Duplex) {
    this.#socket = socket
    this.#raw = raw
  }

  /** Starts to hand over what arrives. */
  listen(handler: PeerHandler): void {
    this.#socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) handler.frame(data)
    })
    this.#socket.once('close', () => handler.gone())
    this.#raw.on('drain', () => handler.writable())
  }

  get full(): boolean {
    return this.#raw.writableLength > HIGH_WATER
  }

  /** Sends one frame; false when the connection is full. */
  send(frame: Uint8Array): boolean {
    if (!this.#corked) {
      // All frames of one read of the other side leave in one write: system calls are the cost of a relay.
      this.#corked = true
      this.#raw.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#raw.uncork()
      })
    }
    this.#socket.send(frame, { binary: true })
    return !this.full
  }

  /** Stops reading; both may be called however often. */
  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#socket.resume()
  }

  /** Closes in order: a close frame with `code`. */
  close(code: number, reason = ''): void {
    this.#socket.close(code, reason)
  }

  /** Ends the TCP connection as a broken network would. */
  cut(): void {
    this.#socket.terminate()
  }
}
