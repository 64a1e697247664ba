import type { Bytes, Instant, Ms } from '#core/clock.ts'
import { Fifo } from '#core/ssm/fifo.ts'
import { encodeMessage, type MessageIds } from '#core/ssm/message.ts'
import { RoundTrip } from '#core/ssm/rtt.ts'
import { UploadWindow } from '#core/ssm/upload-window.ts'

/** How far the newest message may be ahead of the oldest that is not acknowledged. A power of two. */
const MAX_SPAN = 4_096

/** What an acknowledgement was about. */
export type Acknowledged = 'first' | 'acknowledged-before' | 'not-sent'

/** A message that is not acknowledged. Its timer is its place in a list ordered by `sentAt`. */
interface Unacknowledged {
  readonly sequence: number
  readonly payloadType: number
  readonly payloadBytes: Bytes
  frame: Uint8Array
  tries: number
  sentAt: Ms
  /** `waiting` for its acknowledgement, `lost` (to be sent again), or `done`. */
  state: 'waiting' | 'lost' | 'done'
  /** For a probe of the message size: what goes in its place when it is refused. */
  substitute: Uint8Array | undefined
  previous: Unacknowledged | undefined
  next: Unacknowledged | undefined
}

/** What one call of {@link SendQueue.takeLost} sends again. */
export interface Resent {
  readonly frame: Uint8Array
  readonly sequence: number
  readonly payloadType: number
  readonly payloadBytes: Bytes
}

/**
 * Owns the outbound sequence number: numbers stream messages, keeps each until it is acknowledged, and sends again
 * what was not acknowledged in time. Acknowledging is constant time, whatever is in flight.
 *
 * A message is stored before its frame is handed out: on a fast path the acknowledgement would win the race
 * otherwise, and the message be repeated for ever. Sequence numbers continue over transports.
 */
export class SendQueue {
  readonly #ids: MessageIds
  readonly #roundTrip = new RoundTrip()
  readonly #window = new UploadWindow()

  // What is not acknowledged, by its sequence number modulo the span.
  readonly #unacknowledged: (Unacknowledged | undefined)[] = new Array(MAX_SPAN).fill(undefined)
  #oldest = 0
  #next = 0
  #count = 0
  #bytes: Bytes = 0
  #newestAcknowledged = -1

  // The timers: a list of the waiting ones, the one that was sent first at its head.
  #first: Unacknowledged | undefined
  #last: Unacknowledged | undefined
  #waiting = 0

  // What is to be sent again, in order.
  readonly #lost = new Fifo<Unacknowledged>()

  #running = false
  #fellBackAt: Ms = Number.NEGATIVE_INFINITY
  #retransmissions = 0

  constructor(ids: MessageIds) {
    this.#ids = ids
  }

  // ── what it holds ───────────────────────────────────────────────────────────────────────────────────────────────

  get roundTrip(): RoundTrip {
    return this.#roundTrip
  }

  get window(): UploadWindow {
    return this.#window
  }

  /** Messages that are not acknowledged. */
  get inFlight(): number {
    return this.#count
  }

  /** Payload bytes that are not acknowledged. */
  get unacknowledgedBytes(): Bytes {
    return this.#bytes
  }

  get retransmissions(): number {
    return this.#retransmissions
  }

  /** The sequence number that the next message gets. */
  get nextSequence(): number {
    return this.#next
  }

  /** Whether the message `sequence` was sent and acknowledged. */
  isAcknowledged(sequence: number): boolean {
    return sequence < this.#next && this.#find(sequence) === undefined
  }

