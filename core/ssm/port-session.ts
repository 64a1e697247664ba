import type { Bytes, Instant, Ms } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { Channel, type ChannelOutput } from '#core/ssm/channel.ts'
import {
  PAYLOAD_FLAG,
  PAYLOAD_OUTPUT,
  PORT_TYPE_LOCAL_FORWARDING,
  SESSION_FLAG_CONNECT_TO_PORT_ERROR,
  SESSION_FLAG_DISCONNECT_TO_PORT,
} from '#core/ssm/constants.ts'
import { agentFeatures } from '#core/ssm/features.ts'
import { Fifo } from '#core/ssm/fifo.ts'
import type { HandshakeFacts } from '#core/ssm/handshake.ts'
import {
  type CommonInput,
  type ConnectionEnd,
  type ConnectionId,
  earliest,
  type Machine,
  type PortInput,
  type PortOutput,
  type SessionEnd,
  type SessionOptions,
  type SessionStats,
} from '#core/ssm/machine.ts'
import { MultiplexedStreams } from '#core/ssm/multiplexed-streams.ts'
import { decodeFlag, encodeFlag } from '#core/ssm/payloads.ts'
import type { PortStreams } from '#core/ssm/port-streams.ts'
import { ReadingGate } from '#core/ssm/reading-gate.ts'
import { SingleStream } from '#core/ssm/single-stream.ts'
import { encodeFrame, SMUX_NOP } from '#core/ssm/smux/frame.ts'

export interface PortSessionOptions extends SessionOptions {
  /** Tell the agent of a local half-close at once, although it then cuts off the rest of the answer. */
  readonly halfClose?: boolean | undefined
}

/** How often an old agent wants to hear something; it gives up after 30 s. */
export const KEEP_ALIVE_EVERY: Ms = 10_000

const NOP = encodeFrame(SMUX_NOP, 0)

type ConnectionInput = Exclude<PortInput, CommonInput>

/**
 * A whole port session: the local connections on one side, the frames of a WebSocket on the other.
 *
 * Whether connections are multiplexed is known after the handshake. What happens to them before that waits.
 */
export class PortSession implements Machine<PortInput, PortOutput> {
  readonly #channel: Channel
  readonly #halfClose: boolean
  readonly #events = new Fifo<PortOutput>()
  readonly #gate = new ReadingGate()

  /** Undefined before the handshake. */
  #streams: PortStreams | undefined
  #multiplexed = false
  /** What the local connections did before the handshake, and which of them are open. */
  readonly #early = new Fifo<ConnectionInput>()
  readonly #earlyOpen = new Set<ConnectionId>()

  #transportUp = false
  #ended = false
  #keepAliveAt: Ms | undefined

  constructor(options: PortSessionOptions) {
    this.#channel = new Channel('port', options)
    this.#halfClose = options.halfClose ?? false
  }

  // ── in ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  handle(event: PortInput, now: Instant): void {
    if (this.#ended) return
    switch (event.type) {
      case 'open':
      case 'write':
      case 'consumed':
      case 'end':
      case 'abort':
        this.#local(event, now)
        break
      case 'tick':
        this.#tick(now)
        break
      case 'transport-up':
        this.#transportUp = true
        this.#streams?.restart(now)
        // The pump reads the new WebSocket unless it is told.
        if (this.#gate.isPaused) this.#events.push({ type: 'reading-paused' })
        this.#channel.handle(event, now)
        break
      case 'transport-down':
        this.#transportUp = false
        this.#channel.handle(event, now)
        break
      default:
        this.#channel.handle(event, now)
    }
    this.#followChannel(now)
    this.#followStreams(now)
  }

  #local(event: ConnectionInput, now: Instant): void {
    if (this.#streams === undefined) this.#keepEarly(event)
    else apply(this.#streams, event, now)
  }

  #keepEarly(event: ConnectionInput): void {
    this.#early.push(event)
    if (event.type === 'open') {
      this.#earlyOpen.add(event.connection)
      this.#events.push({ type: 'full', connection: event.connection })
    } else if (event.type === 'abort') {
      this.#earlyOpen.delete(event.connection)
    }
  }

  #tick(now: Instant): void {
    this.#channel.handle({ type: 'tick' }, now)
    if (!this.#transportUp) return
    this.#streams?.tick(now)
    if (this.#keepAliveAt !== undefined && now.mono >= this.#keepAliveAt) {
      this.#keepAliveAt = now.mono + KEEP_ALIVE_EVERY
      this.#channel.sendControl(PAYLOAD_OUTPUT, NOP)
    }
  }

  // ── the agent ───────────────────────────────────────────────────────────────────────────────────────────────────

  #followChannel(now: Instant): void {
    for (let event = this.#channel.pollEvent(); event !== undefined; event = this.#channel.pollEvent()) {
      this.#channelEvent(event, now)
    }
  }

