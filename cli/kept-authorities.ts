import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Authorities } from '#core/datastores/io/authorities.ts'
import { withFileLock } from '#core/io/file-lock.ts'
import { replaceFile } from '#core/io/replace-file.ts'
import { systemClock } from '#core/io/system-clock.ts'

/**
 * The file in which a client of one's own finds the authorities of a datastore: the one that was named, or one below
 * the folder of state with those of RDS, written where it is missing or another. Undefined where this computer's own
 * count, of which every client knows.
 */
export async function keepAuthorities(
  state: string,
  { trusted, certificates }: Authorities,
): Promise<string | undefined> {
  if (trusted.kind === 'named') return trusted.file
  if (trusted.kind === 'computer') return undefined
  const folder = join(state, 'authorities')
  const path = join(folder, `rds-${trusted.region}.pem`)
  const content = certificates.join('')
  if ((await readFile(path, 'utf8').catch(() => undefined)) === content) return path
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await withFileLock(`${path}.lock`, systemClock, () => replaceFile(path, content))
  return path
}
