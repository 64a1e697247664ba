import type { Clock, RandomBytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { OutboundAgents } from '#core/io/outbound.ts'
import type { Logger } from '#core/logger.ts'
import { CLIENT_VERSION } from '#core/ssm/constants.ts'
import { openTransport, type Transport } from '#core/ssm/io/transport.ts'
import {
  type CommonInput,
  type CommonOutput,
  type Machine,
  MIN_TRANSMIT_BUDGET,
  type SessionEnd,
} from '#core/ssm/machine.ts'
import { MessageIds } from '#core/ssm/message.ts'
import { encodeOpenDataChannel } from '#core/ssm/payloads.ts'
import type { SessionApi, SessionGrant } from '#core/ssm/session-api.ts'
import { acceptStreamUrl, type StreamUrlPolicy } from '#core/ssm/stream-url.ts'

export interface ConnectionOptions<Input, Output> {
  readonly machine: Machine<Input, Output>
  readonly grant: SessionGrant
  readonly api: SessionApi
  readonly streamUrls: StreamUrlPolicy
  readonly agents: OutboundAgents
  readonly clock: Clock
  readonly random: RandomBytes
  readonly logger: Logger
  /** What the session gives, but for what the connection answers itself. */
  readonly onOutput: (output: Output) => void
  /** The data channel was lost, and whoever decides may bring it back with `reconnect` or end it with `giveUp`. */
  readonly onDown: (reason: string) => void
}

/**
 * The pump between one session machine and its WebSockets: it feeds all frames of one read, drains once, and keeps
 * one timer. It holds no rule of the protocol.
 */
export class Connection<
  Input extends CommonInput | { readonly type: string },
  Output extends { readonly type: string },
> {
  readonly sessionId: string
  /** Resolves once, when the session has ended for good. */
  readonly ended: Promise<SessionEnd>
  readonly #options: ConnectionOptions<Input, Output>
  readonly #ids: MessageIds
  /** The same for the whole session. */
  readonly #clientId: string
  readonly #abort = new AbortController()
  #resolveEnded: (end: SessionEnd) => void = () => {}
  #transport: Transport | undefined
  #readingPaused = false
  #over = false
  #draining = false
  #drainQueued = false
  #cancelTimer = () => {}
  #timerAt = Number.POSITIVE_INFINITY

  constructor(options: ConnectionOptions<Input, Output>) {
    this.#options = options
    this.sessionId = options.grant.sessionId
    this.#ids = new MessageIds(options.random)
    this.#clientId = this.#ids.nextText()
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  get isOver(): boolean {
    return this.#over
  }

  /**
   * Opens the data channel with a grant: the first, or a fresh one after a loss.
   * @throws PgctlError when the URL is refused or the WebSocket cannot be opened.
   */
  async open(grant: SessionGrant, signal?: AbortSignal): Promise<void> {
    const { streamUrls, agents, clock } = this.#options
    const url = acceptStreamUrl(grant.streamUrl, streamUrls)
    let transport: Transport | undefined
    let lost: string | undefined
    transport = await openTransport({
      url,
      openFrame: encodeOpenDataChannel({
        requestId: this.#ids.nextText(),
        token: grant.token,
        clientId: this.#clientId,
        clientVersion: CLIENT_VERSION,
      }),
      agents,
      clock,
      signal: signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal]),
      handler: {
        frame: (bytes) => this.#handle({ type: 'frame', bytes }),
        drained: () => this.#drain(),
        writable: () => this.#drain(),
        down: (reason) => {
          lost = reason
          // One that is lost before it is put to use is a failure to open, which the caller deals with.
          if (this.#transport !== undefined && this.#transport === transport) this.#lose(reason)
        },
      },
    })
    if (this.#over) return transport.close()
    if (lost !== undefined) throw lostAtOnce(url, lost)
    this.#transport = transport
    if (this.#readingPaused) transport.pause()
    this.feed({ type: 'transport-up' })
  }

  /** Gives the machine one event; what follows from it happens in the next microtask, together with its neighbours. */
  feed(input: Input | CommonInput): void {
    this.#handle(input)
    if (this.#drainQueued || this.#draining) return
    this.#drainQueued = true
    queueMicrotask(() => {
      this.#drainQueued = false
      this.#drain()
    })
  }

  /** Ends the session in order; resolves when that is done, within about a second. */
  async close(): Promise<void> {
    if (!this.#over) this.feed({ type: 'close' })
    await this.ended
  }

  /** Ends the session with an error that every open connection gets. */
  giveUp(error: PgctlError): void {
    if (!this.#over) this.feed({ type: 'give-up', error })
  }

  #handle(input: Input | CommonInput): void {
    if (!this.#over) this.#options.machine.handle(input as Input, this.#options.clock.now())
  }

  /** Acts on all that the machine has to say, then sends all that it has to send; again while either gave something. */
  #drain(): void {
    if (this.#draining || this.#over) return
    this.#draining = true
    try {
      for (let more = true; more && !this.#over; ) {
        this.#takeOutputs()
        more = this.#transmit()
      }
    } finally {
      this.#draining = false
    }
    this.#takeOutputs()
    this.#setTimer()
  }

  #takeOutputs(): void {
    const { machine } = this.#options
    for (let output = machine.pollEvent(); output !== undefined; output = machine.pollEvent())
      this.#act(output)
  }

  #transmit(): boolean {
    const transport = this.#transport
    if (transport === undefined || transport.room < MIN_TRANSMIT_BUDGET) return false
    const { machine, clock } = this.#options
    const now = clock.now()
    let sent = false
    transport.corked(() => {
      let room = transport.room
      while (room >= MIN_TRANSMIT_BUDGET) {
        const frame = machine.pollTransmit(now, room)
        if (frame === undefined) return
        transport.send(frame)
        room -= frame.length
        sent = true
      }
    })
    return sent
  }

  #act(output: Output): void {
    const common = output as CommonOutput | Output
    switch (common.type) {
      case 'need-key':
        this.#fetchKey(common as Extract<CommonOutput, { type: 'need-key' }>)
        return
      case 'reading-paused':
        this.#readingPaused = true
        this.#transport?.pause()
        return
      case 'reading-resumed':
        this.#readingPaused = false
        this.#transport?.resume()
        return
      case 'ended':
        this.#options.onOutput(output)
        this.#finish((common as Extract<CommonOutput, { type: 'ended' }>).end)
        return
      default:
        this.#options.onOutput(output)
    }
  }

  #fetchKey(need: Extract<CommonOutput, { type: 'need-key' }>): void {
    const { api } = this.#options
    api.dataKey(need.keyId, need.context, this.#abort.signal).then(
      (key) => this.feed({ type: 'key-ready', epoch: need.epoch, key }),
      (error: unknown) =>
        this.feed({ type: 'key-failed', epoch: need.epoch, error: asKeyFailure(error, need.keyId) }),
    )
  }

  #lose(reason: string): void {
    this.#transport = undefined
    if (this.#over) return
    this.#options.logger.debug({ sessionId: this.sessionId, reason }, 'data channel lost')
    this.feed({ type: 'transport-down' })
    this.#options.onDown(reason)
  }

  #finish(end: SessionEnd): void {
    if (this.#over) return
    // What the machine still has to send (the flag that ends the session) goes out before the socket closes.
    this.#transmit()
    this.#over = true
    this.#cancelTimer()
    this.#abort.abort(new PgctlError('session-ended', `session ${this.sessionId} has ended`))
    this.#transport?.close()
    this.#transport = undefined
    this.#resolveEnded(end)
  }

  #setTimer(): void {
    if (this.#over) return
    const { machine, clock } = this.#options
    const at = machine.deadline() ?? Number.POSITIVE_INFINITY
    // Deadlines move with every acknowledgement; a timer that is early only asks again.
    if (at >= this.#timerAt) return
    this.#cancelTimer()
    this.#timerAt = at
    this.#cancelTimer = clock.after(at - clock.now().mono, () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      const due = machine.deadline()
      if (due !== undefined && due <= clock.now().mono) this.#handle({ type: 'tick' })
      this.#drain()
    })
  }
}

function lostAtOnce({ host }: URL, why: string): PgctlError {
  return new PgctlError('endpoint-unreachable', `the session's data channel at ${host} was closed at once`, {
    why,
    next: 'run the command again',
  })
}

function asKeyFailure(error: unknown, keyId: string): PgctlError {
  if (error instanceof PgctlError) return error
  return new PgctlError('encryption-failed', `cannot get a data key of ${keyId}`, { cause: error })
}
