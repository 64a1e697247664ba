import type { Bytes, Instant, Ms } from '#core/clock.ts'
import { isPgctlError, type PgctlError } from '#core/errors.ts'
import { ChannelLog, type ChannelStats } from '#core/ssm/channel-log.ts'
import {
  PAYLOAD_CHALLENGE_REQUEST,
  PAYLOAD_EXIT_CODE,
  PAYLOAD_FLAG,
  PAYLOAD_HANDSHAKE_COMPLETE,
  PAYLOAD_HANDSHAKE_REQUEST,
  PAYLOAD_OUTPUT,
  PAYLOAD_STDERR,
  SESSION_FLAG_TERMINATE_SESSION,
} from '#core/ssm/constants.ts'
import { Fifo } from '#core/ssm/fifo.ts'
import { Handshake, type HandshakeEvent, type HandshakeFacts, type SessionKind } from '#core/ssm/handshake.ts'
import { Inbound } from '#core/ssm/inbound.ts'
import {
  type CommonInput,
  earliest,
  type Machine,
  type SessionEnd,
  type SessionOptions,
  type SessionWarning,
} from '#core/ssm/machine.ts'
import { MalformedCount } from '#core/ssm/malformed-count.ts'
import { decodeMessage, type Message, MessageIds } from '#core/ssm/message.ts'
import { Outbound } from '#core/ssm/outbound.ts'
import { channelClosedOutput, decodeAcknowledgement, encodeFlag } from '#core/ssm/payloads.ts'
import { UnannouncedStart } from '#core/ssm/unannounced-start.ts'

/** How long a closing session waits for its last words to be acknowledged. */
export const CLOSING_PATIENCE: Ms = 1_000

export type ChannelOutput =
  /** Data may be sent. `facts` is undefined for a session without a handshake; the last one given holds. */
  | { readonly type: 'ready'; readonly facts: HandshakeFacts | undefined }
  | Extract<HandshakeEvent, { type: 'need-key' }>
  /** A payload of the session itself, in order and decrypted; a view. */
  | { readonly type: 'payload'; readonly payloadType: number; readonly bytes: Uint8Array }
  | { readonly type: 'warning'; readonly warning: SessionWarning }
  | { readonly type: 'ended'; readonly end: SessionEnd }

/**
 * The reliable, optionally encrypted channel under a session: joins codec, queues and handshake. What its payloads
 * mean is the session's business; the session asks for `room` and hands over one payload a message.
 */
export class Channel implements Machine<CommonInput, ChannelOutput> {
  readonly #kind: SessionKind
  readonly #log: ChannelLog
  readonly #outbound: Outbound
  readonly #inbound: Inbound
  readonly #handshake: Handshake
  readonly #unannounced = new UnannouncedStart()
  readonly #malformed = new MalformedCount()
  readonly #events = new Fifo<ChannelOutput>()

  // One variable a dimension.
  #transport: 'up' | 'down' = 'down'
  #publication: 'on' | 'paused' = 'on'
  #phase: 'opening' | 'ready' | 'closing' | 'ended' = 'opening'

  /** Of the closing phase: when it is over at the latest, and with what. */
  #closingUntil: Ms | undefined
  #endAfterClosing: SessionEnd = { how: 'closed' }

  constructor(kind: SessionKind, options: SessionOptions) {
    this.#kind = kind
    this.#log = new ChannelLog(options.trace)
    this.#outbound = new Outbound(new MessageIds(options.random), this.#log)
    this.#inbound = new Inbound(this.#log, this.#outbound)
    this.#handshake = new Handshake({ ...options, kind })
    if (kind === 'port') this.#unannounced.settle()
  }

  // ── in ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  handle(event: CommonInput, now: Instant): void {
    if (this.#phase === 'ended') return
    switch (event.type) {
      case 'frame':
        this.#frame(event.bytes, now)
        break
      case 'tick':
        this.#tick(now)
        break
      case 'transport-up':
        this.#transportUp(now)
        break
      case 'transport-down':
        this.#transportDown(now)
        break
      case 'key-ready':
        this.#handshake.keyReady(event.epoch, event.key)
        break
      case 'key-failed':
        this.#handshake.keyFailed(event.epoch, event.error)
        break
      case 'close':
        this.#close(now)
        break
      case 'give-up':
        this.#end({ how: 'failed', error: event.error }, now)
        break
      default:
        event satisfies never
    }
    this.#followHandshake(now)
  }

  /** Whether the WebSocket is read: what cannot be seen is not missed. */
  setReading(isRead: boolean, now: Instant): void {
    this.#outbound.setReading(isRead, now)
  }

