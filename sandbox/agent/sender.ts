import type { Bytes, Instant, Ms, RandomBytes } from '#core/clock.ts'
import type { SessionCipher } from '#core/ssm/cipher.ts'
import {
  FLAG_FIN,
  FLAG_SYN,
  type MessageType,
  PAYLOAD_EXIT_CODE,
  PAYLOAD_OUTPUT,
  PAYLOAD_STDERR,
} from '#core/ssm/constants.ts'
import { encodeMessage, type Message, MessageIds } from '#core/ssm/message.ts'
import { encodeAcknowledgement } from '#core/ssm/payloads.ts'
import { Outbox } from '#sandbox/agent/outbox.ts'
import { OutputQueue } from '#sandbox/agent/output-queue.ts'

/** How fast an agent sends. */
export interface SendRate {
  /** The pause after each message; 0 is none. */
  readonly interval: Ms
  /** The largest payload of one message. */
  readonly messageSize: Bytes
  /** Unacknowledged messages and bytes from which nothing new is sent. */
  readonly windowCount: number
  readonly windowBytes: Bytes
  /** Bytes that wait for a message before the far ends are no longer read. */
  readonly queueBytes: Bytes
}

/** What the vendor's agent was measured to do: 1,024 bytes, a pause, 0.82 MB/s whatever the round trip. */
export const VENDOR_RATE: SendRate = {
  interval: 1.248,
  messageSize: 1_024,
  windowCount: 100_000,
  windowBytes: Number.POSITIVE_INFINITY,
  queueBytes: 208 * 1024,
}

/** As fast as acknowledgements come back. */
export const UNPACED_RATE: SendRate = {
  interval: 0,
  messageSize: 1_024,
  windowCount: 100_000,
  windowBytes: 4 * 1024 * 1024,
  queueBytes: 1024 * 1024,
}

/** Late timers are made up for by this many messages at once, and what is later than that is forgiven. */
const BURST = 4

const ENCRYPTED: readonly number[] = [PAYLOAD_OUTPUT, PAYLOAD_STDERR, PAYLOAD_EXIT_CODE]

/** All that the agent sends on a data channel: acknowledgements, stream messages in order, and those again. */
export class Sender {
  readonly #rate: SendRate
  readonly #ids: MessageIds
  readonly #outbox: Outbox
  readonly #queue = new OutputQueue()
  /** Frames whose turn it is already; the acknowledgement of a message goes before what answers it. */
  #ready: Uint8Array[] = []
  #sequence = 0
  #due: Ms = 0
  #quietUntil: Ms = 0
  #quietAfter: { frames: number; length: Ms } | undefined
  #linkUp = false
  #paused = false
  cipher: SessionCipher | undefined

  constructor(rate: SendRate, random: RandomBytes) {
    this.#rate = rate
    this.#ids = new MessageIds(random)
    this.#outbox = new Outbox(rate.interval > 0 ? 'oldest' : 'overdue')
  }

  // ── what is held ──────────────────────────────────────────────────────────────────────────────────────────────

  get heldBytes(): Bytes {
    return this.#outbox.bytes + this.#queue.bytes
  }

  /** Whether the far ends should be read on. */
  get wantsMore(): boolean {
    return this.#queue.bytes < this.#rate.queueBytes
  }

  /** Whether everything has been sent and acknowledged. */
  get settled(): boolean {
    return this.#queue.bytes === 0 && this.#outbox.count === 0 && this.#ready.length === 0
  }

  /** Whether every byte has been sent once. */
  get sentAll(): boolean {
    return this.#queue.bytes === 0
  }

  get backlog(): number {
    return this.#ready.length
  }

  // ── the link ──────────────────────────────────────────────────────────────────────────────────────────────────

  up(): void {
    this.#linkUp = true
    this.#paused = false
  }

  /** What was about to be sent is lost with the link: stream messages come again, the client repeats for the rest. */
  down(): void {
    this.#linkUp = false
    this.#ready = []
    this.#quietAfter = undefined
  }

  /** Publication is paused (the client's WebSocket is gone) or goes on. Acknowledgements are sent all the same. */
  publish(allowed: boolean): void {
    this.#paused = !allowed
  }

