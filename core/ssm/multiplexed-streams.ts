import type { Bytes, Instant, Ms } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import { Fifo } from '#core/ssm/fifo.ts'
import { HeldEnds } from '#core/ssm/held-ends.ts'
import type { ConnectionEnd, ConnectionId } from '#core/ssm/machine.ts'
import {
  type HeldBack,
  type PortStreams,
  type PortStreamsOutput,
  UNSENT_HIGH,
  UNSENT_LOW,
} from '#core/ssm/port-streams.ts'
import { SMUX_LIMITS, type SmuxEvent, SmuxSession, type StreamId } from '#core/ssm/smux/session.ts'

/** The agent sends a refused connection's FIN at once; a refusal that none follows belongs to nothing. */
const REFUSAL_HOLDS: Ms = 5_000

interface Connection {
  readonly id: ConnectionId
  readonly stream: StreamId
  /** Our direction: `held` is ended here and not told there yet. */
  local: 'open' | 'held' | 'finished'
  remoteEnded: boolean
  /** Whether the far end has said anything: a connection that has was not refused. */
  heard: boolean
  full: boolean
  /** Whether the last word was the local side's: an answer may still be owed. */
  unanswered: boolean
}

/** Many connections in one session, by smux. */
export class MultiplexedStreams implements PortStreams {
  readonly #halfClose: boolean
  readonly #smux = new SmuxSession({ ...SMUX_LIMITS, outHigh: UNSENT_HIGH, outLow: UNSENT_LOW })
  readonly #events = new Fifo<PortStreamsOutput>()
  readonly #connections = new Map<ConnectionId, Connection>()
  readonly #byStream = new Map<StreamId, Connection>()
  readonly #heldEnds = new HeldEnds()
  /** Refusals that the agent has announced, and whose FIN is still to come. */
  #refusals = 0
  #refusedAt: Ms = 0

  constructor(halfClose: boolean) {
    this.#halfClose = halfClose
  }

  get unsentBytes(): Bytes {
    return this.#smux.unsent
  }

  get heldBytes(): Bytes {
    return this.#smux.unconsumed
  }

  mostHeld(): HeldBack | undefined {
    let most: HeldBack | undefined
    for (const { id, stream } of this.#connections.values()) {
      const held = this.#smux.unconsumedOf(stream)
      if (most === undefined || held > most.held) most = { connection: id, held }
    }
    return most
  }

  // ── the local side ──────────────────────────────────────────────────────────────────────────────────────────────

  open(id: ConnectionId): void {
    try {
      const stream = this.#smux.open()
      const connection: Connection = {
        id,
        stream,
        local: 'open',
        remoteEnded: false,
        heard: false,
        full: false,
        unanswered: false,
      }
      this.#connections.set(id, connection)
      this.#byStream.set(stream, connection)
    } catch (error) {
      if (!isPgctlError(error)) throw error
      this.#events.push({ type: 'connection-ended', connection: id, end: { cause: 'session', error } })
    }
  }

  write(id: ConnectionId, bytes: Uint8Array): void {
    const connection = this.#connections.get(id)
    if (connection === undefined || connection.local !== 'open') return
    connection.unanswered = true
    const mayGoOn = this.#smux.write(connection.stream, bytes)
    if (mayGoOn || connection.full) return
    connection.full = true
    this.#events.push({ type: 'full', connection: id })
  }

