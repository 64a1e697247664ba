import { type Instant, type Ms, sleep } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { Connection, type ConnectionOptions } from '#core/ssm/io/connection.ts'
import type { CommonInput, Machine, SessionEnd, SessionOptions, SessionStats } from '#core/ssm/machine.ts'
import { decideResume } from '#core/ssm/resume-policy.ts'
import type { SessionGrant, SessionLimits, SessionRequest } from '#core/ssm/session-api.ts'

/** How long the answer of a StartSession that nobody wants any more is waited for. */
const UNDO_WITHIN: Ms = 3_000
/** How long the end of a session may take where the network is gone; the journal then keeps it for the next start. */
const TERMINATE_WITHIN: Ms = 5_000

/** What every session of a run shares. */
export interface SessionContext
  extends Pick<
    ConnectionOptions<never, never>,
    'api' | 'streamUrls' | 'agents' | 'clock' | 'random' | 'logger'
  > {
  /** A number in [0, 1), for the waits between tries. */
  readonly chance: () => number
  /** The account's session policy; undefined where it may not be read. */
  readonly limits: SessionLimits | undefined
  /** Why sessions are opened, for those that do not say it themselves. */
  readonly reason?: ReasonPolicy | undefined
  /** Notes every session before it is used, so that a killed process leaves nothing behind for good. */
  readonly journal: {
    started(sessionId: string): Promise<void>
    terminated(sessionId: string): Promise<void>
  }
}

export interface ReasonPolicy {
  readonly given: string | undefined
  /** Who asks for one, `acme` say; undefined where a session may be opened without. */
  readonly requiredBy: string | undefined
}

/** What a session tells of its way. */
export type SessionLife =
  | { readonly type: 'reconnecting'; readonly error: PgctlError }
  | { readonly type: 'resumed'; readonly downFor: number }

interface MachineWithStats<Input, Output> extends Machine<Input, Output> {
  stats(): SessionStats
}

export interface SessionParts<Input, Output> {
  readonly request: SessionRequest
  readonly createMachine: (options: SessionOptions) => MachineWithStats<Input, Output>
  readonly onOutput: (output: Output) => void
  readonly onLife?: ((event: SessionLife) => void) | undefined
}

/**
 * One session from StartSession to TerminateSession, over as many WebSockets as it takes.
 *
 * Whatever ends it (the user, the far side, an error, disposal), TerminateSession is called and the journal's entry
 * is removed; `done` resolves after that.
 */
export class Session<Input extends { readonly type: string }, Output extends { readonly type: string }>
  implements AsyncDisposable
{
  readonly id: string
  readonly started: Instant
  /** How it ended, once everything of it is cleaned up. */
  readonly done: Promise<SessionEnd>
  readonly #context: SessionContext
  readonly #parts: SessionParts<Input, Output>
  readonly #machine: MachineWithStats<Input, Output>
  readonly #connection: Connection<Input, Output>
  readonly #over = new AbortController()

  private constructor(context: SessionContext, parts: SessionParts<Input, Output>, grant: SessionGrant) {
    this.id = grant.sessionId
    this.started = context.clock.now()
    this.#context = context
    this.#parts = parts
    this.#machine = parts.createMachine({
      sessionId: grant.sessionId,
      targetId: parts.request.target,
      random: context.random,
      trace: (record) => context.logger.debug({ sessionId: grant.sessionId, ...record }, 'wire'),
    })
    this.#connection = new Connection({
      ...context,
      machine: this.#machine,
      grant,
      onOutput: parts.onOutput,
      onDown: (reason) => {
        this.#bringBack(reason).catch((error: unknown) => this.#connection.giveUp(asLost(this.id, error)))
      },
    })
    this.done = this.#cleanUp()
  }

  /**
   * Starts a session and opens its data channel.
   * @throws PgctlError of StartSession or of the WebSocket; in the latter case the session is terminated again.
   */
  static async start<Input extends { readonly type: string }, Output extends { readonly type: string }>(
    context: SessionContext,
    parts: SessionParts<Input, Output>,
    signal?: AbortSignal,
  ): Promise<Session<Input, Output>> {
    const grant = await startOrUndo(context, withReason(parts.request, context.reason), signal)
    const session = await createOrUndo(context, grant, () => new Session(context, parts, grant))
    try {
      await context.journal.started(grant.sessionId)
      await session.#connection.open(grant, signal)
      return session
    } catch (error) {
      session.giveUp(asLost(session.id, error))
      await session.done
      throw error
    }
  }

  get isOver(): boolean {
    return this.#connection.isOver
  }

  stats(): SessionStats {
    return this.#machine.stats()
  }

  feed(input: Input | CommonInput): void {
    this.#connection.feed(input)
  }

  giveUp(error: PgctlError): void {
    this.#connection.giveUp(error)
  }

  /** Ends the session in order, and waits for TerminateSession. */
  async close(): Promise<SessionEnd> {
    await this.#connection.close()
    return this.done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #cleanUp(): Promise<SessionEnd> {
    const end = await this.#connection.ended
    this.#over.abort(new PgctlError('session-ended', `session ${this.id} has ended`))
    const { api, clock, journal, logger } = this.#context
    const late = new AbortController()
    const cancel = clock.after(TERMINATE_WITHIN, () => late.abort(terminateLate(this.id)))
    try {
      await api.terminate(this.id, late.signal)
      await journal.terminated(this.id)
    } catch (error) {
      // The journal still knows of it: the next start tries again.
      logger.warn({ sessionId: this.id, error: messageOf(error) }, 'could not terminate the session')
    } finally {
      cancel()
    }
    return end
  }

  async #bringBack(reason: string): Promise<void> {
    const { api, clock, chance, limits } = this.#context
    const signal = this.#over.signal
    const lostAt = clock.now()
    let error = new PgctlError('session-lost', `the data channel of session ${this.id} was lost`, {
      why: reason,
    })
    this.#parts.onLife?.({ type: 'reconnecting', error })
    for (let attempt = 1; !signal.aborted; attempt++) {
      const decision = decideResume({
        attempt,
        error,
        now: clock.now(),
        lostAt,
        started: this.started,
        lastActivity: this.stats().lastActivity,
        limits,
        chance: chance(),
      })
      if (decision.do === 'end') return this.giveUp(decision.error)
      try {
        await sleep(clock, decision.wait, signal)
        const grant = await api.resume(this.id, signal)
        if (grant === undefined) return this.giveUp(endedByService(this.id))
        await this.#connection.open(grant, signal)
        this.#parts.onLife?.({ type: 'resumed', downFor: clock.now().mono - lostAt.mono })
        return
      } catch (failure) {
        if (signal.aborted) return
        error = asLost(this.id, failure)
      }
    }
  }
}

