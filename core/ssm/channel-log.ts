import type { Bytes, Ms } from '#core/clock.ts'
import type { IgnoredReason, SessionStats, TraceRecord } from '#core/ssm/machine.ts'
import type { ReceiveQueue } from '#core/ssm/receive-queue.ts'
import type { Resent, SendQueue } from '#core/ssm/send-queue.ts'

/** The part of a session's figures that its channel knows. */
export type ChannelStats = Omit<SessionStats, 'unsentBytes' | 'heldBytes'>

/** Counts what passes, and writes the trace if somebody reads it. It sees lengths and numbers, never a payload. */
export class ChannelLog {
  /** When (`wall`) a user's byte last passed. */
  lastActivity: Ms | undefined

  readonly #trace: ((record: TraceRecord) => void) | undefined
  readonly #counts = {
    framesIn: 0,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    acknowledgementsIn: 0,
    acknowledgementsOut: 0,
    duplicatesIn: 0,
    ignored: 0,
  }

  constructor(trace: ((record: TraceRecord) => void) | undefined) {
    this.#trace = trace
  }

  frameIn(): void {
    this.#counts.framesIn++
  }

  acknowledgementIn(): void {
    this.#counts.acknowledgementsIn++
  }

  acknowledgementOut(): void {
    this.#counts.acknowledgementsOut++
    this.#counts.framesOut++
  }

  duplicateIn(): void {
    this.#counts.duplicatesIn++
  }

  received(payloadType: number, sequence: number, bytes: Bytes): void {
    this.#counts.bytesIn += bytes
    this.#trace?.({ what: 'received', payloadType, sequence, bytes })
  }

  sent(payloadType: number, sequence: number, bytes: Bytes): void {
    this.#counts.framesOut++
    this.#counts.bytesOut += bytes
    this.#trace?.({ what: 'sent', payloadType, sequence, bytes })
  }

  sentAgain({ payloadType, sequence, payloadBytes: bytes }: Resent): void {
    this.#counts.framesOut++
    this.#trace?.({ what: 'sent-again', payloadType, sequence, bytes })
  }

  ignored(reason: IgnoredReason, messageType: string, bytes: Bytes): void {
    this.#counts.ignored++
    this.#trace?.({ what: 'ignored', reason, messageType, bytes })
  }

  fellBack({ window, roundTrip }: SendQueue): void {
    this.#trace?.({
      what: 'window',
      window: window.count,
      messageBytes: window.messageBytes,
      retransmitAfter: roundTrip.timeout,
    })
  }

  state(state: string): void {
    this.#trace?.({ what: 'state', state })
  }

  stats(sending: SendQueue, receiving: ReceiveQueue): ChannelStats {
    const { roundTrip, window } = sending
    return {
      ...this.#counts,
      retransmissions: sending.retransmissions,
      roundTrip: roundTrip.smoothed,
      retransmitAfter: roundTrip.timeout,
      window: window.count,
      inFlight: sending.inFlight,
      messageBytes: window.messageBytes,
      refusedMessageBytes: window.refusedMessageBytes,
      unacknowledgedBytes: sending.unacknowledgedBytes,
      earlyBytes: receiving.earlyBytes,
      lastActivity: this.lastActivity,
    }
  }
}
