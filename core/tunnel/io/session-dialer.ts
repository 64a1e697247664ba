import type { Duplex } from 'node:stream'
import type { Bytes, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { PortStream } from '#core/ssm/io/port-stream.ts'
import { Session, type SessionContext, type SessionLife } from '#core/ssm/io/session.ts'
import {
  type ConnectionEnd,
  type ConnectionId,
  HELD_FIN_QUIET,
  type PortInput,
  type PortOutput,
  type SessionEnd,
  type SessionWarning,
} from '#core/ssm/machine.ts'
import { PortSession } from '#core/ssm/port-session.ts'
import type { SessionRequest } from '#core/ssm/session-api.ts'
import type { Dialer, DialerEvent } from '#core/tunnel/dialer.ts'
import { EventChannel } from '#core/tunnel/event-source.ts'

/** The *direct* route: one port session, whose connections end at the host and port of its document. */
export class SessionDialer implements Dialer {
  readonly route = 'direct'
  readonly halfClose = false
  readonly events = new EventChannel<DialerEvent>()
  readonly #request: SessionRequest
  readonly #streams = new Map<ConnectionId, PortStream>()
  /** Connections whose held end was told to the agent with something unanswered: their answer may be lost. */
  readonly #unanswered = new Set<ConnectionId>()
  #session: Session<PortInput, PortOutput> | undefined
  #nextId = 1
  #failure: PgctlError | undefined
  #disposed = false

  private constructor(request: SessionRequest) {
    this.#request = request
  }

  /** Starts the session that `request` describes. @throws PgctlError when it cannot be started or opened. */
  static async open(
    context: SessionContext,
    request: SessionRequest,
    signal?: AbortSignal,
  ): Promise<SessionDialer> {
    const dialer = new SessionDialer(request)
    const session = await Session.start<PortInput, PortOutput>(
      context,
      {
        request,
        createMachine: (options) => new PortSession(options),
        onOutput: (output) => dialer.#onOutput(output),
        onLife: (event) => dialer.#onLife(event),
      },
      signal,
    )
    dialer.#session = session
    dialer.events.emit({
      event: 'session',
      sessionId: session.id,
      instance: request.target,
      limits: context.limits,
    })
    return dialer
  }

  async connect(signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
    const session = this.#session
    if (session === undefined) throw new TypeError('a dialer is handed out with its session')
    const id = this.#nextId++
    const stream = new PortStream(id, (input) => session.feed(input))
    this.#streams.set(id, stream)
    stream.once('close', () => {
      this.#streams.delete(id)
      this.#unanswered.delete(id)
    })
    return stream
  }

  roundTrip(): number | undefined {
    return this.#session?.stats().roundTrip
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    for (const stream of this.#streams.values()) stream.destroy()
    await this.#session?.close()
  }

  #onOutput(output: PortOutput): void {
    switch (output.type) {
      case 'data':
        this.#unanswered.delete(output.connection)
        this.#streams.get(output.connection)?.arrive(output.bytes)
        return
      case 'full':
      case 'writable':
        this.#streams.get(output.connection)?.setFull(output.type === 'full')
        return
      case 'connection-ended':
        this.#endStream(output.connection, output.end)
        return
      case 'warning':
        this.#onWarning(output.warning)
        return
      case 'ended':
        this.#onEnded(output.end)
        return
    }
  }

  /** That of one connection is told as the cause of its end, by the number under which its client knows it. */
  #onWarning(warning: SessionWarning): void {
    if (warning.code === 'half-close-forced') this.#unanswered.add(warning.connection)
    else this.events.emit(describeWarning(warning))
  }

  #endStream(connection: ConnectionId, end: ConnectionEnd): void {
    const stream = this.#streams.get(connection)
    // What came before the silence is still read; then the stream closes, by this rather than as one that is whole.
    if (end.cause === 'far-end' && this.#unanswered.has(connection))
      stream?.prependOnceListener('end', () => stream.destroy(neverAnswered()))
    // When the session is over, 'ended' follows in this same turn, with the error that everybody gets.
    if (end.cause === 'session') queueMicrotask(() => stream?.farEnd(end))
    else stream?.farEnd(end)
  }

  #onLife(event: SessionLife): void {
    if (this.#disposed) return
    if (event.type === 'reconnecting') this.events.emit({ event: 'reconnecting', error: event.error })
    else this.events.emit({ event: 'resumed', downFor: event.downFor })
  }

  #onEnded(end: SessionEnd): void {
    const error = describeEnd(this.#request.target, end)
    this.#failure = error
    for (const stream of this.#streams.values()) stream.destroy(error)
    if (!this.#disposed) this.events.emit({ event: 'ended', error })
  }
}

/** What the agent says instead of connecting: it keeps the instance's own credentials from its users. */
const FORBIDDEN = /^\s*Forwarding to .+ is forbidden/

function forbidden(why: string): PgctlError {
  return new PgctlError('far-end-refused', 'the agent forwards to no such address', {
    why,
    next: 'name another target: link-local addresses, the metadata service among them, are closed to sessions',
  })
}

function describeEnd(instance: string, end: SessionEnd): PgctlError {
  if (end.how === 'failed') return end.error
  if (end.how === 'far-end' && FORBIDDEN.test(end.output)) return forbidden(end.output.trim())
  if (end.how === 'closed') return new PgctlError('session-ended', `the session on ${instance} was closed`)
  return new PgctlError('session-ended', `the session on ${instance} was ended by the other side`, {
    why: end.output.trim() === '' ? 'it gave no reason' : end.output.trim(),
    next: 'run the command again for a new session',
  })
}

function neverAnswered(): PgctlError {
  const patience = seconds(HELD_FIN_QUIET)
  return new PgctlError(
    'timed-out',
    `the far end stayed silent for ${patience} after its client's last word`,
    {
      why: 'the client had ended its input, which a plain port session passes on only by closing: an answer may be lost',
      next: 'keep the input open until the answer is there',
    },
  )
}

function describeWarning(warning: Exclude<SessionWarning, { code: 'half-close-forced' }>): DialerEvent {
  switch (warning.code) {
    case 'unresponsive':
      return {
        event: 'degraded',
        message: `the agent has acknowledged nothing for ${seconds(warning.silentFor)}: connections wait`,
      }
    case 'responsive':
      return { event: 'notice', message: `the agent is heard again after ${seconds(warning.silentFor)}` }
    case 'readers-behind': {
      const amount = `${Math.round(warning.held / MEBIBYTE)} MiB`
      return {
        event: 'degraded',
        message: `a connection has not taken ${amount} that have arrived for it: every other connection of this session waits for it`,
      }
    }
    case 'readers-caught-up':
      return { event: 'notice', message: 'what had arrived is taken: all connections go on' }
  }
}

const MEBIBYTE: Bytes = 1024 * 1024

function seconds(duration: Ms): string {
  return `${Math.round(duration / 1000)} s`
}
