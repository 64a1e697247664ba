import type { Instant, Ms } from '#core/clock.ts'
import { type ErrorCode, PgctlError } from '#core/errors.ts'
import { backoff, type RetryPolicy } from '#core/retry.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'

/** What is known when a session's data channel was lost, or could not be brought back. */
export interface Loss {
  /** 1 before the first try to bring it back. */
  readonly attempt: number
  /** What was lost, or why the last try failed. */
  readonly error: PgctlError
  readonly now: Instant
  readonly lostAt: Instant
  readonly started: Instant
  /** When a user's byte last passed (`wall`); undefined: none has yet. */
  readonly lastActivity: Ms | undefined
  /** The account's limits; undefined where they could not be read. */
  readonly limits: SessionLimits | undefined
  /** In [0, 1), for the wait. */
  readonly chance: number
}

export type ResumeDecision =
  | { readonly do: 'resume'; readonly wait: Ms }
  /** The session is over for its connections. */
  | { readonly do: 'end'; readonly error: PgctlError }

/** The service's default, and what an unknown limit is taken for: a tunnel must not outlive the customer's policy. */
export const DEFAULT_IDLE_LIMIT: Ms = 20 * 60_000

/** How long to try, while this computer is awake. A gateway that is gone for good must not look like a slow one. */
export const RESUME_PATIENCE: Ms = 120_000

const RESUME_RETRY: RetryPolicy = { attempts: Number.POSITIVE_INFINITY, base: 200, cap: 5_000 }
/** Well below what a person notices; the loss may be one of many clients' at once. */
const FIRST_WAIT: Ms = 50

/** Refusals that another try would only meet again. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'credentials-missing',
  'credentials-expired',
  'permission-denied',
  'account-mismatch',
  'session-ended',
  'stream-url-refused',
  'protocol-violation',
])

/**
 * Whether to bring a session's data channel back, and after which wait.
 *
 * ResumeSession resets the service's idle timer, so a tunnel that nobody has used for the limit is let go: resuming
 * it would take from the customer what the policy promises. A computer that slept shows here as wall time that the
 * monotonic clock has not seen.
 */
export function decideResume(loss: Loss): ResumeDecision {
  const end = finalError(loss)
  if (end !== undefined) return { do: 'end', error: end }
  if (loss.attempt === 1) return { do: 'resume', wait: Math.round(FIRST_WAIT * loss.chance) }
  return { do: 'resume', wait: backoff(RESUME_RETRY, loss.attempt - 1, loss.chance) }
}

function finalError(loss: Loss): PgctlError | undefined {
  const { error, now, limits } = loss
  if (FINAL.has(error.code)) return error
  const idleLimit = limits?.idle ?? DEFAULT_IDLE_LIMIT
  const idle = now.wall - (loss.lastActivity ?? loss.started.wall)
  if (idle >= idleLimit) {
    return over(
      `nothing passed for ${minutes(idle)}, and sessions may be idle for ${minutes(idleLimit)}`,
      error,
    )
  }
  if (limits?.maximum !== undefined && now.wall - loss.started.wall >= limits.maximum) {
    return over(`sessions may last ${minutes(limits.maximum)}`, error)
  }
  if (now.mono - loss.lostAt.mono >= RESUME_PATIENCE) return lost(loss)
  return undefined
}

function over(why: string, cause: PgctlError): PgctlError {
  return new PgctlError('session-ended', 'the session has ended by its policy', {
    why,
    next: 'run the command again for a new session',
    cause,
  })
}

function lost({ error, now, lostAt }: Loss): PgctlError {
  const seconds = Math.round((now.mono - lostAt.mono) / 1000)
  return new PgctlError('session-lost', `the session could not be brought back in ${seconds} s`, {
    why: error.why ?? error.message,
    next: 'check the network, then run the command again',
    requestId: error.requestId,
    cause: error,
  })
}

function minutes(duration: Ms): string {
  const rounded = Math.round(duration / 60_000)
  return rounded === 1 ? '1 minute' : `${rounded} minutes`
}
