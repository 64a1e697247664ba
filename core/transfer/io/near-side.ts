import { createHash } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { messageOf, PgctlError } from '#core/errors.ts'

/** Beside the destination: renaming must not cross a file system. */
export function stagingOf(destination: string): string {
  return join(dirname(destination), `.${basename(destination)}.pgctl-part`)
}

/**
 * Where a copy named `name` goes that is told to go to `path`: into it, where that is a folder.
 * @throws PgctlError `path-unknown` where there is no folder to put it into.
 */
export async function destinationHere(path: string, name: () => string): Promise<string> {
  const found = await statIfThere(path)
  if (found?.isDirectory()) return join(resolve(path), name())
  const destination = resolve(path)
  const wantsFolder = /[\\/]$/.test(path)
  const folder = wantsFolder ? destination : dirname(destination)
  if (wantsFolder || !(await statIfThere(folder))?.isDirectory())
    throw new PgctlError('path-unknown', `there is no folder ${folder} on this computer`, {
      next: `make it first: mkdir -p ${folder}`,
    })
  return destination
}

/** What is at the path, links followed; undefined where nothing is. */
export async function statIfThere(path: string): Promise<Stats | undefined> {
  return stat(path).catch(absent)
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw hereFailure(error)
}

/** The SHA-256 of a file's first `length` bytes, or of all of it, in hex. */
export async function sumOf(path: string, length?: number): Promise<string> {
  const hash = createHash('sha256')
  if (length !== 0)
    await pipeline(createReadStream(path, length === undefined ? {} : { end: length - 1 }), hash)
  return hash.digest('hex')
}

/** What the system of this computer has refused, as a failure that a person is told. */
export function hereFailure(error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException
  if (error instanceof PgctlError || code === undefined) return error
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    return new PgctlError('disk-full', 'there is no room on this computer for the rest of the copy', {
      why: messageOf(error),
      next: 'make room, then run the command again: what has arrived is kept, and it goes on from there',
      cause: error,
    })
  return new PgctlError('failed', `this computer refuses ${path ?? 'a file of the copy'}`, {
    why: messageOf(error),
    next: 'see who may read and write there',
    cause: error,
  })
}
