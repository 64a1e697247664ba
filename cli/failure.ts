import { messageOf, PgctlError } from '#core/errors.ts'

interface OclifFailure extends Error {
  readonly oclif?: { readonly exit?: number }
  readonly parse?: unknown
  readonly suggestions?: readonly string[]
}

/**
 * Anything thrown by a command as the error that a person sees.
 *
 * Wrong words are oclif's errors; what is neither ours nor oclif's is a defect, and says so.
 */
export function toFailure(error: unknown): PgctlError {
  if (error instanceof PgctlError) return error
  if (isUsage(error)) {
    const [what = 'wrong usage', ...rest] = error.message.split('\n').filter((line) => line.trim() !== '')
    const hints = rest.filter((line) => !line.startsWith('See more help'))
    return new PgctlError('usage', what, {
      why: hints.length > 0 ? hints.map((line) => line.trim()).join('; ') : undefined,
      next: 'add --help to see the arguments, flags and examples',
    })
  }
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