  consumed(id: ConnectionId, length: Bytes): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    this.#smux.consumed(connection.stream, length)
    this.#forgetIfDone(connection)
  }

  end(id: ConnectionId, now: Instant): void {
    const connection = this.#connections.get(id)
    if (connection === undefined || connection.local !== 'open' || connection.remoteEnded) return
    if (this.#halfClose) {
      this.#finish(connection)
    } else {
      connection.local = 'held'
      this.#heldEnds.hold(id, now)
    }
  }

  abort(id: ConnectionId): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    this.#smux.abandon(connection.stream)
    this.#forget(connection)
  }

  endAll(end: ConnectionEnd): void {
    for (const connection of this.#connections.values()) {
      if (!connection.remoteEnded) {
        this.#events.push({ type: 'connection-ended', connection: connection.id, end })
      }
      this.abort(connection.id)
    }
  }

  // ── the agent's side ────────────────────────────────────────────────────────────────────────────────────────────

  receive(bytes: Uint8Array, now: Instant): void {
    this.#smux.receive(bytes)
    this.#followSmux(now)
  }

  connectFailed(now: Instant): void {
    this.#refusals++
    this.#refusedAt = now.mono
  }

  #followSmux(now: Instant): void {
    for (let event = this.#smux.pollEvent(); event !== undefined; event = this.#smux.pollEvent()) {
      if (event.type === 'failed') this.#events.push(event)
      else this.#follow(event, now)
    }
  }

  #follow(event: Exclude<SmuxEvent, { type: 'failed' }>, now: Instant): void {
    const connection = this.#byStream.get(event.id)
    if (connection === undefined) return
    switch (event.type) {
      case 'data':
        connection.heard = true
        connection.unanswered = false
        if (connection.local !== 'open') this.#heldEnds.heard(connection.id, now)
        this.#events.push({ type: 'data', connection: connection.id, bytes: event.bytes })
        break
      case 'writable':
        this.#writable(connection)
        break
      case 'end':
        this.#remoteEnded(connection, now)
        break
      default:
        event satisfies never
    }
  }

  #writable(connection: Connection): void {
    connection.full = false
    if (connection.local === 'open') this.#events.push({ type: 'writable', connection: connection.id })
  }

  #remoteEnded(connection: Connection, now: Instant): void {
    const end: ConnectionEnd = this.#wasRefused(connection, now) ? { cause: 'refused' } : { cause: 'far-end' }
    connection.remoteEnded = true
    this.#heldEnds.release(connection.id)
    this.#events.push({ type: 'connection-ended', connection: connection.id, end })
    this.#forgetIfDone(connection)
  }

  /** The refusal names no connection; one that was answered cannot be the one. */
  #wasRefused(connection: Connection, now: Instant): boolean {
    // Its FIN came to a connection that was given up meanwhile.
    if (now.mono - this.#refusedAt > REFUSAL_HOLDS) this.#refusals = 0
    if (this.#refusals === 0 || connection.heard) return false
    this.#refusals--
    return true
  }

  /** What has ended is remembered until its data is consumed, as that is counted by connection. */
  #forgetIfDone(connection: Connection): void {
    if (connection.remoteEnded && this.#smux.unconsumedOf(connection.stream) === 0) this.#forget(connection)
  }

  #forget(connection: Connection): void {
    this.#heldEnds.release(connection.id)
    this.#connections.delete(connection.id)
    this.#byStream.delete(connection.stream)
  }

  // ── out ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  pollEvent(): PortStreamsOutput | undefined {
    return this.#events.shift()
  }

  pollTransmit(room: Bytes): Uint8Array | undefined {
    if (!this.#smux.wantsTransmit) return undefined
    const payload = this.#smux.pollTransmit(room)
    for (let event = this.#smux.pollEvent(); event !== undefined; event = this.#smux.pollEvent()) {
      const connection = event.type === 'writable' ? this.#byStream.get(event.id) : undefined
      if (connection !== undefined) this.#writable(connection)
    }
    return payload
  }

  // ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────

  restart(now: Instant): void {
    this.#heldEnds.restart(now)
  }

  deadline(): Ms | undefined {
    return this.#heldEnds.deadline()
  }

  tick(now: Instant): void {
    for (let id = this.#heldEnds.takeDue(now); id !== undefined; id = this.#heldEnds.takeDue(now)) {
      const connection = this.#connections.get(id)
      if (connection !== undefined) this.#quietTooLong(connection, now)
    }
  }

  /** The far side said nothing since the local side ended: FIN, and if that brings no answer either, the end. */
  #quietTooLong(connection: Connection, now: Instant): void {
    if (connection.local === 'held') {
      // A client that leaves after its answer (an idle HTTP connection, say) loses nothing.
      if (connection.unanswered)
        this.#events.push({
          type: 'warning',
          warning: { code: 'half-close-forced', connection: connection.id },
        })
      this.#finish(connection)
      this.#heldEnds.hold(connection.id, now)
    } else {
      this.#events.push({ type: 'connection-ended', connection: connection.id, end: { cause: 'far-end' } })
      this.abort(connection.id)
    }
  }

  #finish(connection: Connection): void {
    connection.local = 'finished'
    this.#smux.finish(connection.stream)
  }
}
