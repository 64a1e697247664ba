import type { Bytes, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'

/** A file, folder or link as it travels. */
export interface Entry {
  /** Relative to what is copied, with slashes; empty for the copied folder itself. */
  readonly path: string
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly size: Bytes
  readonly mode: number
  /** Epoch milliseconds; what is finer is a fraction. */
  readonly modified: Ms
  /** Of a link: where it leads, as it is written in it. */
  readonly target: string
}

/** Bits that a copy keeps: not those that run a program as somebody else. */
export const KEPT_MODE = 0o777

/**
 * The path of an entry in its one form: relative, without `.` and empty parts.
 * @throws PgctlError `path-unsafe` for one that leads out of the destination, or that no file can have.
 */
export function safePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const why = path.startsWith('/')
    ? 'it is absolute'
    : parts.includes('..')
      ? 'it leads upwards'
      : /\0/.test(path)
        ? 'no file can have such a name'
        : undefined
  if (why === undefined) return parts.join('/')
  throw new PgctlError('path-unsafe', `the far side sent a path that is no place below the destination`, {
    why: `${JSON.stringify(path)}: ${why}`,
    next: 'nothing was put there; see what is on the bastion before you copy from it again',
  })
}

/** Whether a link at `path` leads to a place inside what is copied. */
export function staysInside(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/')) return false
  let depth = path.split('/').length - 1
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue
    depth += part === '..' ? -1 : 1
    if (depth < 0) return false
  }
  return true
}
