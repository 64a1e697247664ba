import { messageOf, PgctlError } from '#core/errors.ts'
import { describeWrongWords, type Vocabulary, type WordsError } from './wrong-words.ts'

interface OclifFailure extends WordsError {
  readonly oclif?: { readonly exit?: number }
}

/**
 * Anything thrown by a command as the error that a person sees.
 *
 * Wrong words are oclif's errors; what is neither ours nor oclif's is a defect, and says so.
 */
export function toFailure(error: unknown, vocabulary: Vocabulary): PgctlError {
  if (error instanceof PgctlError) return error
  if (isUsage(error)) return describeWrongWords(error, vocabulary)
  if (error instanceof Error && error.name === 'AbortError' && error.cause instanceof PgctlError)
    return error.cause
  return new PgctlError('internal', `unexpected failure: ${messageOf(error)}`, {
    why: 'this is a defect of pgctl, not of your installation',
    next: 'run it again with --debug and report what it prints',
    cause: error,
  })
}

function isUsage(error: unknown): error is OclifFailure {
  return error instanceof Error && typeof (error as OclifFailure).oclif?.exit === 'number'
}

/** The result could not be written where it was to go. */
export function outputFailure(cause: Error): PgctlError {
  return new PgctlError('failed', 'cannot write the output', {
    why: cause.message,
    next: 'see whether the disk is full, or send the output elsewhere',
    cause,
  })
}
