import type { Bytes } from '#core/clock.ts'
import {
  encodeFrame,
  SMUX_FIN,
  SMUX_NOP,
  SMUX_PSH,
  SMUX_SYN,
  SmuxFrameDecoder,
  writeFrameHeader,
} from '#core/ssm/smux/frame.ts'

/** The vendor's agent reads this much of a connection into one frame. */
const FRAME_DATA_BYTES: Bytes = 32_768
/** What it holds for all streams of a session together before it stops reading. */
const RECEIVE_BYTES: Bytes = 4 * 1024 * 1024

export type MuxEvent =
  /** The client opened a stream: dial. */
  | { readonly type: 'open'; readonly stream: number }
  /** Bytes for the connection of a stream; a view into the input. Count them off with `consumed`. */
  | { readonly type: 'data'; readonly stream: number; readonly bytes: Uint8Array }
  /** The client ended the stream: write what is left, then close the connection in both directions. */
  | { readonly type: 'fin'; readonly stream: number }

interface Stream {
  unconsumed: Bytes
  /** Whether the client has ended it. */
  ended: boolean
}

/** The agent's side of smux version 1: it accepts streams, and closes both directions of one at once. */
export class MuxServer {
  readonly #decoder = new SmuxFrameDecoder()
  readonly #streams = new Map<number, Stream>()
  readonly #emit: (event: MuxEvent) => void
  readonly #send: (frame: Uint8Array) => void
  #unconsumed: Bytes = 0

  /** `send` takes frames in order; they may be cut anywhere. */
  constructor(emit: (event: MuxEvent) => void, send: (frame: Uint8Array) => void) {
    this.#emit = emit
    this.#send = send
  }

  get unconsumed(): Bytes {
    return this.#unconsumed
  }

  /** One stalled connection fills this, and then every stream of the session waits. */
  get full(): boolean {
    return this.#unconsumed >= RECEIVE_BYTES
  }

  /** Takes the client's bytes; false when they are no smux version 1. */
  receive(bytes: Uint8Array): boolean {
    this.#decoder.push(bytes)
    for (;;) {
      const answer = this.#decoder.next()
      if (answer === 'need') return true
      if (answer === 'fail') return false
      this.#take(this.#decoder.command, this.#decoder.streamId, this.#decoder.data)
    }
  }

  #take(command: number, id: number, data: Uint8Array): void {
    const stream = this.#streams.get(id)
    if (command === SMUX_SYN && stream === undefined) {
      this.#streams.set(id, { unconsumed: 0, ended: false })
      this.#emit({ type: 'open', stream: id })
    } else if (command === SMUX_PSH && stream !== undefined && !stream.ended && data.length > 0) {
      stream.unconsumed += data.length
      this.#unconsumed += data.length
      this.#emit({ type: 'data', stream: id, bytes: data })
    } else if (command === SMUX_FIN && stream !== undefined && !stream.ended) {
      stream.ended = true
      this.#emit({ type: 'fin', stream: id })
    }
  }

  consumed(id: number, length: Bytes): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    stream.unconsumed -= length
    this.#unconsumed -= length
  }

  /** Sends bytes of the stream's connection; those of a closed stream are dropped. */
  write(id: number, bytes: Uint8Array): void {
    if (!this.#streams.has(id)) return
    for (let at = 0; at < bytes.length; at += FRAME_DATA_BYTES) {
      const data = bytes.subarray(at, at + FRAME_DATA_BYTES)
      const header = new Uint8Array(8)
      writeFrameHeader(header, 0, SMUX_PSH, id, data.length)
      this.#send(header)
      this.#send(data)
    }
  }

  /** The connection has ended: FIN, and no byte of the client is wanted any more. */
  close(id: number): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    this.#streams.delete(id)
    this.#unconsumed -= stream.unconsumed
    this.#send(encodeFrame(SMUX_FIN, id))
  }

  keepAlive(): void {
    this.#send(encodeFrame(SMUX_NOP, 0))
  }
}
