import type { RawData } from 'ws'
import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { messageOf } from '#core/errors.ts'
import type { Logger } from '#core/logger.ts'
import type { Channel } from '#sandbox/agent/io/gateway-client.ts'
import { keepAlive } from '#sandbox/agent/io/keep-alive.ts'

/** Frames that the socket has not taken, from which no more are given to it. */
const SOCKET_BYTES = 1024 * 1024
/** The vendor's: five tries, waits that double, 3.4 s in all. */
const TRIES = 5
const FIRST_WAIT: Ms = 225
const CLOSE_TIMEOUT: Ms = 1_000

export interface DataChannelOptions {
  readonly open: () => Promise<Channel>
  readonly clock: Clock
  readonly logger: Logger
  readonly onUp: () => void
  readonly onDown: () => void
  readonly onFrame: (frame: Uint8Array) => void
  /** The socket takes frames again. */
  readonly onWritable: () => void
  /** The channel could not be opened, or opened again. */
  readonly onLost: () => void
}

/** A session's WebSocket to the gateway, opened again when it is lost. */
export class DataChannel {
  readonly #options: DataChannelOptions
  readonly #closed = new AbortController()
  #channel: Channel | undefined
  #reading = true
  #blocked = false
  #run: Promise<void> | undefined

  constructor(options: DataChannelOptions) {
    this.#options = options
  }

  /** Opens the channel and keeps it open until `close`. */
  start(): void {
    this.#run = this.#keepOpen()
  }

  get writable(): boolean {
    return this.#channel !== undefined && !this.#blocked
  }

  /** Gathers the frames of `send` until `flush`: system calls cost more than the frames do. */
  gather(): void {
    this.#channel?.socket.cork()
  }

  flush(): void {
    this.#channel?.socket.uncork()
  }

  send(frame: Uint8Array): void {
    const channel = this.#channel
    if (channel === undefined) return
    const { webSocket } = channel
    if (webSocket.bufferedAmount + frame.length < SOCKET_BYTES) {
      webSocket.send(frame)
      return
    }
    this.#blocked = true
    webSocket.send(frame, () => {
      if (this.#channel !== channel) return
      this.#blocked = false
      this.#options.onWritable()
    })
  }

  /** Whether the WebSocket is read: not while the session has enough. */
  read(wanted: boolean): void {
    if (wanted === this.#reading) return
    this.#reading = wanted
    if (wanted) this.#channel?.webSocket.resume()
    else this.#channel?.webSocket.pause()
  }

  /** Closes the channel for good. */
  async close(): Promise<void> {
    this.#closed.abort()
    const webSocket = this.#channel?.webSocket
    webSocket?.resume()
    webSocket?.close(1000)
    // A gateway that is gone answers no close.
    const cancel = this.#options.clock.after(CLOSE_TIMEOUT, () => webSocket?.terminate())
    await this.#run
    cancel()
  }

  async #keepOpen(): Promise<void> {
    for (;;) {
      const channel = await this.#open()
      if (channel === undefined) break
      const lost = this.#attach(channel)
      await lost
      this.#channel = undefined
      if (this.#closed.signal.aborted) return
      this.#options.onDown()
    }
    if (!this.#closed.signal.aborted) this.#options.onLost()
  }

  async #open(): Promise<Channel | undefined> {
    for (let attempt = 0; attempt < TRIES && !this.#closed.signal.aborted; attempt++) {
      try {
        const channel = await this.#options.open()
        if (!this.#closed.signal.aborted) return channel
        channel.webSocket.terminate()
        return undefined
      } catch (error) {
        this.#options.logger.debug(
          { attempt, why: messageOf(error) },
          'the agent could not open a data channel',
        )
      }
      if (attempt === TRIES - 1) break
      await sleep(this.#options.clock, FIRST_WAIT * 2 ** attempt, this.#closed.signal).catch(() => undefined)
    }
    return undefined
  }

  /** Puts a new channel to use; resolves when it is gone. */
  #attach(channel: Channel): Promise<void> {
    const { webSocket } = channel
    this.#channel = channel
    this.#blocked = false
    this.#reading = true
    const stopPings = keepAlive(webSocket, this.#options.clock)
    const { promise, resolve } = Promise.withResolvers<void>()
    webSocket.on('message', (data: RawData, isBinary: boolean) => {
      if (isBinary) this.#options.onFrame(data as Buffer)
    })
    webSocket.on('error', () => undefined)
    webSocket.on('close', () => {
      stopPings()
      resolve()
    })
    if (webSocket.readyState !== webSocket.OPEN) {
      stopPings()
      resolve()
    }
    this.#options.onUp()
    return promise
  }
}
