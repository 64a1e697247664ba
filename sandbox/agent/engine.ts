import type { Bytes, Instant, Ms, RandomBytes } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import { utf8 } from '#core/ssm/bytes.ts'
import {
  PAYLOAD_CHALLENGE_REQUEST,
  PAYLOAD_CHALLENGE_RESPONSE,
  PAYLOAD_EXIT_CODE,
  PAYLOAD_FLAG,
  PAYLOAD_HANDSHAKE_COMPLETE,
  PAYLOAD_HANDSHAKE_REQUEST,
  PAYLOAD_HANDSHAKE_RESPONSE,
  PAYLOAD_OUTPUT,
  PAYLOAD_SIZE,
  PAYLOAD_STDERR,
  SESSION_FLAG_CONNECT_TO_PORT_ERROR,
  SESSION_FLAG_DISCONNECT_TO_PORT,
  SESSION_FLAG_TERMINATE_SESSION,
} from '#core/ssm/constants.ts'
import { decodeUnverified, type Message } from '#core/ssm/message.ts'
import {
  channelClosedOutput,
  decodeAcknowledgement,
  decodeFlag,
  decodeSize,
  encodeExitCode,
  encodeFlag,
} from '#core/ssm/payloads.ts'
import type { AgentEvent, StoppedBy } from '#sandbox/agent/agent-event.ts'
import {
  isAtLeast,
  KEEP_ALIVE_UNTIL,
  MULTIPLEXING_SINCE,
  SEPARATE_STDERR_SINCE,
} from '#sandbox/agent/client-version.ts'
import { Greeting, type GreetingStep } from '#sandbox/agent/greeting.ts'
import { Inbox } from '#sandbox/agent/inbox.ts'
import { portPropertiesOf, type SessionJob } from '#sandbox/agent/job.ts'
import { MuxServer } from '#sandbox/agent/mux-server.ts'
import { Sender, type SendRate } from '#sandbox/agent/sender.ts'
import { StallingIntake, type UploadStall } from '#sandbox/agent/upload-stall.ts'

export interface AgentEngineOptions {
  readonly job: SessionJob
  readonly agentVersion: string
  readonly random: RandomBytes
  readonly rate: SendRate
  readonly stall?: UploadStall | undefined
}

const HANDSHAKE_TIMEOUT: Ms = 15_000
const HANDSHAKE_TIMED_OUT =
  'Handshake timed out. Please ensure that you have the latest version of the session manager plugin.'
const QUIET_AFTER_HANDSHAKE: Ms = 50
/** How long the end of a session waits for the acknowledgements of what it sent. */
const FLUSH_TIMEOUT: Ms = 2_000
const KEEP_ALIVE_EVERY: Ms = 10_000
const KEEP_ALIVE_TIMEOUT: Ms = 60_000
const GREETING: readonly number[] = [PAYLOAD_HANDSHAKE_RESPONSE, PAYLOAD_CHALLENGE_RESPONSE]
/** Acknowledgements that wait for a slow socket; beyond them no more input is taken. */
const BACKLOG = 4_096
/** Bytes of a raw stream that its connection has not taken, from which no more input is taken. */
const RAW_STREAM_BYTES: Bytes = 208 * 1024

/**
 * The agent's side of one session, without I/O: frames and the handler's doings in, frames and events out.
 *
 * It is built from parts of its own, so that a fault of the client's queues cannot hide behind a twin: the client
 * and this engine share the codecs, which recorded messages check, and nothing else.
 */
export class AgentEngine {
  readonly #job: SessionJob
  readonly #greeting: Greeting
  readonly #inbox = new Inbox()
  readonly #sender: Sender
  readonly #intake: StallingIntake | undefined
  #events: AgentEvent[] = []
  #mux: MuxServer | undefined
  #rawUnconsumed: Bytes = 0

  // ── one variable a dimension ──────────────────────────────────────────────────────────────────────────────────
  #opened = false
  #greeted: 'no' | 'waiting' | 'yes' = 'no'
  #greetingSince: Ms = 0
  #handler: 'idle' | 'starting' | 'ready' | 'stopped' = 'idle'
  #ending: 'no' | 'sending' | 'settling' | 'done' = 'no'
  #settleBy: Ms | undefined
  #nextKeepAlive: Ms | undefined
  #lastTraffic: Ms = 0

