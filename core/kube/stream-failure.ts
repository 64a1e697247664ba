import { isPgctlError, PgctlError } from '#core/errors.ts'
import { isPassing, KubeApiError } from '#core/kube/api-error.ts'
import type { Failure } from '#core/logs/history-end.ts'

/** The reason for which a silent stream is given up. */
export const DEAD = new PgctlError('timed-out', 'the stream of a log has died silently')

/**
 * What became of a stream, or of a look at a log, that has failed. Throws what no other try would mend: a missing
 * permission, a certificate that is not the cluster's.
 */
export function failureOf(error: unknown): Failure {
  if (error === DEAD) return { kind: 'dead' }
  if (error instanceof KubeApiError && error.status !== 401 && error.status !== 403) {
    const { status, retryAfter, message, why } = error
    return { kind: 'refused', status, retryAfter, why: why ?? message }
  }
  if (isPassing(error) && isPgctlError(error)) return { kind: 'cut', why: error.why ?? error.message }
  throw error
}
