import { lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'

/** The files of a user's supervisor. */
export interface ControlPlace {
  readonly folder: string
  readonly socket: string
  /** What both sides prove to have read. */
  readonly token: string
  /** Which tunnels there are. */
  readonly journal: string
  /** What has happened to them. */
  readonly log: string
  /** What the supervisor itself printed, where it died of a defect. */
  readonly output: string
  readonly lock: string
}

/** A socket's address is so long at most, on Linux one more than on macOS. */
const MAX_SOCKET_PATH: Bytes = 103

/** Below the folder of state; nothing is made yet. @throws PgctlError `not-supported` where no socket can be there. */
export function controlPlace(state: string): ControlPlace {
  if (process.platform === 'win32')
    throw new PgctlError('not-supported', 'tunnels in the background need a Unix socket', {
      next: 'open it in a terminal of its own, without --detach',
    })
  const folder = join(state, 'supervisor')
  const place = {
    folder,
    socket: join(folder, 'control'),
    token: join(folder, 'token'),
    journal: join(folder, 'journal'),
    log: join(folder, 'log'),
    output: join(folder, 'output'),
    lock: join(folder, 'start.lock'),
  }
  const length = Buffer.byteLength(place.socket)
  if (length <= MAX_SOCKET_PATH) return place
  throw new PgctlError('not-supported', `the state folder is too deep for a control socket: ${folder}`, {
    why: `the name of a socket has at most ${MAX_SOCKET_PATH} bytes, and this one would have ${length}`,
    next: 'set XDG_STATE_HOME to a folder with a shorter name',
  })
}

/** Makes the folder, for its owner alone. @throws PgctlError `permission-denied` for one that others could use. */
export function makePrivate({ folder }: ControlPlace): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  requirePrivate(folder, 'directory')
}

/**
 * Whether that is ours and nobody else's; false where there is nothing.
 *
 * Node cannot ask the kernel who is at the other end of a socket. Nobody but the owner passes a folder of mode 0700,
 * so what is asked instead is whose the folder and the socket are and what others may do there; both sides ask it.
 * The token is for a folder whose mode someone has loosened since.
 * @throws PgctlError `permission-denied`, with what to do about it.
 */
export function requirePrivate(path: string, kind: 'directory' | 'socket' | 'file'): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return false
  const isKind = { directory: found.isDirectory(), socket: found.isSocket(), file: found.isFile() }[kind]
  if (!isKind) throw notPrivate(path, `it is no ${kind}`, `rm -r ${path}`)
  const own = process.getuid?.()
  if (own !== undefined && found.uid !== own)
    throw notPrivate(path, `it belongs to user ${found.uid}, and this is user ${own}`, `rm -r ${path}`)
  if ((found.mode & 0o077) !== 0)
    throw notPrivate(
      path,
      `its mode is ${(found.mode & 0o777).toString(8).padStart(4, '0')}: others may use it`,
      `chmod go= ${path}`,
    )
  return true
}

function notPrivate(path: string, why: string, command: string): PgctlError {
  return new PgctlError('permission-denied', `${path} cannot be trusted with background tunnels`, {
    why,
    next: `make it yours alone, then run the command again: ${command}`,
  })
}
