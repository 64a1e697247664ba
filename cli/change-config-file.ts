import { mkdir, readFile, readlink, realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { messageOf, PgctlError } from '#core/errors.ts'
import { withFileLock } from '#core/io/file-lock.ts'
import { replaceFile } from '#core/io/replace-file.ts'
import { systemClock } from '#core/io/system-clock.ts'

const FOLDER_MODE = 0o700

/**
 * Gives a configuration file, which need not exist, the text that `change` makes of its own; undefined leaves it
 * alone. Says whether it was written.
 */
export async function changeConfigFile(
  path: string,
  change: (text: string) => string | undefined,
): Promise<boolean> {
  try {
    // Those who keep their files elsewhere link them here: a rename onto the link would cut it.
    const place = await followLinks(path)
    // A file that nobody may write is none to lock, as long as there is nothing to change.
    if (change(await readText(place)) === undefined) return false
    await mkdir(dirname(place), { recursive: true, mode: FOLDER_MODE })
    return await withFileLock(`${place}.lock`, systemClock, async () => {
      const changed = change(await readText(place))
      if (changed !== undefined) await replaceFile(place, changed)
      return changed !== undefined
    })
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    throw new PgctlError('failed', `cannot write the configuration file ${path}`, {
      why: messageOf(error),
      next: 'check that the file and its folder belong to you and that the disk is not full',
      cause: error,
    })
  }
}

/** Where the file really is, or would be: a link may lead to a file that is not there yet. */
async function followLinks(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
  try {
    return await followLinks(resolve(dirname(path), await readlink(path)))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EINVAL') return path
    throw error
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return ''
    throw error
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error ? (error as NodeJS.ErrnoException).code : undefined
}
