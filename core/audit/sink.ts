import type { AuditEvent } from './event-grouper.ts'

/** Of a batch that was taken, how many events were not, and why. */
export interface Refused {
  /** Older than what the service takes, or than the log keeps. */
  readonly tooOld: number
  readonly tooNew: number
}

/** Where audit events are carried to. */
export interface AuditSink {
  /** Resolves when they are safe there. Which are refused then is final. @throws PgctlError */
  put(events: readonly AuditEvent[], signal: AbortSignal): Promise<Refused>
}