  #channelEvent(event: ChannelOutput, now: Instant): void {
    switch (event.type) {
      case 'payload':
        if (event.payloadType === PAYLOAD_OUTPUT) this.#streams?.receive(event.bytes, now)
        else if (event.payloadType === PAYLOAD_FLAG) this.#flag(event.bytes, now)
        break
      case 'ready':
        if (event.facts !== undefined) this.#ready(event.facts, now)
        break
      case 'need-key':
      case 'warning':
        this.#events.push(event)
        break
      case 'ended':
        this.#end(event.end)
        break
      default:
        event satisfies never
    }
  }

  #flag(payload: Uint8Array, now: Instant): void {
    try {
      if (decodeFlag(payload) === SESSION_FLAG_CONNECT_TO_PORT_ERROR) this.#streams?.connectFailed(now)
    } catch (error) {
      if (!isPgctlError(error)) throw error
      this.#channel.fail(error, now)
    }
  }

  #ready(facts: HandshakeFacts, now: Instant): void {
    const features = agentFeatures(facts.agentVersion)
    this.#multiplexed = features.multiplexedPorts && facts.properties['type'] === PORT_TYPE_LOCAL_FORWARDING
    const streams = this.#multiplexed
      ? new MultiplexedStreams(this.#halfClose)
      : new SingleStream(this.#halfClose)
    this.#streams = streams
    if (this.#multiplexed && features.wantsSmuxKeepAlive) this.#keepAliveAt = now.mono + KEEP_ALIVE_EVERY
    this.#events.push({
      type: 'ready',
      facts: {
        agentVersion: facts.agentVersion,
        sessionType: facts.sessionType,
        multiplexed: this.#multiplexed,
        encrypted: facts.cipher !== undefined,
        customerMessage: facts.customerMessage,
      },
    })
    this.#catchUp(streams, now)
  }

  #catchUp(streams: PortStreams, now: Instant): void {
    for (const connection of this.#earlyOpen) this.#events.push({ type: 'writable', connection })
    this.#earlyOpen.clear()
    for (let event = this.#early.shift(); event !== undefined; event = this.#early.shift()) {
      apply(streams, event, now)
    }
  }

  #followStreams(now: Instant): void {
    const streams = this.#streams
    if (streams === undefined || this.#ended) return
    for (let event = streams.pollEvent(); event !== undefined; event = streams.pollEvent()) {
      if (event.type === 'disconnect') {
        this.#channel.sendControl(PAYLOAD_FLAG, encodeFlag(SESSION_FLAG_DISCONNECT_TO_PORT))
      } else if (event.type === 'failed') {
        this.#channel.fail(event.error, now)
        this.#followChannel(now)
      } else {
        this.#events.push(event)
      }
    }
    if (this.#ended) return
    this.#watchHeld(streams, now)
  }

  #watchHeld(streams: PortStreams, now: Instant): void {
    const reading = this.#gate.update(streams.heldBytes)
    if (reading !== undefined) {
      this.#channel.setReading(reading === 'reading-resumed', now)
      this.#events.push({ type: reading })
    }
    const code = this.#gate.stretch(streams.heldBytes)
    if (code === 'readers-caught-up') this.#events.push({ type: 'warning', warning: { code } })
    const most = code === 'readers-behind' ? streams.mostHeld() : undefined
    if (most !== undefined)
      this.#events.push({ type: 'warning', warning: { code: 'readers-behind', ...most } })
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #end(end: SessionEnd): void {
    this.#ended = true
    const connectionEnd = this.#connectionEnd(end)
    for (const connection of this.#earlyOpen) {
      this.#events.push({ type: 'connection-ended', connection, end: connectionEnd })
    }
    const streams = this.#streams
    streams?.endAll(connectionEnd)
    for (let event = streams?.pollEvent(); event !== undefined; event = streams?.pollEvent()) {
      if (event.type !== 'disconnect' && event.type !== 'failed') this.#events.push(event)
    }
    this.#early.clear()
    this.#events.push({ type: 'ended', end })
  }

  /** A single connection that the far end closes is told so by the end of its session. */
  #connectionEnd(end: SessionEnd): ConnectionEnd {
    if (end.how === 'failed') return { cause: 'session', error: end.error }
    if (end.how === 'closed') return { cause: 'session', error: undefined }
    if (this.#streams !== undefined && !this.#multiplexed) return { cause: 'far-end' }
    return { cause: 'session', error: endedByFarEnd(end.output) }
  }

  // ── out ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  pollEvent(): PortOutput | undefined {
    return this.#events.shift()
  }

  pollTransmit(now: Instant, budget: Bytes): Uint8Array | undefined {
    if (this.#ended) return undefined
    const frame = this.#channel.pollTransmit(now, budget)
    if (frame !== undefined || this.#streams === undefined) return frame
    const data = this.#transmitData(this.#streams, now, budget)
    this.#followStreams(now)
    return data
  }

  #transmitData(streams: PortStreams, now: Instant, budget: Bytes): Uint8Array | undefined {
    const room = this.#channel.room(budget)
    if (room === 0) return undefined
    if (this.#multiplexed && streams.unsentBytes > room) {
      const probe = this.#probe(now, budget)
      if (probe !== undefined) return probe
    }
    const payload = streams.pollTransmit(room)
    return payload === undefined ? undefined : this.#channel.transmit(payload, now)
  }

  /**
   * Learns whether larger messages arrive, by one of smux frames that mean nothing: whether the agent gets all of
   * them, or one in their place because the size was refused, the streams are the same.
   */
  #probe(now: Instant, budget: Bytes): Uint8Array | undefined {
    const length = this.#channel.probeBytes(budget)
    if (length === undefined) return undefined
    const nops = new Uint8Array(length)
    for (let at = 0; at + NOP.length <= length; at += NOP.length) nops.set(NOP, at)
    return this.#channel.transmitProbe(PAYLOAD_OUTPUT, nops, NOP, now)
  }

  // ── time and observation ────────────────────────────────────────────────────────────────────────────────────────

  deadline(): Ms | undefined {
    if (this.#ended) return undefined
    const ofChannel = this.#channel.deadline()
    if (!this.#transportUp || this.#streams === undefined) return ofChannel
    return earliest(ofChannel, earliest(this.#streams.deadline(), this.#keepAliveAt))
  }

  stats(): SessionStats {
    return Object.freeze({
      ...this.#channel.stats(),
      unsentBytes: this.#streams?.unsentBytes ?? 0,
      heldBytes: this.#streams?.heldBytes ?? 0,
    })
  }
}

function apply(streams: PortStreams, event: ConnectionInput, now: Instant): void {
  switch (event.type) {
    case 'open':
      streams.open(event.connection)
      break
    case 'write':
      streams.write(event.connection, event.bytes)
      break
    case 'consumed':
      streams.consumed(event.connection, event.length)
      break
    case 'end':
      streams.end(event.connection, now)
      break
    case 'abort':
      streams.abort(event.connection)
      break
    default:
      event satisfies never
  }
}

function endedByFarEnd(output: string): PgctlError {
  return new PgctlError('session-ended', 'the session was ended by the service or the agent', {
    why: output === '' ? undefined : output,
    next: 'run the command again for a new session',
  })
}