  constructor(options: AgentEngineOptions) {
    this.#job = options.job
    this.#greeting = new Greeting(options.job, options.agentVersion, options.random)
    this.#sender = new Sender(options.rate, options.random)
    this.#intake = options.stall === undefined ? undefined : new StallingIntake(options.stall)
  }

  // ── what the shell asks ───────────────────────────────────────────────────────────────────────────────────────

  /** Whether the shell should read the WebSocket on. */
  get wantsInput(): boolean {
    if (this.#sender.backlog >= BACKLOG || this.#rawUnconsumed >= RAW_STREAM_BYTES) return false
    return !(this.#mux?.full ?? false)
  }

  /** Whether the shell should read the far ends on. */
  get wantsOutput(): boolean {
    return this.#sender.wantsMore
  }

  get hasEvents(): boolean {
    return this.#events.length > 0
  }

  get heldBytes(): Bytes {
    return this.#sender.heldBytes + this.#inbox.bytes + this.#rawUnconsumed + (this.#mux?.unconsumed ?? 0)
  }

  // ── the channel ───────────────────────────────────────────────────────────────────────────────────────────────

  /** The WebSocket is open, for the first time or again. */
  up(now: Instant): void {
    this.#sender.up()
    if (this.#opened) return
    this.#opened = true
    this.#sessionState('Connected', now)
    if (this.#greeting.required) {
      this.#greeted = 'waiting'
      this.#greetingSince = now.mono
      this.#sender.now(PAYLOAD_HANDSHAKE_REQUEST, this.#greeting.request(), now)
    } else {
      this.#greeted = 'yes'
      this.#startHandler(now)
    }
  }

  down(): void {
    this.#sender.down()
  }

  /** A binary frame came. One that is malformed is ignored, as the vendor's agent does. */
  receive(frame: Uint8Array, now: Instant): void {
    if (this.#ending === 'done') return
    try {
      this.#onMessage(decodeUnverified(frame), now)
    } catch (error) {
      if (!isPgctlError(error)) throw error
    }
  }

  #onMessage(message: Message, now: Instant): void {
    switch (message.type) {
      case 'input_stream_data':
        this.#sender.publish(true)
        this.#onStreamMessage(message, now)
        break
      case 'acknowledge':
        this.#sender.publish(true)
        this.#sender.acknowledged(decodeAcknowledgement(message.payload).sequence, now)
        break
      case 'channel_closed':
        this.#stop(channelClosedOutput(message.payload), 'service')
        break
      case 'pause_publication':
        this.#sender.publish(false)
        break
      case 'start_publication':
        this.#sender.publish(true)
    }
  }

  #onStreamMessage(message: Message, now: Instant): void {
    if (this.#intake?.takes(message.payload.length, now.mono) === false) return
    const arrival = this.#inbox.classify(message.sequence)
    if (arrival === 'full' || (arrival === 'next' && !this.#accepts(message))) return
    // What answers a message comes after its acknowledgement.
    this.#sender.acknowledge(message, now)
    if (arrival === 'early') this.#inbox.hold(message)
    if (arrival !== 'next') return
    this.#inbox.advance()
    this.#process(message, now)
    this.#processHeld(now)
  }

  #processHeld(now: Instant): void {
    for (let held = this.#inbox.held; held !== undefined && this.#accepts(held); held = this.#inbox.held) {
      this.#inbox.advance()
      this.#process(held, now)
    }
  }

  /** Whether a message can be taken now; one that finds its handler unready is not acknowledged, and comes again. */
  #accepts(message: Message): boolean {
    if (this.#greeted !== 'yes' || GREETING.includes(message.payloadType)) return true
    return this.#handler === 'ready' || this.#handler === 'stopped'
  }

  #process(message: Message, now: Instant): void {
    const { payloadType, payload } = message
    this.#lastTraffic = now.mono
    if (payloadType === PAYLOAD_HANDSHAKE_RESPONSE) this.#step(this.#greeting.onResponse(payload), now)
    else if (payloadType === PAYLOAD_CHALLENGE_RESPONSE)
      this.#step(this.#greeting.onChallengeResponse(payload), now)
    // Data from before the handshake's end was acknowledged, and is lost: the vendor's agent does so.
    else if (this.#greeted === 'yes' && this.#handler === 'ready') this.#deliver(payloadType, payload)
  }

  #deliver(payloadType: number, payload: Uint8Array): void {
    if (payloadType === PAYLOAD_OUTPUT) {
      const plain = this.#greeting.cipher === undefined ? payload : this.#greeting.cipher.decrypt(payload)
      this.#deliverBytes(plain)
    } else if (payloadType === PAYLOAD_SIZE) {
      const { columns, rows } = decodeSize(payload)
      this.#events.push({ type: 'resize', columns, rows })
    } else if (payloadType === PAYLOAD_FLAG) {
      const flag = decodeFlag(payload)
      if (flag === SESSION_FLAG_TERMINATE_SESSION) this.#stop('', 'client')
      if (flag === SESSION_FLAG_DISCONNECT_TO_PORT) this.#events.push({ type: 'disconnect' })
    }
  }

  #deliverBytes(bytes: Uint8Array): void {
    if (this.#mux === undefined) {
      this.#rawUnconsumed += bytes.length
      this.#events.push({ type: 'input', bytes })
    } else if (!this.#mux.receive(bytes)) {
      this.#stop('')
    }
  }

  // ── greeting ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** KMS has decrypted the data key. */
  key(plaintext: Uint8Array, now: Instant): void {
    this.#step(this.#greeting.onKey(plaintext), now)
  }

  keyFailed(why: string): void {
    this.#stop(`Encountered error while initiating handshake. Fetching data key failed: ${why}`)
  }

  #step(step: GreetingStep, now: Instant): void {
    if (this.#greeted !== 'waiting') return
    switch (step.do) {
      case 'decrypt-key':
        this.#events.push({ type: 'decrypt-key', ciphertext: step.ciphertext })
        break
      case 'challenge':
        this.#sender.now(PAYLOAD_CHALLENGE_REQUEST, step.payload, now)
        break
      case 'fail':
        this.#stop(`Encountered error while initiating handshake. ${step.why}`)
        break
      case 'complete':
        this.#completeGreeting(now)
    }
  }

  #completeGreeting(now: Instant): void {
    this.#greeted = 'yes'
    this.#sender.now(
      PAYLOAD_HANDSHAKE_COMPLETE,
      this.#greeting.completion(now.mono - this.#greetingSince),
      now,
    )
    this.#sender.cipher = this.#greeting.cipher
    this.#sender.quietAfterReady(QUIET_AFTER_HANDSHAKE)
    this.#startHandler(now)
  }

