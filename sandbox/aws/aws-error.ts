/** A refusal by an operation, in the words of its service; the dialect writes it as that service does. */
export class AwsError extends Error {
  override readonly name = 'AwsError'
  readonly code: string
  /** Where it differs from what the dialect gives every error of the caller. */
  readonly status: number | undefined

  constructor(code: string, message: string, status?: number) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** Refusals that happen before an operation is asked; each family of services has its own names for them. */
export type AccessFault =
  | 'no-token'
  | 'incomplete'
  | 'unknown-key'
  | 'mismatch'
  | 'expired'
  | 'early'
  | 'credentials-expired'
  | 'denied'
  | 'throttled'
  | 'failed'
  | 'unknown-operation'
  | 'body-too-large'

/** How a family of services answers one of them. A message stands here where the family does not repeat ours. */
export interface FaultRow {
  readonly code: string
  readonly status: number
  readonly message?: string
}
