import { PgctlError } from '#core/errors.ts'
import { FAR_STATUS } from '#core/transfer/far-side.ts'

/** Why the far side gave up, from the status of its script and its last words; `session`: how that ended. */
export function farFailure(
  path: string,
  status: number | undefined,
  words: string,
  session: PgctlError | undefined,
): PgctlError {
  if (status === undefined && session !== undefined) return session
  const [line = ''] = words.split('\n')
  const why = line === '' ? `the command there ended with status ${status ?? 'unknown'}` : line
  switch (status) {
    case FAR_STATUS.unknownPath:
      return new PgctlError('path-unknown', `${path} is not on the bastion`, {
        why,
        next: 'see what is there: pgctl exec -- ls -la /',
      })
    case FAR_STATUS.toolMissing:
      return new PgctlError('not-supported', 'the bastion lacks what a copy needs', {
        why,
        next: 'install it there, or copy by way of ssh: pgctl ssh-proxy --help',
      })
    case FAR_STATUS.noSpace:
      return new PgctlError('disk-full', 'there is no room on the bastion for the rest of the copy', {
        why,
        next: 'make room there, then run the command again: what has arrived is kept, and it goes on from there',
      })
    case FAR_STATUS.usage:
      return new PgctlError('usage', `${path} cannot be copied so`, { why, next: 'name another path' })
    default:
      return new PgctlError('failed', `the bastion refuses ${path}`, {
        why,
        next: 'see who may read and write there: pgctl exec -- ls -la, or pgctl login',
      })
  }
}
