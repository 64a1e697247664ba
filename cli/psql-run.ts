import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Authorities } from '#core/datastores/io/authorities.ts'
import { checkPostgresCertificate } from '#core/datastores/io/check-certificate.ts'
import { ClientFiles } from '#core/datastores/io/client-files.ts'
import { passwordLine, psqlEnvironment, readsPasswordLine } from '#core/datastores/psql.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import type { DatastoreTelling, DatastoreWays, DatastoreWishes } from './datastore-opening.ts'
import { runProgram } from './program.ts'

export interface PsqlRun extends DatastoreWishes {
  readonly engine: 'postgres'
  readonly database: string | undefined
  readonly write: boolean
  /** The words of psql's own command line. */
  readonly words: readonly string[]
  /** Called when psql is about to run; what it gives is disposed of when psql has ended. */
  readonly onRun: (files: Disposable) => Disposable
}

/** The exit status of a psql that could not connect, or has lost its connection. */
const NO_CONNECTION = 2

export interface PsqlPlace {
  /** The program. */
  readonly path: string
  readonly environment: NodeJS.ProcessEnv
  readonly ways: DatastoreWays
  readonly authorities: Authorities
}

/**
 * Runs psql by a way into its database, and answers its exit status. The password is in no argument, and in no
 * variable where psql can read it from a file.
 * @throws PgctlError where the login is not found, or the certificate is not trusted.
 */
export async function runPsqlBy(
  { path, environment, ways, authorities }: PsqlPlace,
  run: PsqlRun,
  tell: DatastoreTelling,
  signal: AbortSignal,
): Promise<number> {
  const { store, endpoint } = ways
  await using open = await ways.enter(undefined)
  const { address, port } = open.near
  const trust = { name: store.name, host: endpoint.host, authorities, clock: systemClock }
  const check = () => checkPostgresCertificate({ address, port }, trust)
  if (open.isNew) await check()
  const { login } = open
  const user = run.user ?? login?.user ?? store.access?.user
  if (user === undefined)
    throw new PgctlError('usage', `nobody says as which user to enter ${store.name}`, {
      next: 'add --user NAME',
    })
  const database = run.database ?? login?.database ?? store.access?.database ?? 'postgres'
  using files = new ClientFiles()
  const authoritiesFile = files.add('authorities.pem', `${authorities.certificates.join('\n')}\n`)
  const where = { host: endpoint.host, address, port, user, database, authoritiesFile, write: run.write }
  const secret = await secretFor(path, where, login?.password, files)
  tell.notice(welcome({ ...where, name: store.name, from: login?.from, write: run.write }))
  using _run = run.onRun(files)
  const status = await runProgram(path, {
    words: run.words,
    environment: psqlEnvironment(environment, { ...where, ...secret }),
    descriptors: files.descriptors,
    signal,
  })
  // Where others have come this way psql alone has checked who answers; what it minds is told in words of ours.
  if (status === NO_CONNECTION && !open.isNew) await check().catch(throwDistrust)
  if (status === NO_CONNECTION && login?.password !== undefined)
    tell.notice(
      `if the password was refused: it is that of ${login.from}; others are --credentials secret, secrets-manager, iam and prompt`,
    )
  return status
}

/** Whatever else has kept psql from its database, it has told. */
function throwDistrust(error: unknown): void {
  if (isPgctlError(error, 'endpoint-unreachable')) throw error
}

/** The password, in a file where psql reads one that long, else in a variable of its own. */
async function secretFor(
  path: string,
  where: { readonly host: string; readonly port: number; readonly user: string },
  password: string | undefined,
  files: ClientFiles,
): Promise<{ passwordFile: string | undefined; password?: string }> {
  if (password === undefined) return { passwordFile: undefined }
  const line = passwordLine(where, password)
  if (!readsPasswordLine(line, undefined) && !readsPasswordLine(line, await majorVersion(path)))
    return { passwordFile: undefined, password }
  return { passwordFile: files.add('password', line) }
}

async function majorVersion(path: string): Promise<number | undefined> {
  const { stdout } = await promisify(execFile)(path, ['--version']).catch(() => ({ stdout: '' }))
  const major = /\b(\d+)[.\d]*/.exec(stdout)?.[1]
  return major === undefined ? undefined : Number(major)
}

function welcome(where: {
  readonly name: string
  readonly user: string
  readonly database: string
  readonly from: string | undefined
  readonly write: boolean
}): string {
  const right = where.write ? 'writes are allowed' : 'read-only: a guard against slips, --write lifts it'
  const from = where.from === undefined ? '' : ` by ${where.from}`
  return `${where.name}: database ${where.database} as ${where.user}${from}; ${right}`
}
