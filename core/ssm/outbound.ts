import type { Bytes, Instant, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { AcknowledgementQueue } from '#core/ssm/acknowledgement-queue.ts'
import { ACKNOWLEDGEMENT_PATIENCE, AgentSilence } from '#core/ssm/agent-silence.ts'
import type { ChannelLog } from '#core/ssm/channel-log.ts'
import { SEAL_BYTES, type SessionCipher } from '#core/ssm/cipher.ts'
import { PAYLOAD_OFFSET, PAYLOAD_OUTPUT } from '#core/ssm/constants.ts'
import { Fifo } from '#core/ssm/fifo.ts'
import { earliest, type SessionWarning } from '#core/ssm/machine.ts'
import type { Message, MessageIds } from '#core/ssm/message.ts'
import { type Acknowledged, SendQueue } from '#core/ssm/send-queue.ts'

/** Everything that goes out of a channel, in its order of precedence. */
export class Outbound {
  /** What encrypts data; undefined in a session without encryption. */
  cipher: SessionCipher | undefined

  readonly #log: ChannelLog
  readonly #sending: SendQueue
  readonly #acknowledgements: AcknowledgementQueue
  /** Messages of the protocol itself: few, small, and before all data. */
  readonly #control = new Fifo<{ readonly payloadType: number; readonly payload: Uint8Array }>()
  readonly #silence = new AgentSilence()
  readonly #warnings = new Fifo<SessionWarning>()
  #running = false
  #isRead = true

  constructor(ids: MessageIds, log: ChannelLog) {
    this.#log = log
    this.#sending = new SendQueue(ids)
    this.#acknowledgements = new AcknowledgementQueue(ids)
  }

  /** For its figures; numbering and timing are its own business. */
  get sending(): SendQueue {
    return this.#sending
  }

  // ── the way to the agent ────────────────────────────────────────────────────────────────────────────────────────

  /** There is a way to the agent again: what is not acknowledged goes out once more. */
  start(now: Instant): void {
    this.#running = true
    this.#sending.start()
    this.#watchSilence(now)
  }

  /** There is no way for a while: nothing goes out, and nothing is late. */
  stop(now: Instant): void {
    this.#running = false
    this.#sending.stop(now)
    this.#watchSilence(now)
  }

  /** The channel is over: nothing goes out any more. */
  clear(now: Instant): void {
    this.stop(now)
    this.#acknowledgements.clear()
    this.#control.clear()
    this.#warnings.clear()
  }

  /** Whether what comes is read: while it is not, no acknowledgement can be seen, and none is missed. */
  setReading(isRead: boolean, now: Instant): void {
    this.#isRead = isRead
    this.#watchSilence(now)
  }

  // ── what is to go out ───────────────────────────────────────────────────────────────────────────────────────────

  /** Whether no further message may be accepted, as its acknowledgement would find no room. */
  get owesTooMuch(): boolean {
    return this.#acknowledgements.isFull
  }

  oweAcknowledgement(message: Message): void {
    this.#acknowledgements.push(message)
  }

  pushControl(payloadType: number, payload: Uint8Array): void {
    this.#control.push({ payloadType, payload })
  }

  /** Whether a message of the protocol itself waits to go out. */
  get hasControl(): boolean {
    return this.#control.size > 0
  }

  /** Whether the newest message, and with it the last thing to say, was acknowledged. */
  get hasSaidAll(): boolean {
    return this.#control.size === 0 && this.#sending.isAcknowledged(this.#sending.nextSequence - 1)
  }

  acknowledged(sequence: number, now: Instant): Acknowledged {
    const about = this.#sending.acknowledge(sequence, now)
    if (about !== 'first') return about
    const silentFor = this.#silence.heard(now)
    if (silentFor !== undefined) this.#warnings.push({ code: 'responsive', silentFor })
    this.#watchSilence(now)
    return about
  }

  // ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Acknowledgements, then what was lost, then the protocol's own messages. Data asks for {@link room}. */
  take(now: Instant, budget: Bytes): Uint8Array | undefined {
    if (!this.#running) return undefined
    const acknowledgement = this.#acknowledgements.take(now, budget)
    if (acknowledgement !== undefined) {
      this.#log.acknowledgementOut()
      return acknowledgement
    }
    const lost = this.#sending.takeLost(now, budget)
    if (lost !== undefined) {
      this.#log.sentAgain(lost)
      return lost.frame
    }
    const control = this.#control.peek()
    if (control === undefined || control.payload.length + PAYLOAD_OFFSET > budget) return undefined
    this.#control.shift()
    return this.#send(control.payloadType, control.payload, now)
  }

  /** Bytes that the next data message may hold, its frame within `budget`; 0: wait. */
  room(budget: Bytes): Bytes {
    if (!this.#running) return 0
    const most = budget - PAYLOAD_OFFSET - (this.cipher === undefined ? 0 : SEAL_BYTES)
    return Math.max(0, Math.min(this.#sending.room, most))
  }

  /** The frame of one data payload, of at most `room` bytes. */
  transmit(payload: Uint8Array, now: Instant): Uint8Array {
    this.#log.lastActivity = now.wall
    return this.#send(PAYLOAD_OUTPUT, this.cipher?.encrypt(payload) ?? payload, now)
  }

  /** The size that a meaningless message should have now, to learn whether it arrives; undefined: none is due. */
  probeBytes(budget: Bytes): Bytes | undefined {
    const bytes = this.#sending.window.probeBytes
    if (bytes === undefined || this.room(budget) === 0 || bytes + PAYLOAD_OFFSET > budget) return undefined
    return bytes
  }

  /** The frame of a probe, which {@link SendQueue.sendProbe} describes. */
  transmitProbe(payloadType: number, payload: Uint8Array, substitute: Uint8Array, now: Instant): Uint8Array {
    const frame = this.#sending.sendProbe(payloadType, payload, substitute, now)
    this.#log.sent(payloadType, this.#sending.nextSequence - 1, payload.length)
    this.#watchSilence(now)
    return frame
  }

  #send(payloadType: number, payload: Uint8Array, now: Instant): Uint8Array {
    const frame = this.#sending.send(payloadType, payload, now)
    this.#log.sent(payloadType, this.#sending.nextSequence - 1, payload.length)
    this.#watchSilence(now)
    return frame
  }

  // ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────

  deadline(): Ms | undefined {
    return earliest(this.#sending.deadline(), this.#silence.deadline())
  }

  /** Finds what has waited too long; the error of an agent that has been deaf for good, if it is. */
  expire(now: Instant): PgctlError | undefined {
    if (this.#sending.expire(now)) this.#log.fellBack(this.#sending)
    const silence = this.#silence.check(now)
    if (silence === 'warning')
      this.#warnings.push({ code: 'unresponsive', silentFor: this.#silence.silentFor })
    return silence === 'forsaken' ? forsaken() : undefined
  }

  /** The next thing that a user should know; undefined when there is none. */
  takeWarning(): SessionWarning | undefined {
    return this.#warnings.shift()
  }

  #watchSilence(now: Instant): void {
    if (this.#running && this.#isRead && this.#sending.inFlight > 0) this.#silence.run(now)
    else this.#silence.pause(now)
  }
}

function forsaken(): PgctlError {
  const minutes = ACKNOWLEDGEMENT_PATIENCE / 60_000
  return new PgctlError('session-lost', `the agent has acknowledged nothing for ${minutes} minutes`, {
    why: 'the gateway is there and the agent is not heard: it hangs, or the instance does',
    next: 'see how the instance is (pgctl status, or aws ssm describe-instance-information); then run the command again',
  })
}
