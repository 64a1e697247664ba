/**
 * Every failure that a person is told about.
 *
 * A `PgctlError` answers three questions: what failed and on which resource (`message`), why, in the words of
 * whoever refused (`why`, with their `requestId`), and what to do next (`next`, a command where there is one).
 * `code` is stable: scripts may match it, and `cli/exit-codes.ts` maps every code to an exit status.
 */

/** Stable names of all failures, grouped by the exit status that the CLI gives them. */
export type ErrorCode =
  // the caller's words
  | 'usage'
  | 'config-invalid'
  // names that nothing answers to, or several do
  | 'installation-unknown'
  | 'target-unknown'
  | 'service-unknown'
  | 'ambiguous-name'
  // who the caller is
  | 'credentials-missing'
  | 'credentials-expired'
  | 'credentials-refused'
  // what the caller may do
  | 'permission-denied'
  | 'account-mismatch'
  // the way there
  | 'bastion-missing'
  | 'bastion-stopped'
  | 'agent-offline'
  | 'endpoint-unreachable'
  | 'stream-url-refused'
  | 'session-refused'
  | 'session-lost'
  | 'session-ended'
  | 'handshake-failed'
  | 'encryption-failed'
  | 'protocol-violation'
  | 'far-end-refused'
  | 'cluster-missing'
  | 'cluster-unreachable'
  | 'throttled'
  | 'timed-out'
  // this computer
  | 'port-taken'
  | 'state-invalid'
  | 'state-conflict'
  | 'not-supported'
  | 'sandbox-running'
  | 'sandbox-not-running'
  | 'sandbox-broken'
  // a copy
  | 'path-unknown'
  | 'path-unsafe'
  | 'source-changed'
  | 'copy-corrupt'
  | 'disk-full'
  // the license
  | 'license-refused'
  // the rest
  | 'unhealthy'
  | 'interrupted'
  | 'failed'
  | 'internal'

export interface ErrorDetail {
  /** The cause in the words of whoever refused: a provider's message, an errno, a policy. */
  readonly why?: string | undefined
  /** What to do now; starts with a verb, and holds the exact command where there is one. */
  readonly next?: string | undefined
  /** The provider's id of the failed request, for its support and audit log. */
  readonly requestId?: string | undefined
  readonly cause?: unknown
}

/** The one error type that crosses a module boundary on purpose; anything else is a bug of ours. */
export class PgctlError extends Error {
  override readonly name = 'PgctlError'
  readonly code: ErrorCode
  readonly why: string | undefined
  readonly next: string | undefined
  readonly requestId: string | undefined

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.why = detail.why
    this.next = detail.next
    this.requestId = detail.requestId
  }
}

/** Whether `error` is a {@link PgctlError}, of `code` if one is given. */
export function isPgctlError(error: unknown, code?: ErrorCode): error is PgctlError {
  return error instanceof PgctlError && (code === undefined || error.code === code)
}

/** The text of anything that was thrown, without a stack. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