  /** Ends the session as broken by the agent; for sessions whose payloads make no sense. */
  fail(error: PgctlError, now: Instant): void {
    if (this.#phase !== 'ended') this.#end({ how: 'failed', error }, now)
  }

  #transportUp(now: Instant): void {
    if (this.#transport === 'up') return
    this.#transport = 'up'
    this.#publication = 'on'
    this.#outbound.start(now)
    this.#handshake.transportUp(now)
    this.#unannounced.open(now)
    this.#log.state('transport up')
  }

  #transportDown(now: Instant): void {
    if (this.#transport === 'down') return
    this.#transport = 'down'
    this.#outbound.stop(now)
    this.#handshake.transportDown()
    this.#unannounced.shut()
    this.#log.state('transport down')
    if (this.#phase === 'closing') this.#end(this.#endAfterClosing, now)
  }

  #close(now: Instant): void {
    if (this.#phase === 'closing') return
    // Before the session is ready the agent listens to no flag: the API's TerminateSession ends it.
    if (this.#phase === 'opening' || this.#transport === 'down') {
      this.#end({ how: 'closed' }, now)
    } else {
      this.#outbound.pushControl(PAYLOAD_FLAG, encodeFlag(SESSION_FLAG_TERMINATE_SESSION))
      this.#startClosing({ how: 'closed' }, now)
    }
  }

  #startClosing(end: SessionEnd, now: Instant): void {
    this.#phase = 'closing'
    this.#endAfterClosing = end
    this.#closingUntil = now.mono + CLOSING_PATIENCE
    this.#log.state('closing')
  }

  #end(end: SessionEnd, now: Instant): void {
    this.#phase = 'ended'
    this.#outbound.clear(now)
    this.#events.push({ type: 'ended', end })
    this.#log.state(`ended: ${end.how}`)
  }

  #tick(now: Instant): void {
    if (this.#closingUntil !== undefined && now.mono >= this.#closingUntil) {
      this.#end(this.#endAfterClosing, now)
      return
    }
    if (this.#unannounced.isDue(now)) this.#startUnannounced()
    if (this.#transport === 'up') this.#handshake.tick(now)
    const forsaken = this.#outbound.expire(now)
    if (forsaken !== undefined) this.fail(forsaken, now)
  }

  // ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #frame(frame: Uint8Array, now: Instant): void {
    if (this.#transport === 'down') {
      this.#log.ignored('not-connected', '', frame.length)
      return
    }
    this.#log.frameIn()
    try {
      this.#message(decodeMessage(frame), now)
      this.#malformed.sound(now)
    } catch (error) {
      if (!isPgctlError(error)) throw error
      this.#log.ignored('malformed', '', frame.length)
      // Nothing was acknowledged, so the sender brings the message again: in a sound form, or not for long.
      if (this.#malformed.broken(now)) this.fail(error, now)
    }
  }

  #message(message: Message, now: Instant): void {
    switch (message.type) {
      case 'output_stream_data':
        this.#stream(message, now)
        break
      case 'acknowledge':
        this.#acknowledged(message, now)
        break
      case 'channel_closed':
        this.#end({ how: 'far-end', output: channelClosedOutput(message.payload) }, now)
        break
      case 'pause_publication':
        this.#pausePublication(now)
        break
      case 'start_publication':
        this.#startPublication(now)
        break
      case 'agent_session_state':
        this.#unannounced.agentIsThere(now)
        break
      default:
        this.#log.ignored('unknown-type', message.type, message.payload.length)
    }
  }

  /** The agent's WebSocket is gone for a while: to the messages under way it is the same as if ours were. */
  #pausePublication(now: Instant): void {
    if (this.#publication === 'paused') return
    this.#publication = 'paused'
    this.#outbound.stop(now)
    this.#unannounced.shut()
    this.#log.state('publication paused')
  }

  #startPublication(now: Instant): void {
    if (this.#publication === 'on') return
    this.#publication = 'on'
    this.#outbound.start(now)
    this.#unannounced.open(now)
    this.#log.state('publication started')
  }

  #acknowledged(message: Message, now: Instant): void {
    this.#startPublication(now)
    const { messageType, sequence } = decodeAcknowledgement(message.payload)
    this.#log.acknowledgementIn()
    const about =
      messageType === 'input_stream_data' ? this.#outbound.acknowledged(sequence, now) : 'not-sent'
    if (about !== 'first') this.#log.ignored(about, message.type, message.payload.length)
    if (this.#phase === 'closing' && this.#outbound.hasSaidAll) this.#end(this.#endAfterClosing, now)
  }

  // ── the agent's stream ──────────────────────────────────────────────────────────────────────────────────────────

  #stream(message: Message, now: Instant): void {
    this.#startPublication(now)
    if (!this.#inbound.accept(message)) return
    this.#deliver(message.payloadType, message.payload, now)
    for (let next = this.#inbound.takeNext(); next !== undefined; next = this.#inbound.takeNext()) {
      this.#deliver(next.payloadType, next.payload, now)
    }
  }

