import type { Bytes, Instant, Ms } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import { ByteQueue } from '#core/ssm/byte-queue.ts'
import { Channel, type ChannelOutput } from '#core/ssm/channel.ts'
import { PAYLOAD_EXIT_CODE, PAYLOAD_OUTPUT, PAYLOAD_SIZE, PAYLOAD_STDERR } from '#core/ssm/constants.ts'
import { Fifo } from '#core/ssm/fifo.ts'
import type { HandshakeFacts } from '#core/ssm/handshake.ts'
import type {
  Machine,
  SessionFacts,
  SessionOptions,
  SessionStats,
  TerminalInput,
  TerminalOutput,
} from '#core/ssm/machine.ts'
import { decodeExitCode, encodeSize, type TerminalSize } from '#core/ssm/payloads.ts'
import { ReadingGate } from '#core/ssm/reading-gate.ts'

/** What is typed travels in pieces of at most this, as agents expect it. */
const INPUT_CHUNK: Bytes = 1_024
/** Unsent input from which on it is `input-full`, and at which it is `input-writable` again. */
export const INPUT_HIGH: Bytes = 64 * 1024
const INPUT_LOW: Bytes = 16 * 1024

export interface TerminalSessionOptions extends SessionOptions {
  /** The terminal's size from the start; undefined for a command without a terminal. */
  readonly size?: TerminalSize | undefined
  /** Whether a program reads the input, and no person types it: it then travels in as large pieces as arrive. */
  readonly bulkInput?: boolean | undefined
}

/** What a terminal has that nobody has told its size. */
const USUAL_SIZE: TerminalSize = { columns: 80, rows: 24 }

/**
 * A whole shell or command session: bytes typed, bytes shown, the size of the terminal, and an exit status.
 *
 * Bytes are never translated: the vendor's client makes CR of a lone LF, which breaks everything but typing.
 */
export class TerminalSession implements Machine<TerminalInput, TerminalOutput> {
  readonly #channel: Channel
  readonly #events = new Fifo<TerminalOutput>()
  readonly #gate = new ReadingGate()
  readonly #input = new ByteQueue()

  readonly #bulkInput: boolean
  #size: TerminalSize | undefined
  /** Whether the agent does not know the size yet; only the latest counts. */
  #sizeIsDue = false
  #inputFull = false
  #held: Bytes = 0
  #ended = false

  constructor(options: TerminalSessionOptions) {
    this.#channel = new Channel('terminal', options)
    this.#size = options.size
    this.#bulkInput = options.bulkInput ?? false
  }

  // ── in ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  handle(event: TerminalInput, now: Instant): void {
    if (this.#ended) return
    switch (event.type) {
      case 'input':
        this.#typed(event.bytes)
        break
      case 'resize':
        this.#size = event.size
        this.#sizeIsDue = true
        break
      case 'output-consumed':
        this.#held -= event.length
        this.#watchHeld(now)
        break
      case 'transport-up':
        // The pump reads the new WebSocket unless it is told.
        if (this.#gate.isPaused) this.#events.push({ type: 'reading-paused' })
        this.#channel.handle(event, now)
        break
      default:
        this.#channel.handle(event, now)
    }
    for (let output = this.#channel.pollEvent(); output !== undefined; output = this.#channel.pollEvent()) {
      this.#channelEvent(output, now)
    }
  }

  #typed(bytes: Uint8Array): void {
    this.#input.push(bytes)
    if (this.#inputFull || this.#input.size < INPUT_HIGH) return
    this.#inputFull = true
    this.#events.push({ type: 'input-full' })
  }

  #watchHeld(now: Instant): void {
    const reading = this.#gate.update(this.#held)
    if (reading === undefined) return
    this.#channel.setReading(reading === 'reading-resumed', now)
    this.#events.push({ type: reading })
  }

  // ── the agent ───────────────────────────────────────────────────────────────────────────────────────────────────

