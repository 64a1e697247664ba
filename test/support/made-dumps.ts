import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { eventually } from './eventually.ts'
import { programOf } from './peers.ts'

/** Dumps of a real Postgres and a real Redis, made before a test and gone after it. */
export interface MadeDumps extends AsyncDisposable {
  readonly folder: string
  /** A dump of the database `hermes`: 1,500 users, and a table with an odd name. */
  readonly custom: string
  readonly tar: string
  readonly plain: string
  readonly packed: string
  /** All databases with their roles, one of which has a password. */
  readonly all: string
  /** Three keys that stay, one that has expired. */
  readonly rdb: string
}

const SQL = `CREATE ROLE paragon LOGIN PASSWORD 'from-production';
CREATE DATABASE hermes;
\\c hermes
CREATE TABLE users(id serial PRIMARY KEY, name text);
INSERT INTO users(name) SELECT 'user ' || n FROM generate_series(1, 1500) n;
CREATE INDEX ON users(name);
ALTER TABLE users OWNER TO paragon;
GRANT SELECT ON users TO paragon;
CREATE TABLE "Odd ""name"(x int);
`

/** Postgres does not run as root: then an account without rights has to do it. */
export async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((each) => each.startsWith('nobody:'))
  const [, , uid = '65534', gid = '65534'] = line?.split(':') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

export async function makeDumps(): Promise<MadeDumps> {
  await using made = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-dumps-'))
  made.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const account = await unprivileged()
  if (account !== undefined) await chown(folder, account.uid, account.gid)
  await chmod(folder, 0o755)
  const programs = dirname(programOf('postgres'))
  const options = { ...account, cwd: folder, env: { LC_ALL: 'C', PATH: process.env['PATH'] } }
  const run = async (name: string, ...words: string[]) => {
    await promisify(execFile)(join(programs, name), words, options)
  }
  const data = join(folder, 'data')
  await run('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-N')
  const settings = [`unix_socket_directories=${folder}`, 'listen_addresses=', 'fsync=off']
  const words = ['-D', data, ...settings.flatMap((each) => ['-c', each])]
  const server = spawn(join(programs, 'postgres'), words, { ...options, stdio: 'ignore' })
  const where = ['-h', folder, '-U', 'postgres']
  await eventually(async () => {
    const { status } = await run('psql', ...where, '-c', 'SELECT 1').then(
      () => ({ status: 0 }),
      () => ({ status: 1 }),
    )
    return status === 0
  })
  const script = join(folder, 'make.sql')
  await writeFile(script, SQL)
  await run('psql', ...where, '-q', '-v', 'ON_ERROR_STOP=1', '-f', script)
  const dump = async (format: string) => {
    const file = join(folder, `hermes.${format}`)
    await run('pg_dump', ...where, '-F', format, '-f', file, 'hermes')
    return file
  }
  const [custom, tar, plain] = [await dump('custom'), await dump('tar'), await dump('plain')]
  const all = join(folder, 'all.sql')
  await run('pg_dumpall', ...where, '-f', all)
  server.kill('SIGINT')
  await once(server, 'exit')
  const packed = join(folder, 'hermes.sql.gz')
  await writeFile(packed, gzipSync(await readFile(plain)))
  const rdb = await makeRdb(folder)
  const owned = made.move()
  return {
    ...{ folder, custom, tar, plain, packed, all, rdb },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function makeRdb(folder: string): Promise<string> {
  const program = programOf('redis-server')
  const socket = join(folder, 'redis')
  const words = ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', folder]
  const server = spawn(program, words, { stdio: 'ignore' })
  const client = join(dirname(program), 'redis-cli')
  const ask = async (...command: string[]) =>
    (await promisify(execFile)(client, ['-s', socket, ...command])).stdout.trim()
  await eventually(async () => (await ask('PING').catch(() => '')) === 'PONG')
  await ask('SET', 'kept', '1')
  await ask('LPUSH', 'bull:jobs:wait', 'x', 'y')
  await ask('SET', 'gone', '1', 'PX', '200')
  await ask('-n', '3', 'SET', 'other', '1')
  await ask('SAVE')
  await eventually(async () => (await ask('EXISTS', 'gone')) === '0')
  server.kill('SIGTERM')
  await once(server, 'exit')
  return join(folder, 'dump.rdb')
}
