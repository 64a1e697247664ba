import { join } from 'node:path'
import { type Clock, sleep } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { type ProgramOutcome, runProgram, Server } from '#core/snapshots/io/rehearsal/program-run.ts'
import { findPostgres } from '#core/snapshots/io/rehearsal/programs.ts'
import type { EngineRehearsal, RehearsalTools } from '#core/snapshots/io/rehearsal/request.ts'
import { readSource, streamOf, surveyPlain } from '#core/snapshots/io/rehearsal/source-file.ts'
import type { Workshop } from '#core/snapshots/io/rehearsal/workshop.ts'
import { DUMP_HEAD, type DumpHeader, readDumpHeader } from '#core/snapshots/rehearsal/dump-header.ts'
import {
  type EngineReport,
  queryCheck,
  type RehearsalCheck,
  rowChecks,
  type TableRows,
} from '#core/snapshots/rehearsal/report.ts'

/** The superuser of the copy: a name that no dump has. */
const USER = 'pgctl_rehearsal'
const DATABASE = 'rehearsal'
const QUERY_LIMIT = '5min'

/** Restores a dump into a Postgres of its own, and looks at what came of it. */
export async function rehearsePostgres(
  file: string,
  workshop: Workshop,
  name: string,
  tools: RehearsalTools,
): Promise<EngineRehearsal> {
  const { clock, path, password, expectations, queries, signal } = tools
  const source = await readSource(file, DUMP_HEAD, signal)
  const header = readDumpHeader(source.head)
  if (header === undefined) throw noDump(file)
  const programs = await findPostgres(majorOf(header.serverVersion), path)
  const folder = await workshop.makeFolder(name)
  await using engine = await PostgresEngine.start(workshop, programs.folder, folder, password, clock, signal)
  const version = (await engine.ask('postgres', 'SHOW server_version')).split(' ', 1)[0] ?? ''
  const checks: RehearsalCheck[] = [{ file, passed: true, says: `Postgres ${version} started` }]

  const started = clock.now().mono
  const restored = await engine.restore(file, header, signal)
  // pg_restore takes what there is of a tar for all of it.
  const isCut = header.format === 'tar' && source.tail.some((byte) => byte !== 0)
  if (restored.isWhole === false || isCut)
    checks.push({ file, passed: false, says: 'it does not end as a dump of pg_dump ends: it was cut off' })
  const restoredIn = clock.now().mono - started
  const faults = faultsOf(restored)
  checks.push(
    faults.length === 0 && restored.status === 0
      ? { file, passed: true, says: 'it was restored without an error' }
      : {
          file,
          passed: false,
          says: `${Math.max(1, faults.length)} errors while it was restored, the first: ${faults[0] ?? restored.errors.slice(0, 200)}`,
        },
  )
  // Passwords that came with the dump open nothing, whatever is asked of the copy from here on.
  await engine.ask('postgres', FORGET_PASSWORDS)

  const tables = await engine.tables()
  checks.push(...rowChecks(file, tables, expectations))
  const broken = await engine.ask(fullest(tables), BROKEN_INDEXES)
  checks.push({ file, passed: broken === '0', says: `${broken} indexes are not valid` })
  for (const query of queries) {
    const answer = await engine.query(fullest(tables), query)
    checks.push(
      answer.status === 0
        ? queryCheck(file, query, lines(answer.output))
        : {
            file,
            passed: false,
            says: `${query.slice(0, 200)} fails: ${faultsOf(answer)[0] ?? answer.errors.slice(0, 200)}`,
          },
    )
  }
  const report: EngineReport = {
    ...{ engine: 'postgres', file, bytes: source.bytes, sha256: source.sha256, version, restoredIn, tables },
    ...{ fileVersion: header.serverVersion, madeAt: header.madeAt, keys: [], expired: undefined },
  }
  return { report, checks, madeAt: header.madeAt === undefined ? undefined : Date.parse(`${header.madeAt}Z`) }
}

class PostgresEngine implements AsyncDisposable {
  readonly #workshop: Workshop
  readonly #programs: string
  readonly #folder: string
  readonly #server: Server
  readonly #signal: AbortSignal

  private constructor(
    workshop: Workshop,
    programs: string,
    folder: string,
    server: Server,
    signal: AbortSignal,
  ) {
    this.#workshop = workshop
    this.#programs = programs
    this.#folder = folder
    this.#server = server
    this.#signal = signal
  }

