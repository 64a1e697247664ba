import { PgctlError } from '#core/errors.ts'

/** The two ends of a copy: one path here, one on the bastion. */
export interface Places {
  readonly direction: 'download' | 'upload'
  readonly near: string
  /** As it was typed: absolute, or below the home of the session's user there. */
  readonly far: string
}

/** Whatever stands before a colon that no slash precedes, as scp and `kubectl cp` read it. */
const REMOTE = /^([^/\\:]*):([\s\S]*)$/
/** `C:\file`: a drive, on the system that has them. */
const DRIVE = /^[A-Za-z]:[\\/]/

/**
 * Reads SRC and DST of a copy: `bastion:PATH` or `:PATH` is the far side, all else is a path here.
 * @throws PgctlError `usage` unless exactly one of them is on the bastion.
 */
export function parsePlaces(source: string, destination: string): Places {
  const from = parsePlace(source)
  const to = parsePlace(destination)
  if (from.isFar === to.isFar)
    throw new PgctlError('usage', 'one of the two paths must be on the bastion, and only one', {
      why: from.isFar ? 'both are' : 'both are on this computer',
      next: 'write bastion:PATH or :PATH for the one there: pgctl cp :/var/log/messages .',
    })
  return from.isFar
    ? { direction: 'download', near: to.path, far: from.path }
    : { direction: 'upload', near: from.path, far: to.path }
}

function parsePlace(word: string): { isFar: boolean; path: string } {
  if (word === '')
    throw new PgctlError('usage', 'a path is empty', { next: 'write . for the folder that you are in' })
  const [, host, path] = (DRIVE.test(word) ? null : REMOTE.exec(word)) ?? []
  if (host === undefined || path === undefined) return { isFar: false, path: word }
  if (host !== '' && host !== 'bastion')
    throw new PgctlError('usage', `there is no place called ${host}`, {
      why: 'what stands before a colon is where the path is: the bastion, or nothing for the same',
      next: `write bastion:${path} for a path there, or ./${word} for a file of that name here`,
    })
  return { isFar: true, path: path === '' ? '.' : path }
}

/**
 * The last name of a far path, which a copy into a folder gets.
 * @throws PgctlError `usage` where it has none.
 */
export function lastNameOf(path: string): string {
  const name = path.replace(/\/+$/, '').split('/').at(-1) ?? ''
  if (name === '' || name === '.' || name === '..' || name === '~')
    throw new PgctlError('usage', `${path} has no name that a copy of it could have`, {
      next: 'name the destination in full, as one that is not there yet: pgctl cp :/etc ./etc-of-the-bastion',
    })
  return name
}