  /** One payload whose turn it is. What it breaks ends the session: it was delivered once and cannot come again. */
  #deliver(payloadType: number, payload: Uint8Array, now: Instant): void {
    if (this.#phase === 'ended' || this.#phase === 'closing') return
    try {
      switch (payloadType) {
        case PAYLOAD_OUTPUT:
        case PAYLOAD_STDERR:
        case PAYLOAD_EXIT_CODE:
          this.#data(payloadType, payload, now)
          break
        case PAYLOAD_FLAG:
          this.#events.push({ type: 'payload', payloadType, bytes: payload })
          break
        case PAYLOAD_HANDSHAKE_REQUEST:
        case PAYLOAD_CHALLENGE_REQUEST:
        case PAYLOAD_HANDSHAKE_COMPLETE:
          this.#handshakePayload(payloadType, payload, now)
          break
        default:
          this.#log.ignored('unknown-payload', 'output_stream_data', payload.length)
      }
    } catch (error) {
      if (!isPgctlError(error)) throw error
      this.fail(error, now)
    }
  }

  #data(payloadType: number, payload: Uint8Array, now: Instant): void {
    if (this.#kind === 'terminal') this.#startUnannounced()
    if (this.#phase !== 'ready') throw Handshake.dataTooEarly()
    this.#log.lastActivity = now.wall
    this.#events.push({
      type: 'payload',
      payloadType,
      bytes: this.#outbound.cipher?.decrypt(payload) ?? payload,
    })
  }

  // ── the handshake ───────────────────────────────────────────────────────────────────────────────────────────────

  #handshakePayload(payloadType: number, payload: Uint8Array, now: Instant): void {
    const taken = this.#handshake.receive(payloadType, payload, now)
    if (!taken) this.#log.ignored('out-of-place', 'output_stream_data', payload.length)
    // A request after a session was taken to have no handshake: data waits again until it is complete.
    if (taken && this.#phase === 'ready') this.#phase = 'opening'
    if (taken) this.#unannounced.settle()
    this.#followHandshake(now)
  }

  #startUnannounced(): void {
    this.#unannounced.settle()
    if (this.#phase !== 'opening' || this.#handshake.hasBegun) return
    this.#handshake.waive()
    this.#phase = 'ready'
    this.#events.push({ type: 'ready', facts: undefined })
    this.#log.state('ready without a handshake')
  }

  #followHandshake(now: Instant): void {
    for (let event = this.#handshake.pollEvent(); event !== undefined; event = this.#handshake.pollEvent()) {
      if (this.#phase === 'opening') this.#handshakeEvent(event, now)
    }
  }

  #handshakeEvent(event: HandshakeEvent, now: Instant): void {
    switch (event.type) {
      case 'need-key':
        this.#events.push(event)
        break
      case 'send':
        this.#outbound.pushControl(event.payloadType, event.payload)
        break
      case 'complete':
        this.#phase = 'ready'
        this.#outbound.cipher = event.facts.cipher
        this.#events.push({ type: 'ready', facts: event.facts })
        this.#log.state('ready')
        break
      case 'failed': {
        // The agent should hear why; if there is nothing to say, or no way to say it, this ends at once.
        const end: SessionEnd = { how: 'failed', error: event.error }
        if (this.#transport === 'up' && this.#outbound.hasControl) this.#startClosing(end, now)
        else this.#end(end, now)
        break
      }
      default:
        event satisfies never
    }
  }

  // ── out ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  pollEvent(): ChannelOutput | undefined {
    const warning = this.#outbound.takeWarning()
    return warning === undefined ? this.#events.shift() : { type: 'warning', warning }
  }

  /** What the channel itself has to send. Data comes after it: ask for `room`, then `transmit`. */
  pollTransmit(now: Instant, budget: Bytes): Uint8Array | undefined {
    return this.#outbound.take(now, budget)
  }

  /** Queues a small payload that is not data (a size, a flag), to go before any data that waits. */
  sendControl(payloadType: number, payload: Uint8Array): void {
    if (this.#phase === 'ready') this.#outbound.pushControl(payloadType, payload)
  }

  /** Bytes that the next data message may hold, its frame within `budget`; 0: wait. */
  room(budget: Bytes): Bytes {
    return this.#phase === 'ready' ? this.#outbound.room(budget) : 0
  }

  /** The frame of one data payload, of at most `room` bytes. */
  transmit(payload: Uint8Array, now: Instant): Uint8Array {
    return this.#outbound.transmit(payload, now)
  }

  /** The size that a meaningless message should have now, to learn whether it arrives; undefined: none is due. */
  probeBytes(budget: Bytes): Bytes | undefined {
    return this.#phase === 'ready' ? this.#outbound.probeBytes(budget) : undefined
  }

  /** The frame of a probe; `substitute` means the same (nothing), and takes its place if the size is refused. */
  transmitProbe(payloadType: number, payload: Uint8Array, substitute: Uint8Array, now: Instant): Uint8Array {
    return this.#outbound.transmitProbe(payloadType, payload, substitute, now)
  }

  deadline(): Ms | undefined {
    if (this.#phase === 'ended' || this.#transport === 'down') return undefined
    return earliest(
      earliest(this.#closingUntil, this.#unannounced.deadline()),
      earliest(this.#handshake.deadline(), this.#outbound.deadline()),
    )
  }

  /** All figures of the channel; the session adds its own. */
  stats(): ChannelStats {
    return this.#log.stats(this.#outbound.sending, this.#inbound.receiving)
  }
}
