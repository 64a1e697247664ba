import { execFile } from 'node:child_process'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findUnprivileged } from '#core/snapshots/io/rehearsal/programs.ts'
import type { Authority } from '#sandbox/certificates.ts'
import { eventually } from './eventually.ts'
import { freePorts } from './free-port.ts'
import { PeerProcess } from './peer-process.ts'
import { programOf } from './peers.ts'

/** A Postgres of this computer, real but for its size, that speaks TLS and asks for a password. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number
  /** Runs SQL as its superuser, over its own socket. */
  sql(text: string): Promise<string>
  stop(): Promise<void>
}

export interface PostgresServerOptions {
  readonly authority: Authority
  /** The name that its certificate bears. */
  readonly host: string
  readonly user: string
  readonly password: string
}

export async function startPostgresServer(options: PostgresServerOptions): Promise<PostgresServer> {
  const { authority, host, user, password } = options
  const programs = dirname(programOf('postgres'))
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-postgres-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  // It refuses to run as root.
  const account = process.getuid?.() === 0 ? await findUnprivileged() : undefined
  const give = async (path: string) => {
    if (account !== undefined) await chown(path, account.uid, account.gid)
  }
  await give(folder)
  const write = async (name: string, content: string) => {
    const path = join(folder, name)
    await writeFile(path, content, { mode: 0o600 })
    await give(path)
    return path
  }
  const { certificate, key } = await authority.issue({ names: [host] })
  const files = {
    certificate: await write('server.pem', certificate),
    key: await write('server.key', key),
    password: await write('password', password),
    access: await write('hba.conf', 'local all all trust\nhostssl all all all scram-sha-256\n'),
  }
  const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', HOME: folder }
  const data = join(folder, 'data')
  const identity = account === undefined ? {} : { uid: account.uid, gid: account.gid }
  await promisify(execFile)(
    join(programs, 'initdb'),
    ['-D', data, '-U', user, `--pwfile=${files.password}`, '-A', 'scram-sha-256', '-N', '--locale=C'],
    { env: environment, cwd: folder, ...identity },
  )
  const [port = 0] = await freePorts(1)
  const settings = [
    ...['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`, 'fsync=off'],
    ...[
      'ssl=on',
      `ssl_cert_file=${files.certificate}`,
      `ssl_key_file=${files.key}`,
      `hba_file=${files.access}`,
    ],
  ].flatMap((setting) => ['-c', setting])
  const start = () => {
    const words = ['-D', data, ...settings]
    const [program, before] =
      account === undefined
        ? [join(programs, 'postgres'), []]
        : [
            '/usr/bin/setpriv',
            [
              `--reuid=${account.uid}`,
              `--regid=${account.gid}`,
              '--clear-groups',
              join(programs, 'postgres'),
            ],
          ]
    return new PeerProcess(program, [...before, ...words], { environment, cwd: folder })
  }
  const server = parts.use(start())
  const sql = async (text: string) => {
    const words = [
      '-X',
      '-A',
      '-t',
      '-q',
      '-v',
      'ON_ERROR_STOP=1',
      '-h',
      folder,
      '-p',
      String(port),
      '-U',
      user,
    ]
    const { stdout } = await promisify(execFile)(
      join(programs, 'psql'),
      [...words, '-d', 'postgres', '-c', text],
      {
        env: environment,
      },
    )
    return stdout.trim()
  }
  await eventually(() =>
    sql('select 1').then(
      () => true,
      () => false,
    ),
  )
  const running = parts.move()
  return {
    port,
    sql,
    async stop() {
      server.kill('SIGINT')
      await server.outcome
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
