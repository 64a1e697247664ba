import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, readdir, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { PgctlError } from '#core/errors.ts'

/** The programs of a rehearsal, which are other people's, and where they are. */

/** Where packages put each major version of Postgres beside the others. */
const VERSIONED = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt']

export interface PostgresPrograms {
  readonly folder: string
  readonly major: number
}

/** The Postgres of `major` where there is one, else the newest. @throws PgctlError `not-supported` */
export async function findPostgres(major: number | undefined, path: string): Promise<PostgresPrograms> {
  const folders = [...path.split(delimiter).filter(Boolean), ...(await versionedFolders())]
  const found: PostgresPrograms[] = []
  for (const folder of folders) {
    const version = (await hasAll(folder, ['initdb', 'postgres', 'pg_restore']))
      ? await majorOf(folder)
      : undefined
    if (version !== undefined) found.push({ folder, major: version })
  }
  const best = found.find((each) => each.major === major) ?? found.sort((a, b) => b.major - a.major)[0]
  if (best !== undefined) return best
  throw missing('Postgres', 'initdb, postgres and pg_restore', 'postgresql')
}

/** The folder of Redis' programs. @throws PgctlError `not-supported` */
export async function findRedis(path: string): Promise<string> {
  for (const folder of path.split(delimiter).filter(Boolean))
    if (await hasAll(folder, ['redis-server', 'redis-cli'])) return folder
  throw missing('Redis', 'redis-server and redis-cli', 'redis-server')
}

/** A program of the system, or undefined. */
export async function findTool(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter(Boolean))
    if (await hasAll(folder, [name])) return join(folder, name)
  return undefined
}

/** An account without rights, for programs that do not run as root. */
export async function findUnprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}

async function versionedFolders(): Promise<string[]> {
  const folders = await Promise.all(
    VERSIONED.map(async (root) =>
      (await readdir(root).catch(() => [] as string[])).map((name) => join(root, name, 'bin')),
    ),
  )
  return folders.flat()
}

async function hasAll(folder: string, names: readonly string[]): Promise<boolean> {
  const answers = await Promise.allSettled(names.map((name) => access(join(folder, name), constants.X_OK)))
  return answers.every(({ status }) => status === 'fulfilled')
}

async function majorOf(folder: string): Promise<number | undefined> {
  const { stdout } = await promisify(execFile)(join(folder, 'postgres'), ['--version']).catch(() => ({
    stdout: '',
  }))
  const [, major] = /\b(\d+)(?:\.\d+|\w*)/.exec(stdout) ?? []
  return major === undefined ? undefined : Number(major)
}

function missing(what: string, programs: string, debian: string): PgctlError {
  return new PgctlError('not-supported', `a rehearsal needs ${what} on this computer`, {
    why: `${programs} are not on PATH, nor where packages put them`,
    next: `install it, on Debian for one: apt-get install ${debian}`,
  })
}
