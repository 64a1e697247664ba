import type { Bytes, Instant, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { ByteQueue } from '#core/ssm/byte-queue.ts'
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

/**
 * One raw connection at a time, as SSH sessions and agents before multiplexing have it: the session's bytes are the
 * connection's. The agent learns of the local side's end by the flag DisconnectToPort, after which it connects anew
 * at the next byte; of its own far end's it says nothing in a forwarding session, and ends an SSH session.
 */
export class SingleStream implements PortStreams {
  readonly #halfClose: boolean
  readonly #events = new Fifo<PortStreamsOutput>()
  readonly #unsent = new ByteQueue()
  readonly #heldEnds = new HeldEnds()

  #current: ConnectionId | undefined
  #local: 'open' | 'held' | 'finishing' = 'open'
  #full = false
  /** Whether the last word was the local side's: an answer may still be owed. */
  #unanswered = false
  #held: Bytes = 0

  constructor(halfClose: boolean) {
    this.#halfClose = halfClose
  }

  get unsentBytes(): Bytes {
    return this.#unsent.size
  }

  get heldBytes(): Bytes {
    return this.#held
  }

  mostHeld(): HeldBack | undefined {
    return this.#current === undefined ? undefined : { connection: this.#current, held: this.#held }
  }

  open(connection: ConnectionId): void {
    if (this.#current !== undefined) {
      this.#events.push({
        type: 'connection-ended',
        connection,
        end: { cause: 'session', error: oneAtATime() },
      })
      return
    }
    this.#current = connection
    this.#local = 'open'
    this.#full = false
    this.#unanswered = false
    this.#held = 0
  }

  write(connection: ConnectionId, bytes: Uint8Array): void {
    if (connection !== this.#current || this.#local !== 'open') return
    this.#unanswered = true
    this.#unsent.push(bytes)
    if (this.#full || this.#unsent.size < UNSENT_HIGH) return
    this.#full = true
    this.#events.push({ type: 'full', connection })
  }

  consumed(connection: ConnectionId, length: Bytes): void {
    if (connection === this.#current) this.#held -= length
  }

  end(connection: ConnectionId, now: Instant): void {
    if (connection !== this.#current || this.#local !== 'open') return
    if (this.#halfClose) {
      this.#finish()
    } else {
      this.#local = 'held'
      this.#heldEnds.hold(connection, now)
    }
  }

  abort(connection: ConnectionId): void {
    if (connection !== this.#current) return
    this.#unsent.clear()
    this.#leave()
    this.#events.push({ type: 'disconnect' })
  }

  endAll(end: ConnectionEnd): void {
    const connection = this.#current
    if (connection === undefined) return
    this.#unsent.clear()
    this.#leave()
    this.#events.push({ type: 'connection-ended', connection, end })
  }

  receive(bytes: Uint8Array, now: Instant): void {
    const connection = this.#current
    // What a connection that is gone was still sent has no reader.
    if (connection === undefined || bytes.length === 0) return
    this.#unanswered = false
    this.#held += bytes.length
    this.#heldEnds.heard(connection, now)
    this.#events.push({ type: 'data', connection, bytes })
  }

  connectFailed(): void {
    this.endAll({ cause: 'refused' })
  }

  pollEvent(): PortStreamsOutput | undefined {
    return this.#events.shift()
  }

  pollTransmit(room: Bytes): Uint8Array | undefined {
    if (this.#unsent.size === 0 || room === 0) return undefined
    const payload = this.#unsent.take(room)
    if (this.#full && this.#unsent.size <= UNSENT_LOW) {
      this.#full = false
      if (this.#current !== undefined) this.#events.push({ type: 'writable', connection: this.#current })
    }
    if (this.#local === 'finishing') this.#disconnectWhenSent()
    return payload
  }

  restart(now: Instant): void {
    this.#heldEnds.restart(now)
  }

  deadline(): Ms | undefined {
    return this.#heldEnds.deadline()
  }

  tick(now: Instant): void {
    const connection = this.#heldEnds.takeDue(now)
    if (connection === undefined) return
    if (this.#unanswered)
      this.#events.push({ type: 'warning', warning: { code: 'half-close-forced', connection } })
    this.#finish()
  }

  #finish(): void {
    this.#local = 'finishing'
    this.#disconnectWhenSent()
  }

  /** The flag goes before all data that waits, so it waits for that. */
  #disconnectWhenSent(): void {
    const connection = this.#current
    if (connection === undefined || this.#unsent.size > 0) return
    this.#leave()
    this.#events.push({ type: 'disconnect' })
    this.#events.push({ type: 'connection-ended', connection, end: { cause: 'far-end' } })
  }

  #leave(): void {
    if (this.#current !== undefined) this.#heldEnds.release(this.#current)
    this.#current = undefined
    this.#held = 0
  }
}

function oneAtATime(): PgctlError {
  return new PgctlError('not-supported', 'the session takes one connection at a time, and has one', {
    why: 'the agent is too old to share a session, or the document is for a single connection',
    next: 'update the agent, or close the other connection first',
  })
}