  /**
   * Sends nothing at all for `length` ms after what is ready now: the vendor's client can die of what follows its
   * HandshakeComplete at once.
   */
  quietAfterReady(length: Ms): void {
    this.#quietAfter = { frames: this.#ready.length, length }
  }

  // ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** An unnumbered message of the session. */
  control(type: MessageType, payload: Uint8Array, now: Instant): void {
    if (!this.#linkUp) return
    const frame = encodeMessage({
      type,
      createdDate: now.wall,
      sequence: 0,
      flags: FLAG_SYN | FLAG_FIN,
      messageId: this.#ids.next(),
      payloadType: 0,
      payload,
    })
    this.#ready.push(frame)
  }

  acknowledge(message: Message, now: Instant): void {
    this.control(
      'acknowledge',
      encodeAcknowledgement('input_stream_data', message.messageId, message.sequence),
      now,
    )
  }

  /** A stream message that does not wait behind queued output. */
  now(payloadType: number, payload: Uint8Array, now: Instant): void {
    const frame = this.#streamMessage(payloadType, payload, now)
    if (this.#linkUp && !this.#paused) this.#ready.push(frame)
  }

  /** Bytes for stream messages, in order and at the agent's pace. */
  queue(payloadType: number, bytes: Uint8Array): void {
    this.#queue.push(payloadType, bytes)
  }

  /** Forgets what has not been sent. */
  clearQueue(): void {
    this.#queue.clear()
  }

  acknowledged(sequence: number, now: Instant): void {
    this.#outbox.acknowledge(sequence, now.mono)
  }

  // ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────

  poll(now: Instant): Uint8Array | undefined {
    if (!this.#linkUp || now.mono < this.#quietUntil) return undefined
    const ready = this.#ready.shift()
    if (ready !== undefined) {
      this.#countQuiet(now)
      return ready
    }
    if (this.#paused) return undefined
    return this.#outbox.poll(now.mono) ?? this.#nextMessage(now)
  }

  /** When to poll again, or undefined when only an event can change something. */
  deadline(): Ms | undefined {
    if (!this.#linkUp) return undefined
    const times: Ms[] = []
    if (this.#ready.length > 0) times.push(0)
    if (!this.#paused) {
      const resend = this.#outbox.deadline()
      if (resend !== undefined) times.push(resend)
      if (this.#queue.bytes > 0 && this.#windowOpen) times.push(this.#due)
    }
    return times.length === 0 ? undefined : Math.max(this.#quietUntil, Math.min(...times))
  }

  #countQuiet(now: Instant): void {
    if (this.#quietAfter === undefined) return
    this.#quietAfter.frames--
    if (this.#quietAfter.frames > 0) return
    this.#quietUntil = now.mono + this.#quietAfter.length
    this.#quietAfter = undefined
  }

  get #windowOpen(): boolean {
    return this.#outbox.count < this.#rate.windowCount && this.#outbox.bytes < this.#rate.windowBytes
  }

  #nextMessage(now: Instant): Uint8Array | undefined {
    if (this.#queue.bytes === 0 || !this.#windowOpen || now.mono < this.#due) return undefined
    const chunk = this.#queue.take(this.#rate.messageSize)
    if (chunk === undefined) return undefined
    const { interval } = this.#rate
    if (interval > 0) this.#due = Math.max(this.#due, now.mono - BURST * interval) + interval
    return this.#streamMessage(chunk.payloadType, chunk.bytes, now)
  }

  #streamMessage(payloadType: number, payload: Uint8Array, now: Instant): Uint8Array {
    const sealed = this.cipher !== undefined && ENCRYPTED.includes(payloadType)
    const frame = encodeMessage({
      type: 'output_stream_data',
      createdDate: now.wall,
      sequence: this.#sequence,
      flags: this.#sequence === 0 ? FLAG_SYN : 0,
      messageId: this.#ids.next(),
      payloadType,
      payload: sealed ? (this.cipher?.encrypt(payload) ?? payload) : payload,
    })
    this.#outbox.store(this.#sequence, frame, now.mono)
    this.#sequence++
    return frame
  }
}