  #channelEvent(event: ChannelOutput, now: Instant): void {
    switch (event.type) {
      case 'payload':
        this.#payload(event.payloadType, event.bytes, now)
        break
      case 'ready':
        this.#sizeIsDue = this.#size !== undefined
        this.#events.push({ type: 'ready', facts: sessionFacts(event.facts) })
        break
      case 'need-key':
      case 'warning':
        this.#events.push(event)
        break
      case 'ended':
        this.#ended = true
        this.#input.clear()
        this.#events.push(event)
        break
      default:
        event satisfies never
    }
  }

  #payload(payloadType: number, bytes: Uint8Array, now: Instant): void {
    if (payloadType === PAYLOAD_OUTPUT || payloadType === PAYLOAD_STDERR) {
      if (bytes.length === 0) return
      this.#held += bytes.length
      this.#events.push({
        type: 'output',
        stream: payloadType === PAYLOAD_OUTPUT ? 'stdout' : 'stderr',
        bytes,
      })
      this.#watchHeld(now)
    } else if (payloadType === PAYLOAD_EXIT_CODE) {
      this.#exit(bytes, now)
    }
  }

  #exit(payload: Uint8Array, now: Instant): void {
    try {
      this.#events.push({ type: 'exit', status: decodeExitCode(payload) })
    } catch (error) {
      if (!isPgctlError(error)) throw error
      // A status that cannot be read must not be taken for success.
      this.#channel.fail(error, now)
    }
  }

  // ── out ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  pollEvent(): TerminalOutput | undefined {
    return this.#events.shift()
  }

  pollTransmit(now: Instant, budget: Bytes): Uint8Array | undefined {
    if (this.#ended) return undefined
    const frame = this.#channel.pollTransmit(now, budget)
    if (frame !== undefined) return frame
    const most = this.#channel.room(budget)
    const room = this.#bulkInput ? most : Math.min(INPUT_CHUNK, most)
    if (room === 0) return undefined
    if (this.#sizeIsDue && this.#size !== undefined) {
      this.#sizeIsDue = false
      this.#channel.sendControl(PAYLOAD_SIZE, encodeSize(this.#size))
      return this.#channel.pollTransmit(now, budget)
    }
    if (this.#bulkInput && this.#input.size > room) {
      const probe = this.#probe(now, budget)
      if (probe !== undefined) return probe
    }
    return this.#input.size === 0 ? undefined : this.#transmitInput(room, now)
  }

  /** Learns whether larger messages arrive, by one that says the size of the terminal again, with spaces behind it. */
  #probe(now: Instant, budget: Bytes): Uint8Array | undefined {
    const length = this.#channel.probeBytes(budget)
    if (length === undefined) return undefined
    const plain = encodeSize(this.#size ?? USUAL_SIZE)
    const padded = new Uint8Array(length).fill(0x20)
    padded.set(plain)
    return this.#channel.transmitProbe(PAYLOAD_SIZE, padded, plain, now)
  }

  #transmitInput(room: Bytes, now: Instant): Uint8Array {
    const frame = this.#channel.transmit(this.#input.take(room), now)
    if (this.#inputFull && this.#input.size <= INPUT_LOW) {
      this.#inputFull = false
      this.#events.push({ type: 'input-writable' })
    }
    return frame
  }

  // ── time and observation ────────────────────────────────────────────────────────────────────────────────────────

  deadline(): Ms | undefined {
    return this.#channel.deadline()
  }

  stats(): SessionStats {
    return Object.freeze({
      ...this.#channel.stats(),
      unsentBytes: this.#input.size,
      heldBytes: this.#held,
    })
  }
}

function sessionFacts(facts: HandshakeFacts | undefined): SessionFacts {
  return {
    agentVersion: facts?.agentVersion,
    sessionType: facts?.sessionType,
    multiplexed: false,
    encrypted: facts?.cipher !== undefined,
    customerMessage: facts?.customerMessage ?? '',
  }
}