  /** Payload bytes that one more message may hold now; 0: wait for acknowledgements. */
  get room(): Bytes {
    if (this.#count >= this.#window.count || this.#next - this.#oldest >= MAX_SPAN) return 0
    return this.#window.messageBytes
  }

  // ── sending ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Numbers a message, stores it, and gives its frame. `room` is for data; messages of the protocol do not ask. */
  send(payloadType: number, payload: Uint8Array, now: Instant, substitute?: Uint8Array): Uint8Array {
    const sequence = this.#next++
    const entry: Unacknowledged = {
      sequence,
      payloadType,
      payloadBytes: payload.length,
      frame: this.#encode(sequence, payloadType, payload, now),
      tries: 1,
      sentAt: now.mono,
      state: 'waiting',
      substitute,
      previous: undefined,
      next: undefined,
    }
    this.#unacknowledged[sequence % MAX_SPAN] = entry
    this.#count++
    this.#bytes += payload.length
    this.#append(entry)
    if (this.#count >= this.#window.count) this.#window.markFull()
    return entry.frame
  }

  /**
   * Sends a message of `payload.length` bytes only to learn whether that size arrives. It must mean nothing, and
   * `substitute`, which takes its place when it is refused, must mean the same: the agent may have got either.
   */
  sendProbe(payloadType: number, payload: Uint8Array, substitute: Uint8Array, now: Instant): Uint8Array {
    this.#window.probeSent()
    return this.send(payloadType, payload, now, substitute)
  }

  /** The next message to send again, if its frame fits `budget` and the window has room for it. */
  takeLost(now: Instant, budget: Bytes): Resent | undefined {
    if (this.#waiting >= this.#window.count) return undefined
    const entry = this.#peekLost()
    if (entry === undefined || entry.frame.length > budget) return undefined
    this.#lost.shift()
    entry.state = 'waiting'
    entry.tries++
    entry.sentAt = now.mono
    this.#append(entry)
    this.#retransmissions++
    return entry
  }

  #encode(sequence: number, payloadType: number, payload: Uint8Array, now: Instant): Uint8Array {
    return encodeMessage({
      type: 'input_stream_data',
      createdDate: now.wall,
      sequence,
      flags: 0,
      messageId: this.#ids.next(),
      payloadType,
      payload,
    })
  }

  // ── acknowledgements and time ───────────────────────────────────────────────────────────────────────────────────

  acknowledge(sequence: number, now: Instant): Acknowledged {
    if (sequence >= this.#next) return 'not-sent'
    const entry = this.#find(sequence)
    if (entry === undefined) return 'acknowledged-before'
    if (entry.state === 'waiting') this.#unlink(entry)
    entry.state = 'done'
    this.#unacknowledged[sequence % MAX_SPAN] = undefined
    this.#count--
    this.#bytes -= entry.payloadBytes
    this.#newestAcknowledged = Math.max(this.#newestAcknowledged, sequence)
    while (this.#oldest < this.#next && this.#find(this.#oldest) === undefined) this.#oldest++
    if (entry.tries === 1) this.#acknowledgedCleanly(entry, now)
    return 'first'
  }

  #acknowledgedCleanly(entry: Unacknowledged, now: Instant): void {
    this.#roundTrip.sample(now.mono - entry.sentAt)
    if (entry.substitute !== undefined) this.#window.probeAccepted(entry.payloadBytes)
    if (this.#roundTrip.isShort) this.#window.acknowledgedCleanly()
  }

  /** When (`mono`) the next message has waited too long; undefined: none waits. */
  deadline(): Ms | undefined {
    if (this.#first === undefined || !this.#running) return undefined
    return this.#first.sentAt + this.#roundTrip.timeout
  }

  /** Finds the messages that have waited too long. True: the way out has fallen back to less in flight. */
  expire(now: Instant): boolean {
    if (!this.#running) return false
    // Falling back lengthens the timeout; what is overdue now stays so.
    const { timeout } = this.#roundTrip
    let fellBack = false
    // The sum of deadline(), term for term: by another route its rounding could keep a due timer from doing anything.
    for (
      let entry = this.#first;
      entry !== undefined && entry.sentAt + timeout <= now.mono;
      entry = this.#first
    ) {
      this.#unlink(entry)
      this.#markLost(entry, now)
      // What was sent before the last fall-back is part of what caused it.
      if (entry.sentAt >= this.#fellBackAt) fellBack = this.#fallBack(now) || fellBack
    }
    return fellBack
  }

  #fallBack(now: Instant): boolean {
    if (this.#fellBackAt === now.mono) return false
    this.#fellBackAt = now.mono
    this.#roundTrip.backOff()
    this.#window.fallBack()
    return true
  }

  #markLost(entry: Unacknowledged, now: Instant): void {
    entry.state = 'lost'
    this.#lost.push(entry)
    if (entry.substitute === undefined) return
    this.#window.probeFailed(entry.payloadBytes, this.#newestAcknowledged > entry.sequence)
    entry.frame = this.#encode(entry.sequence, entry.payloadType, entry.substitute, now)
    entry.substitute = undefined
  }

  // ── the transport ───────────────────────────────────────────────────────────────────────────────────────────────

  /** There is a way to the agent: everything that is not acknowledged is sent again. */
  start(): void {
    this.#running = true
    this.#roundTrip.restart()
  }

  /** There is no way to the agent: time stands still, and what was under way counts as lost. */
  stop(now: Instant): void {
    this.#running = false
    this.#first = undefined
    this.#last = undefined
    this.#waiting = 0
    this.#lost.clear()
    for (let sequence = this.#oldest; sequence < this.#next; sequence++) {
      const entry = this.#find(sequence)
      if (entry === undefined) continue
      entry.previous = undefined
      entry.next = undefined
      this.#markLost(entry, now)
    }
  }

  // ── the lists ───────────────────────────────────────────────────────────────────────────────────────────────────

  #find(sequence: number): Unacknowledged | undefined {
    const entry = this.#unacknowledged[sequence % MAX_SPAN]
    return entry?.sequence === sequence ? entry : undefined
  }

  #peekLost(): Unacknowledged | undefined {
    let entry = this.#lost.peek()
    while (entry?.state === 'done') {
      this.#lost.shift()
      entry = this.#lost.peek()
    }
    return entry
  }

  #append(entry: Unacknowledged): void {
    entry.previous = this.#last
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
    this.#waiting++
  }

  #unlink(entry: Unacknowledged): void {
    if (entry.previous === undefined) this.#first = entry.next
    else entry.previous.next = entry.next
    if (entry.next === undefined) this.#last = entry.previous
    else entry.next.previous = entry.previous
    entry.previous = undefined
    entry.next = undefined
    this.#waiting--
  }
}
