import { lstatSync, mkdirSync, readdirSync, renameSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { PgctlError } from '#core/errors.ts'

/**
 * Gives what was staged its name: in one step where nothing of that name is there or a file replaces a file; into a
 * folder that is there, each file in one step. A link below that folder is never followed.
 * @throws PgctlError `path-unsafe` where a folder of the copy is a link there; `failed` where a file is in its way.
 */
export function putInPlace(staged: string, destination: string): void {
  const found = lookAt(destination)
  const isFolder = lstatSync(staged).isDirectory()
  if (found === undefined || !isFolder) renameSync(staged, destination)
  else mergeInto(staged, destination, true)
}

function mergeInto(staged: string, folder: string, isTop: boolean): void {
  const found = lookAt(folder)
  if (found === undefined) {
    renameSync(staged, folder)
    return
  }
  if (found.isSymbolicLink() && !isTop) throw isLink(folder)
  if (!found.isDirectory() && !found.isSymbolicLink()) throw inTheWay(folder, 'a folder')
  for (const entry of readdirSync(staged, { withFileTypes: true })) {
    const from = join(staged, entry.name)
    const to = join(folder, entry.name)
    if (entry.isDirectory()) mergeInto(from, to, false)
    else if (lookAt(to)?.isDirectory()) throw inTheWay(to, 'a file')
    else renameSync(from, to)
  }
}

function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

function isLink(path: string): PgctlError {
  return new PgctlError('path-unsafe', `${path} is a link, and the copy has a folder there`, {
    why: 'what is copied is never written through a link',
    next: 'copy to another place, or remove the link first',
  })
}

function inTheWay(path: string, kind: string): PgctlError {
  return new PgctlError('failed', `${path} is in the way of ${kind} of that name`, {
    next: 'move it away, or copy to another place',
  })
}

/** The folder that holds a staged copy. */
export function makeStaging(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
}
