import type { Bytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { Fifo } from '#core/ssm/fifo.ts'
import {
  SMUX_FIN,
  SMUX_HEADER_BYTES,
  SMUX_NOP,
  SMUX_PSH,
  SMUX_SYN,
  SmuxFrameDecoder,
  writeFrameHeader,
} from '#core/ssm/smux/frame.ts'
import { SmuxStream, type StreamId } from '#core/ssm/smux/stream.ts'

export type { StreamId }

export interface SmuxLimits {
  /** Unsent bytes of one stream from which `write` says stop. */
  readonly outHigh: Bytes
  /** Unsent bytes of one stream at which a stopped writer is told `writable`. */
  readonly outLow: Bytes
  /** Data bytes that one stream may send before it is the next one's turn. */
  readonly turn: Bytes
}

export const SMUX_LIMITS: SmuxLimits = { outHigh: 256 * 1024, outLow: 64 * 1024, turn: 16 * 1024 }

export type SmuxEvent =
  /** Data of a stream: a view into the input, to be copied if it is kept. Count it off with `consumed`. */
  | { readonly type: 'data'; readonly id: StreamId; readonly bytes: Uint8Array }
  /** The far side has ended the stream, after all of its data. Nothing can be sent on it any more. */
  | { readonly type: 'end'; readonly id: StreamId }
  /** A stream whose `write` said stop may be written to again. */
  | { readonly type: 'writable'; readonly id: StreamId }
  /** The far side does not speak smux version 1; the session is over, and all its streams with it. */
  | { readonly type: 'failed'; readonly error: PgctlError }

/**
 * The client's side of a smux version 1 session, without I/O, time or chance.
 *
 * Feed it with what the session's channel delivered (`receive`), take what it has to say (`pollEvent`, until
 * undefined, before the input is reused) and what it has to send (`pollTransmit`, one message payload a call).
 *
 * Version 1 has no window a stream: what the far side sends arrives, and `unconsumed` says how much of it nobody has
 * taken yet. What to do about that is the port session's policy. Keep-alive is off, as it would defeat the
 * session's idle timeout; the far side's NOPs are accepted and not answered.
 */
export class SmuxSession {
  readonly #limits: SmuxLimits
  readonly #decoder = new SmuxFrameDecoder()
  readonly #events = new Fifo<SmuxEvent>()
  readonly #streams = new Map<number, SmuxStream>()
  /** Streams that have something to send, each once, in the order of their turns. */
  readonly #turns = new Fifo<SmuxStream>()
  #nextId = 3
  #unsent: Bytes = 0
  #unconsumed: Bytes = 0
  #failure: PgctlError | undefined

  constructor(limits: SmuxLimits = SMUX_LIMITS) {
    this.#limits = limits
  }

  // ── what the session holds ────────────────────────────────────────────────────────────────────────────────────

  /** Bytes written and not yet polled, of all streams; at most `outHigh` and one write a stream. */
  get unsent(): Bytes {
    return this.#unsent
  }

  /** Bytes handed up and not yet counted off, of all streams. */
  get unconsumed(): Bytes {
    return this.#unconsumed
  }

  /** Streams that have not ended on both sides. */
  get streamCount(): number {
    return this.#streams.size
  }

  /** Whether `pollTransmit` has something. */
  get wantsTransmit(): boolean {
    return this.#turns.size > 0
  }

  get failure(): PgctlError | undefined {
    return this.#failure
  }

  unconsumedOf(id: StreamId): Bytes {
    return this.#streams.get(id)?.unconsumed ?? 0
  }

  // ── the local side ────────────────────────────────────────────────────────────────────────────────────────────

  /** Opens a stream: its SYN goes alone at the next poll, or with the first data if that is written before. */
  open(): StreamId {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#nextId > 0xffff_ffff) {
      throw new PgctlError('session-ended', 'the session has used up its numbers for connections', {
        next: 'run the command again for a new session',
      })
    }
    const id = this.#nextId as StreamId
    this.#nextId += 2
    const stream = new SmuxStream(id)
    this.#streams.set(id, stream)
    this.#schedule(stream)
    return id
  }

  /**
   * Queues `bytes`, which the caller hands over and leaves alone from now on. False says: wait for `writable` before
   * the next write. On a stream that has ended the bytes are dropped, as nobody is left to read them.
   */
  write(id: StreamId, bytes: Uint8Array): boolean {
    const stream = this.#streams.get(id)
    if (stream === undefined || stream.local !== 'open') return true
    if (bytes.length > 0) {
      stream.push(bytes)
      this.#unsent += bytes.length
      this.#schedule(stream)
    }
    stream.stopped = stream.unsent >= this.#limits.outHigh
    return !stream.stopped
  }

  /**
   * Sends FIN after what is queued. The agent then closes the connection in both directions, so the rest of its
   * answer is lost: whether to wait for the far side's FIN first is the caller's decision.
   */
  finish(id: StreamId): void {
    const stream = this.#streams.get(id)
    if (stream === undefined || stream.local !== 'open') return
    stream.local = 'finishing'
    stream.stopped = false
    this.#schedule(stream)
  }

  /** Gives the stream up: drops what is queued and sends FIN. Of it, only events that wait already are still told. */
  abandon(id: StreamId): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    this.#streams.delete(id)
    this.#unconsumed -= stream.unconsumed
    stream.unconsumed = 0
    this.#dropUnsent(stream)
  }

  /** Counts off `length` bytes that were handed up as `data` of the stream. */
  consumed(id: StreamId, length: Bytes): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    if (length > stream.unconsumed) throw new RangeError(`Stream ${id} has not handed up ${length} bytes`)
    stream.unconsumed -= length
    this.#unconsumed -= length
    this.#forgetIfDone(stream)
  }

  // ── the far side ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes the next bytes of the session, in order. The `data` events of this call point into `input`. */
  receive(input: Uint8Array): void {
    if (this.#failure !== undefined) return
    this.#decoder.push(input)
    while (this.#failure === undefined) {
      const answer = this.#decoder.next()
      if (answer === 'need') return
      if (answer === 'fail') this.#fail(`its stream is no smux version 1 (${this.#decoder.fault})`)
      else this.#frame()
    }
  }

  #frame(): void {
    const { command, streamId, data } = this.#decoder
    const stream = this.#streams.get(streamId)
    if (command === SMUX_SYN) this.#fail(`it opened stream ${streamId}, which only the client does`)
    // Frames of a stream we have abandoned are still under way, and data after FIN has no reader.
    else if (command === SMUX_NOP || stream === undefined || stream.remoteEnded) return
    else if (command === SMUX_FIN) this.#end(stream)
    else if (data.length > 0) {
      stream.unconsumed += data.length
      this.#unconsumed += data.length
      this.#events.push({ type: 'data', id: stream.id, bytes: data })
    }
  }

  #end(stream: SmuxStream): void {
    stream.remoteEnded = true
    this.#events.push({ type: 'end', id: stream.id })
    // The agent reads nothing after its own FIN; ours lets it forget the stream.
    this.#dropUnsent(stream)
    this.#forgetIfDone(stream)
  }

  #fail(fault: string): void {
    this.#failure = new PgctlError(
      'protocol-violation',
      `the agent broke the port session's protocol: ${fault}`,
      {
        next: 'run the command again; if it fails so again, report it with the version of the agent (pgctl status, or aws ssm describe-instance-information)',
      },
    )
    for (const stream of this.#streams.values()) stream.clear()
    this.#streams.clear()
    this.#turns.clear()
    this.#unsent = 0
    this.#unconsumed = 0
    this.#events.push({ type: 'failed', error: this.#failure })
  }

  // ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────

  pollEvent(): SmuxEvent | undefined {
    return this.#events.shift()
  }

  /**
   * The next bytes to send: whole frames of at most `budget` bytes together (one message's payload), or undefined
   * when there is nothing, or less budget than a frame with one byte needs. Streams take turns, so that a small
   * request waits for one message of a bulk upload and not for its end.
   */
  pollTransmit(budget: Bytes): Uint8Array | undefined {
    if (this.#turns.size === 0 || budget < MIN_BUDGET) return undefined
    const target = new Uint8Array(Math.min(budget, this.#mostToSend()))
    let length = 0
    while (this.#turns.size > 0 && target.length - length > SMUX_HEADER_BYTES) {
      const stream = this.#turns.shift() as SmuxStream
      length = this.#takeTurn(stream, target, length)
      if (stream.wantsTurn) this.#turns.push(stream)
      else stream.scheduled = false
    }
    return length === 0 ? undefined : target.subarray(0, length)
  }

  /** Writes one stream's share at `offset` of `target` and returns where it ends. */
  #takeTurn(stream: SmuxStream, target: Uint8Array, offset: number): number {
    let at = offset
    if (!stream.synSent) {
      writeFrameHeader(target, at, SMUX_SYN, stream.id, 0)
      stream.synSent = true
      at += SMUX_HEADER_BYTES
    }
    const room = target.length - at - SMUX_HEADER_BYTES
    if (stream.unsent > 0 && room > 0) {
      const length = Math.min(stream.unsent, room, this.#limits.turn)
      writeFrameHeader(target, at, SMUX_PSH, stream.id, length)
      at += SMUX_HEADER_BYTES
      stream.take(target, at, length)
      at += length
      this.#unsent -= length
      if (stream.stopped && stream.unsent <= this.#limits.outLow) {
        stream.stopped = false
        this.#events.push({ type: 'writable', id: stream.id })
      }
    }
    if (stream.local === 'finishing' && stream.unsent === 0 && target.length - at >= SMUX_HEADER_BYTES) {
      writeFrameHeader(target, at, SMUX_FIN, stream.id, 0)
      stream.local = 'finished'
      at += SMUX_HEADER_BYTES
      this.#forgetIfDone(stream)
    }
    return at
  }

  /** No poll makes more bytes than this: all data, a header for each turn of it, and SYN, PSH and FIN a stream. */
  #mostToSend(): Bytes {
    const turns = Math.ceil(this.#unsent / this.#limits.turn)
    return this.#unsent + SMUX_HEADER_BYTES * (turns + 3 * this.#turns.size) + 1
  }

  #schedule(stream: SmuxStream): void {
    if (stream.scheduled) return
    stream.scheduled = true
    this.#turns.push(stream)
  }

  /** What is queued will not be read: only FIN is left to say. A stream that was never announced says nothing. */
  #dropUnsent(stream: SmuxStream): void {
    this.#unsent -= stream.unsent
    stream.clear()
    if (stream.local === 'finished') return
    if (stream.synSent) {
      stream.local = 'finishing'
      this.#schedule(stream)
    } else {
      // Its turn, if it still has one, must find nothing to send.
      stream.synSent = true
      stream.local = 'finished'
    }
  }

  #forgetIfDone(stream: SmuxStream): void {
    if (stream.remoteEnded && stream.local === 'finished' && stream.unconsumed === 0)
      this.#streams.delete(stream.id)
  }
}

/** A frame with one byte of data. */
const MIN_BUDGET: Bytes = SMUX_HEADER_BYTES + 1
