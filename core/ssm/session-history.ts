import type { Ms } from '#core/clock.ts'

/** A session as the service remembers it: while it lasts, and for thirty days afterwards. */
export interface RecordedSession {
  readonly id: string
  /** The ARN of who started it. */
  readonly owner: string
  /** The machine. */
  readonly target: string
  readonly document: string | undefined
  readonly startedAt: Ms | undefined
  /** Undefined while it lasts. */
  readonly endedAt: Ms | undefined
  /** The service's own word, in lower case: `connected`, `disconnected`, `terminated`, `failed`… */
  readonly status: string
  readonly reason: string | undefined
}

/** The service's memory of an account's sessions in a region. */
export interface SessionHistory {
  /** The sessions that last, or those that have ended; the newest first. Both throw a `PgctlError`. */
  list(which: 'active' | 'ended', signal?: AbortSignal): Promise<RecordedSession[]>
}