  #startHandler(now: Instant): void {
    const { clientVersion } = this.#greeting
    const wanted = this.#job.type === 'Port' && portPropertiesOf(this.#job)?.multiplexed === true
    const multiplexed = wanted && isAtLeast(clientVersion, MULTIPLEXING_SINCE)
    if (multiplexed) {
      this.#mux = new MuxServer(
        (event) => this.#events.push(event),
        (frame) => this.#sender.queue(PAYLOAD_OUTPUT, frame),
      )
      if (isAtLeast(KEEP_ALIVE_UNTIL, clientVersion ?? '')) this.#nextKeepAlive = now.mono + KEEP_ALIVE_EVERY
    }
    this.#lastTraffic = now.mono
    this.#handler = 'starting'
    this.#events.push({ type: 'start', multiplexed })
  }

  // ── the handler ───────────────────────────────────────────────────────────────────────────────────────────────

  /** The handler can take input. */
  ready(now: Instant): void {
    if (this.#handler !== 'starting') return
    this.#handler = 'ready'
    this.#processHeld(now)
  }

  /** Output of the process or the raw stream; `error` is its standard error, apart. */
  write(bytes: Uint8Array, stream: 'output' | 'error' = 'output'): void {
    const apart = stream === 'error' && isAtLeast(this.#greeting.clientVersion, SEPARATE_STDERR_SINCE)
    this.#sender.queue(apart ? PAYLOAD_STDERR : PAYLOAD_OUTPUT, bytes)
  }

  exitCode(status: number): void {
    this.#sender.queue(PAYLOAD_EXIT_CODE, encodeExitCode(status))
  }

  /** The connection of a stream gave bytes. */
  writeStream(stream: number, bytes: Uint8Array): void {
    this.#mux?.write(stream, bytes)
  }

  /** The connection of a stream has ended. */
  closeStream(stream: number): void {
    this.#mux?.close(stream)
  }

  /** The connection of a stream could not be made: the flag, which names no stream, goes before its FIN. */
  refuseStream(stream: number, now: Instant): void {
    this.#sender.now(PAYLOAD_FLAG, encodeFlag(SESSION_FLAG_CONNECT_TO_PORT_ERROR), now)
    this.#mux?.close(stream)
  }

  /** Bytes of `input`, or of `data` of a stream, have been taken by their connection. */
  consumed(length: Bytes, stream?: number): void {
    if (stream === undefined) this.#rawUnconsumed -= length
    else this.#mux?.consumed(stream, length)
  }

  /** The handler has ended by itself, or was stopped; what it gave is still sent. */
  complete(now: Instant): void {
    if (this.#ending !== 'no') return
    this.#ending = 'sending'
    // Who was told to stop has nobody left to talk to.
    if (this.#handler === 'stopped') this.#settleBy = now.mono
    this.#handler = 'stopped'
    this.tick(now)
  }

  #stop(output: string, by: StoppedBy = 'agent'): void {
    if (this.#handler === 'stopped') return
    this.#handler = 'stopped'
    this.#greeted = 'yes'
    this.#sender.clearQueue()
    this.#events.push({ type: 'stop', output, by })
  }

  // ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Does what is due. */
  tick(now: Instant): void {
    if (this.#greeted === 'waiting' && now.mono >= this.#greetingSince + HANDSHAKE_TIMEOUT) {
      this.#stop(HANDSHAKE_TIMED_OUT)
    }
    if (this.#nextKeepAlive !== undefined && now.mono >= this.#nextKeepAlive) {
      this.#nextKeepAlive = now.mono + KEEP_ALIVE_EVERY
      if (now.mono - this.#lastTraffic >= KEEP_ALIVE_TIMEOUT) this.#stop('')
      else this.#mux?.keepAlive()
    }
    this.#settle(now)
  }

  #settle(now: Instant): void {
    if (this.#ending === 'sending' && this.#sender.sentAll) {
      this.#ending = 'settling'
      this.#settleBy ??= now.mono + FLUSH_TIMEOUT
    }
    if (this.#ending !== 'settling') return
    if (!this.#sender.settled && now.mono < (this.#settleBy ?? now.mono)) return
    this.#ending = 'done'
    this.#sessionState('Terminating', now)
    this.#events.push({ type: 'finished' })
  }

  /** When to `tick` and poll again on the monotonic clock, or undefined when only an event can change something. */
  deadline(): Ms | undefined {
    const times: Ms[] = []
    const sender = this.#sender.deadline()
    if (sender !== undefined) times.push(sender)
    if (this.#greeted === 'waiting') times.push(this.#greetingSince + HANDSHAKE_TIMEOUT)
    if (this.#nextKeepAlive !== undefined && this.#handler !== 'stopped') times.push(this.#nextKeepAlive)
    if (this.#ending === 'settling' && this.#settleBy !== undefined) times.push(this.#settleBy)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  // ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────

  pollEvent(): AgentEvent | undefined {
    return this.#events.shift()
  }

  /** The next frame to send, or undefined until an event or the deadline. */
  pollTransmit(now: Instant): Uint8Array | undefined {
    const frame = this.#sender.poll(now)
    if (frame === undefined) this.#settle(now)
    return frame
  }

  #sessionState(state: 'Connected' | 'Terminating', now: Instant): void {
    const payload = { SchemaVersion: 1, SessionState: state, SessionId: this.#job.sessionId }
    this.#sender.control('agent_session_state', utf8(JSON.stringify(payload)), now)
  }
}
