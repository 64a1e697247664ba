import { PgctlError } from '#core/errors.ts'
import type { Sources } from '#core/image/io/sources.ts'
import { type LeftOut, updateLock } from '#core/image/io/update-lock.ts'
import { judgeLock, type LockFinding } from '#core/image/judge-lock.ts'
import { formatLock, type Lock } from '#core/image/lock.ts'
import { type LockChange, lockChanges } from '#core/image/lock-changes.ts'
import { replaceFile } from '#core/io/replace-file.ts'

export interface RenewWishes {
  /** Names of which the same version may have other content now. */
  readonly accept: readonly string[]
  readonly planOnly: boolean
  readonly onlyPackages: boolean
  say(what: string): void
}

export interface LockRenewal {
  readonly changes: readonly LockChange[]
  readonly leftOut: readonly LeftOut[]
  /** What is still wrong with the new lock. */
  readonly findings: readonly LockFinding[]
  readonly written: boolean
}

/**
 * Renews a lock in its place.
 * @throws PgctlError `unhealthy` where the same version has other content, and nothing is written.
 */
export async function renewLock(
  { lock, path }: { readonly lock: Lock; readonly path: string },
  sources: Sources,
  { accept, planOnly, onlyPackages, say }: RenewWishes,
): Promise<LockRenewal> {
  const renewed = await updateLock(lock, sources, { onlyPackages, say })
  const changes = lockChanges(lock, renewed.lock)
  const swapped = changes.find(({ kind, name }) => kind === 'swapped' && !accept.includes(name))
  if (swapped !== undefined && !planOnly)
    throw new PgctlError('unhealthy', `${swapped.name} is of the same version, and its content is another`, {
      why: `the lock has ${String(swapped.before)}, and it is ${String(swapped.after)}`,
      next: `find out why; if it is right, --accept ${swapped.name}`,
    })
  const text = formatLock(renewed.lock)
  const written = !planOnly && text !== formatLock(lock)
  if (written) await replaceFile(path, text, 0o644)
  return { changes, leftOut: renewed.leftOut, findings: judgeLock(renewed.lock), written }
}
