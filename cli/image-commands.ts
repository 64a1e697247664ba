import { readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { Sources } from '#core/image/io/sources.ts'
import { type Lock, parseLock } from '#core/image/lock.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'

/** What the commands of the image share: the lock that they are told, or the one that came with this pgctl. */

export interface LockFile {
  readonly lock: Lock
  readonly path: string
}

/** @throws PgctlError `usage` where it cannot be read, `config-invalid` where it is no lock. */
export async function readLock(root: string, given: string | undefined): Promise<LockFile> {
  const path = resolve(given ?? join(root, 'packer', 'tools.lock.json'))
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new PgctlError('usage', `cannot read the image's lock ${path}`, {
      why: messageOf(error),
      next: 'give the path of a tools.lock.json',
      cause: error,
    })
  }
  return { lock: parseLock(text, path), path }
}

/** Where tools come from, for this lock. */
export function sourcesOf(
  { lock, path }: LockFile,
  { mirror, signal }: { readonly mirror: string | undefined; readonly signal: AbortSignal },
): Sources {
  if (mirror !== undefined && !/^https?:\/\/[^\s]+$/.test(mirror))
    throw new PgctlError('usage', `--mirror ${mirror} is no URL`, { next: 'write it as https://HOST/PATH' })
  const agents = createOutboundAgents(process.env)
  return { folder: dirname(path), go: lock.go, mirror: mirror?.replace(/\/$/, ''), agents, signal }
}

/** @throws PgctlError `usage` where there is no such folder. */
export async function checkFolder(path: string, what: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) return resolve(path)
  throw new PgctlError('usage', `${what} ${path} is no folder`, { next: 'give the path of a folder' })
}