/**
 * StartSession is not cut off by an abort: a session that the service has started by then would be nobody's. Its
 * answer is waited for a moment, and then undone.
 */
async function startOrUndo(
  { api, clock }: SessionContext,
  request: SessionRequest,
  signal: AbortSignal | undefined,
): Promise<SessionGrant> {
  signal?.throwIfAborted()
  const starting = api.start(request)
  const aborted = Promise.withResolvers<undefined>()
  const onAbort = () => aborted.resolve(undefined)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const grant = await Promise.race([starting, aborted.promise])
    if (grant !== undefined) return grant
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
  const answered = new AbortController()
  starting
    .then(({ sessionId }) => api.terminate(sessionId))
    .catch(() => {})
    .finally(() => answered.abort())
  await sleep(clock, UNDO_WITHIN, answered.signal).catch(() => {})
  throw signal?.reason
}

/**
 * The request with the reason of the run, where it has none of its own.
 * @throws PgctlError `usage` where one is required and there is none: before anything is started.
 */
function withReason(request: SessionRequest, policy: ReasonPolicy | undefined): SessionRequest {
  const reason = request.reason ?? policy?.given
  if (reason !== undefined && reason.trim() !== '') return { ...request, reason }
  if (policy?.requiredBy === undefined) return request
  throw new PgctlError('usage', `a session of ${policy.requiredBy} needs a reason`, {
    why: 'its entry in the configuration says "reason: required"; it stands in the audit log of the account',
    next: 'add --reason "TICKET, or what for", or set PGCTL_REASON',
  })
}

function terminateLate(sessionId: string): PgctlError {
  return new PgctlError(
    'timed-out',
    `ending session ${sessionId} took longer than ${TERMINATE_WITHIN / 1000} s`,
  )
}

/** Even a defect of ours leaves no session. */
async function createOrUndo<T>(
  { api }: SessionContext,
  { sessionId }: SessionGrant,
  create: () => T,
): Promise<T> {
  try {
    return create()
  } catch (error) {
    await api.terminate(sessionId)
    throw error
  }
}

function endedByService(sessionId: string): PgctlError {
  return new PgctlError('session-ended', `session ${sessionId} has ended`, {
    why: 'the service does not resume it: it was terminated, or reached its idle or maximum time',
    next: 'run the command again for a new session',
  })
}

function asLost(sessionId: string, error: unknown): PgctlError {
  if (error instanceof PgctlError) return error
  return new PgctlError('session-lost', `session ${sessionId} was lost`, {
    why: messageOf(error),
    cause: error,
  })
}
