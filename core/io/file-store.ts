import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import type { Clock } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { withFileLock } from '#core/io/file-lock.ts'
import { replaceFile } from '#core/io/replace-file.ts'
import type { Store, Stored } from '#core/store.ts'

const FOLDER_MODE = 0o700
const SUFFIX = '.json'
const KEY = /^[a-z0-9-]+(\.[a-z0-9-]+)*(\/[a-z0-9-]+(\.[a-z0-9-]+)*)*$/

interface FileStoreOptions {
  /** The folder of the documents; made when the first one is written. */
  readonly folder: string
  readonly clock: Clock
}

/**
 * A {@link Store} of files: the key is the path below `folder`, the version a digest of the content.
 *
 * A document is written beside its place and renamed into it, so that a reader, or a crash, meets the old one or the
 * new one and nothing between. Writers of one document take turns by a lock file.
 */
export function createFileStore({ folder, clock }: FileStoreOptions): Store {
  const pathOf = (key: string) => {
    if (!KEY.test(key)) throw new TypeError(`not a key of a store: ${JSON.stringify(key)}`)
    return join(folder, ...key.split('/')) + SUFFIX
  }
  const exclusively = <T>(path: string, action: () => Promise<T>) =>
    explained(path, 'write', () => withFileLock(`${path}.lock`, clock, action))

  const store: Store = {
    async read(key) {
      const path = pathOf(key)
      const content = await readContent(path)
      return content === undefined ? undefined : parseDocument(content, path)
    },

    async write(key, value, expected) {
      const path = pathOf(key)
      const content = `${JSON.stringify(value, null, 2)}\n`
      await explained(path, 'write', () => mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE }))
      return exclusively(path, async () => {
        if (expected !== undefined) await checkVersion(path, key, expected)
        await replaceFile(path, content)
        return versionOf(content)
      })
    },

    async remove(key) {
      const path = pathOf(key)
      if ((await readContent(path)) === undefined) return
      await exclusively(path, () => rm(path, { force: true }))
    },

    async list(prefix) {
      const names = await explained(folder, 'read', () => listFiles(folder))
      return names
        .filter((name) => name.endsWith(SUFFIX))
        .map((name) => name.slice(0, -SUFFIX.length).split(sep).join('/'))
        .filter((key) => key.startsWith(prefix) && KEY.test(key))
        .sort()
    },

    async readAll(prefix) {
      const all = new Map<string, Stored>()
      for (const key of await store.list(prefix)) {
        const stored = await store.read(key)
        // Removed by somebody since it was listed.
        if (stored !== undefined) all.set(key, stored)
      }
      return all
    },
  }
  return store
}

async function checkVersion(path: string, key: string, expected: string): Promise<void> {
  const content = await readContent(path)
  const version = content === undefined ? 'absent' : versionOf(content)
  if (version === expected) return
  throw new PgctlError('state-conflict', `the saved state ${key} has changed in the meantime`, {
    why: 'another pgctl wrote it after this one had read it',
    next: 'run the command again',
  })
}

async function readContent(path: string): Promise<string | undefined> {
  return explained(path, 'read', async () => {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error
    }
  })
}

function parseDocument(content: string, path: string): Stored {
  try {
    return { value: JSON.parse(content), version: versionOf(content) }
  } catch (error) {
    throw new PgctlError('state-invalid', `the saved state in ${path} cannot be read`, {
      why: `not JSON: ${messageOf(error)}`,
      next: `mend the file, or remove it to start afresh: rm ${path}`,
      cause: error,
    })
  }
}

function versionOf(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32)
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    return await readdir(folder, { recursive: true })
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}

async function explained<T>(path: string, verb: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    throw new PgctlError('state-invalid', `cannot ${verb} the saved state in ${path}`, {
      why: messageOf(error),
      next: 'check that the file and its folder belong to you and that the disk is not full',
      cause: error,
    })
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error ? (error as NodeJS.ErrnoException).code : undefined
}