  /** A new cluster, whose superuser has this password from its first moment, and which listens on no port. */
  static async start(
    workshop: Workshop,
    programs: string,
    folder: string,
    password: string,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<PostgresEngine> {
    const [data, secret] = [join(folder, 'data'), join(folder, 'secret')]
    await workshop.write(secret, `${password}\n`)
    await workshop.write(join(workshop.folder, 'pass'), `*:*:*:${USER}:${password}\n`)
    const make = workshop.start(join(programs, 'initdb'), [
      ...['-D', data, '-U', USER, `--pwfile=${secret}`, '-A', 'scram-sha-256', '-N'],
      ...['-E', 'UTF8', '--locale=C'],
    ])
    const made = await runProgram(make, '', signal)
    if (made.status !== 0) throw cannotStart(made.errors)
    const settings = [
      ...['listen_addresses=', `unix_socket_directories=${folder}`, 'unix_socket_permissions=0700'],
      ...['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'wal_level=minimal'],
      ...['max_wal_senders=0', 'archive_mode=off', 'jit=off', 'shared_preload_libraries='],
    ].flatMap((setting) => ['-c', setting])
    const server = new Server(workshop.start(join(programs, 'postgres'), ['-D', data, ...settings]))
    const engine = new PostgresEngine(workshop, programs, folder, server, signal)
    try {
      while (!(await engine.#isUp())) {
        if (server.hasEnded) throw cannotStart(server.complaint)
        await sleep(clock, 50, signal)
      }
      const answer = await engine.#client('postgres', `CREATE DATABASE ${DATABASE} TEMPLATE template0`)
      if (answer.status !== 0) throw cannotStart(answer.errors)
      return engine
    } catch (error) {
      await server.stop('SIGINT')
      throw error
    }
  }

  async #isUp(): Promise<boolean> {
    const { status } = await this.#client('postgres', 'SELECT 1')
    return status === 0
  }

  /** What a dump makes goes to a database of its own; a dump of several connects to theirs by itself. */
  async restore(
    file: string,
    { format }: DumpHeader,
    signal: AbortSignal,
  ): Promise<ProgramOutcome & { readonly isWhole?: boolean }> {
    if (format === 'custom' || format === 'tar') {
      const words = ['--no-owner', '--no-privileges', `--format=${format}`, ...this.#where(DATABASE)]
      const child = this.#workshop.start(join(this.#programs, 'pg_restore'), words)
      return await runProgram(child, streamOf(file, false), signal)
    }
    const isPacked = format === 'gzip'
    const { roles, isWhole } = await surveyPlain(file, isPacked, signal)
    for (const role of roles) await this.#client('postgres', `CREATE ROLE ${role}`)
    const child = this.#workshop.start(join(this.#programs, 'psql'), [
      ...['-X', '-q', '-v', 'VERBOSITY=terse', '-o', '/dev/null', ...this.#where(DATABASE)],
    ])
    return { ...(await runProgram(child, streamOf(file, isPacked), signal)), isWhole }
  }

  /** Every table of every database, with its rows counted one by one. */
  async tables(): Promise<TableRows[]> {
    const found: TableRows[] = []
    for (const database of lines(await this.ask('postgres', DATABASES))) {
      const names = JSON.parse(await this.ask(database, TABLES)) as [string, string][]
      const counts = names.map(
        ([schema, table]) => `SELECT count(*) FROM ONLY ${quote(schema)}.${quote(table)};`,
      )
      const rows = counts.length === 0 ? [] : lines(await this.ask(database, counts.join('\n')))
      for (const [index, [schema, table]] of names.entries())
        found.push({ database, table: `${schema}.${table}`, rows: Number(rows[index]) })
    }
    return found
  }

  /** A query of somebody's own: it reads, and not for ever. */
  query(database: string, query: string): Promise<ProgramOutcome> {
    const limits = `SET default_transaction_read_only = on; SET statement_timeout = '${QUERY_LIMIT}';`
    return this.#client(database, `${limits}\n${query}\n;`)
  }

  /** The answer to a query of ours. @throws PgctlError `failed` */
  async ask(database: string, query: string): Promise<string> {
    const { status, output, errors } = await this.#client(database, query)
    if (status === 0) return output.trimEnd()
    throw new PgctlError('failed', 'the restored Postgres does not answer', {
      why: faultsOf({ status, output, errors })[0] ?? this.#server.complaint,
      next: 'run it with --debug, and look whether this computer has memory and disk enough',
    })
  }

  async #client(database: string, input: string): Promise<ProgramOutcome> {
    const words = ['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=terse']
    const child = this.#workshop.start(join(this.#programs, 'psql'), [...words, ...this.#where(database)])
    return await runProgram(child, `${input};\n`, this.#signal)
  }

  #where(database: string): string[] {
    return ['--no-password', `--host=${this.#folder}`, `--username=${USER}`, `--dbname=${database}`]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop('SIGINT')
  }
}

const DATABASES = 'SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1'
const TABLES = `SELECT coalesce(json_agg(json_build_array(n.nspname, c.relname) ORDER BY 1, 2), '[]')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
    AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'`
const BROKEN_INDEXES = 'SELECT count(*) FROM pg_index WHERE NOT indisvalid'
const FORGET_PASSWORDS = `DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT rolname FROM pg_authid WHERE rolpassword IS NOT NULL AND rolname <> '${USER}' LOOP
    EXECUTE format('ALTER ROLE %I PASSWORD NULL', r.rolname);
  END LOOP; END $$`

/** The database with the most tables: where a query of one's own is asked. */
function fullest(tables: readonly TableRows[]): string {
  const byDatabase = Map.groupBy(tables, ({ database }) => database)
  const [first] = [...byDatabase].sort(([, a], [, b]) => b.length - a.length)
  return first?.[0] ?? DATABASE
}

/** The lines of a client that tell an error; they name the statement's line, and hold none of its data. */
function faultsOf({ errors }: ProgramOutcome): string[] {
  return errors
    .split('\n')
    .filter((line) => /\b(ERROR|FATAL|PANIC|error):/.test(line))
    .map((line) => line.slice(0, 200))
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function majorOf(version: string | undefined): number | undefined {
  return version === undefined ? undefined : Number.parseInt(version, 10) || undefined
}

function cannotStart(why: string): PgctlError {
  return new PgctlError('failed', 'cannot start a Postgres on this computer', {
    why: why.trim().slice(0, 300),
    next: 'look whether this computer has memory and disk enough for it',
  })
}

function noDump(file: string): PgctlError {
  return new PgctlError('usage', `${file} is no dump of Postgres`, {
    why: 'it begins neither as a custom or tar archive of pg_dump, nor as SQL, packed by gzip or not',
    next: 'make one: pg_dump --format=custom --file=FILE',
  })
}
