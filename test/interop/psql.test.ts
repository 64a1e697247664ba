import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { promisify } from 'node:util'
import { type Authority, createAuthority } from '#sandbox/certificates.ts'
import { DATABASE_LOGIN } from '#sandbox/datastores/logins.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { databaseHost, POSTGRES_PORT } from '#sandbox/worlds/datastores.ts'
import { eventually } from '../support/eventually.ts'
import { describeWith, programOf } from '../support/peers.ts'
import { type PostgresServer, startPostgresServer } from '../support/postgres-server.ts'
import { PtyPerson } from '../support/pty-person.ts'
import { redirect } from '../support/redirected-datastores.ts'
import { cliEntry, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** The real psql, through a tunnel, on a real Postgres with TLS: who it is, what it may, and what is left of it. */

const TIMEOUT = { timeout: 60_000 }
const HOST = databaseHost(ACME, ACME.databases[0])
/** Each run has a session of its own, and leaves none; those that share one say so. */
const CONFIG = `background: off
installations:
  acme:
    workspace: ${ACME.workspace}
    account: "${ACME.account}"
    region: ${ACME.region}
`
const SHARED = { PGCTL_BACKGROUND: 'on' }

describeWith(['psql', 'postgres'], 'pgctl psql on a real Postgres', { timeout: 300_000 }, () => {
  let cli: SandboxCli
  let authority: Authority
  let server: PostgresServer
  let ca: string
  const parts = new AsyncDisposableStack()
  before(async () => {
    cli = parts.use(await startSandboxCli({ config: CONFIG }))
    authority = await createAuthority()
    server = parts.use(await startPostgresServer({ authority, host: HOST, ...DATABASE_LOGIN }))
    redirect(cli.sandbox.world, HOST, POSTGRES_PORT, server.port)
    ca = join(cli.home, 'rds-ca.pem')
    await writeFile(ca, authority.certificate)
  })
  after(() => parts.disposeAsync())

  /** One that gives bare values, and stops at the first error. */
  const psql = (
    words: readonly string[],
    flags: readonly string[] = [],
    environment: Record<string, string> = {},
  ) =>
    cli.run(['psql', '--ca', ca, ...flags, '--', '-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', ...words], {
      environment,
    })
  const values = async (sql: string, flags: readonly string[] = []) => {
    const { stdout, stderr, status } = await psql(['-c', sql], flags)
    assert.equal(status, 0, stderr)
    return stdout.trim().split('\n')
  }
  const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('pgctl-client-'))
  const openSessions = () =>
    cli.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined).length

  it('enters by TLS, under the real name, as the product does', TIMEOUT, async () => {
    const sql =
      'select ssl, usename, application_name from pg_stat_ssl join pg_stat_activity using (pid) where pid = pg_backend_pid()'
    assert.deepEqual(await values(sql), [`t|${DATABASE_LOGIN.user}|pgctl`])
    const { stdout } = await psql(['-c', '\\conninfo'])
    assert.match(stdout, new RegExp(`on host "${HOST}" \\(address "127\\.0\\.0\\.1"\\)`))
    await eventually(() => openSessions() === 0)
  })

  it('writes nothing by mistake, and what it is told to with --write', TIMEOUT, async () => {
    const { status, stderr } = await psql(['-c', 'create table slips(n int)'])
    assert.equal(status, 1)
    assert.match(stderr, /cannot execute CREATE TABLE in a read-only transaction/)
    assert.match(stderr, /read-only: a guard against slips, --write lifts it/)
    await values('create table kept(n int); insert into kept select generate_series(1, 100000)', ['--write'])
    assert.deepEqual(await values('select count(*) from kept'), ['100000'])
    // A guard, and no right: whoever means it, may.
    const meant = ['-c', 'set default_transaction_read_only = off', '-c', 'insert into kept values (0)']
    assert.equal((await psql(meant)).status, 0)
    assert.equal(await server.sql('select count(*) from kept'), '100001')
  })

  it("does not lift the guard by a person's own options, and keeps them", TIMEOUT, async () => {
    const own = { PGOPTIONS: '-c default_transaction_read_only=off -c search_path=elsewhere' }
    const { stdout } = await psql(['-c', 'show default_transaction_read_only; show search_path'], [], own)
    assert.deepEqual(stdout.trim().split('\n'), ['on', 'elsewhere'])
  })

  it('is led astray by nothing that the environment has for another database', TIMEOUT, async () => {
    const other = {
      ...{
        PGHOST: 'elsewhere.example',
        PGPORT: '1',
        PGUSER: 'somebody',
        PGPASSWORD: 'x',
        PGSSLMODE: 'disable',
      },
      ...{ PGSERVICE: 'nowhere', PGDATABASE: 'other', PGPASSFILE: '/dev/null' },
    }
    const { stdout, stderr } = await psql(['-c', 'select current_user, current_database()'], [], other)
    assert.equal(stdout.trim(), 'postgres|postgres', stderr)
  })

  it('has the password in no argument, in no variable and in no file that has a name', TIMEOUT, async () => {
    const { stdout } = await psql([
      ...['-c', "\\! tr '\\0' '\\n' < /proc/$PPID/cmdline"],
      ...['-c', "\\! tr '\\0' '\\n' < /proc/$PPID/environ"],
      ...['-c', '\\! ls -l /proc/$PPID/fd'],
    ])
    assert.match(stdout, /^PGPASSFILE=\/dev\/fd\/\d+$/m)
    assert.match(stdout, /pgctl-client-\S+\/password \(deleted\)/)
    assert.doesNotMatch(stdout, /^PGPASSWORD=/m)
    assert.ok(!stdout.split('\n').some((line) => line.includes(`:${DATABASE_LOGIN.password}`)))
    assert.deepEqual(leftovers(), [])
  })

  it('connects again within, to another database too', TIMEOUT, async () => {
    const { stdout, stderr } = await psql(['-c', '\\c template1', '-c', 'select current_database()'])
    assert.equal(stdout.trim().split('\n').at(-1), 'template1', stderr)
  })

  it('carries much, byte for byte', TIMEOUT, async () => {
    const sql = 'copy (select repeat(md5(n::text), 8) from generate_series(1, 40000) n) to stdout'
    const { stdout } = await psql(['-c', sql])
    assert.equal(stdout.length, 40_000 * 257)
    assert.equal(stdout.slice(-257, -1).slice(0, 32), await server.sql('select md5(40000::text)'))
  })

  it("gives psql's own exit status", TIMEOUT, async () => {
    assert.equal((await psql(['-c', 'select 1/0'])).status, 1)
    assert.equal((await psql(['--no-such-flag'])).status, 1)
    assert.equal((await psql(['-f', '-'])).status, 0)
  })

  it('says which password was refused, and what else to try', TIMEOUT, async () => {
    await server.sql("alter role postgres password 'changed'")
    try {
      const { status, stderr } = await psql(['-c', 'select 1'])
      assert.equal(status, 2)
      assert.match(stderr, /password authentication failed for user "postgres"/)
      assert.match(
        stderr,
        /it is that of Secret paragon-secrets, POSTGRES_PASSWORD; others are --credentials/,
      )
      assert.doesNotMatch(stderr, new RegExp(`\\b${DATABASE_LOGIN.password}\\b`))
    } finally {
      await server.sql(`alter role postgres password '${DATABASE_LOGIN.password}'`)
    }
  })

  it('ends as psql does when the database closes the connection', TIMEOUT, async () => {
    const { status, stderr } = await psql(['-c', 'select pg_terminate_backend(pg_backend_pid())'])
    assert.equal(status, 2)
    assert.match(stderr, /terminating connection due to administrator command/)
  })

  it(
    'does not begin where the certificate is of another name, or of nobody whom it trusts',
    TIMEOUT,
    async () => {
      const unknown = await cli.run(['psql', '--', '-X', '-c', 'select 1'])
      assert.equal(unknown.status, 7)
      assert.match(
        unknown.stderr,
        /error: the certificate of postgres is not trusted\n.*why: .* authorities of RDS in eu-central-1.*\n.*next: if RDS has new/,
      )
      await using other = await startPostgresServer({ authority, host: 'other.example', ...DATABASE_LOGIN })
      redirect(cli.sandbox.world, HOST, POSTGRES_PORT, other.port)
      try {
        const { status, stderr } = await psql(['-c', 'select 1'])
        assert.equal(status, 7)
        assert.match(stderr, new RegExp(`error: the certificate of postgres is not that of ${HOST}`))
      } finally {
        redirect(cli.sandbox.world, HOST, POSTGRES_PORT, server.port)
      }
    },
  )

  it('leaves nothing when it is told to end, or is killed', TIMEOUT, async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await using running = cli.start(['psql', '--ca', ca, '--', '-X', '-c', 'select pg_sleep(60)'])
      await eventually(
        async () =>
          (await server.sql("select count(*) from pg_stat_activity where query ~ '^select pg_sleep'")) ===
          '1',
      )
      running.kill(signal)
      const { status } = await running.outcome
      if (signal === 'SIGTERM') assert.equal(status, 143)
      assert.deepEqual(leftovers(), [])
      await server.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where query ~ '^select pg_sleep'",
      )
    }
  })

  it('leaves Ctrl-C to psql, which cancels a query and goes on', TIMEOUT, async () => {
    const environment = { ...cli.environment, TERM: 'xterm-256color', PSQL_HISTORY: '/dev/null' }
    await using person = new PtyPerson(
      process.execPath,
      [cliEntry, 'psql', '--ca', ca, '--', '-X', '-P', 'pager=off'],
      {
        environment,
        cwd: cli.home,
        columns: 120,
      },
    )
    await person.sees(/postgres=#/)
    person.type('select pg_sleep(60);\r')
    await eventually(
      async () =>
        (await server.sql("select count(*) from pg_stat_activity where query ~ '^select pg_sleep'")) === '1',
    )
    person.type('\u0003')
    await person.sees(/canceling statement due to user request/)
    person.type("select 'still ' || 'here';\r")
    await person.sees(/still here/)
    person.type('\\q\r')
    assert.equal((await person.exit).exitCode, 0)
  })

  it('goes by a tunnel that is there already, and is psql all the same', TIMEOUT, async () => {
    // The authorities by a variable: with a flag the framework would be loaded to read it.
    const shared = { ...SHARED, PGCTL_CA: ca }
    const count = () => cli.sandbox.cloud.gateway.sessions().length
    const ask = async (sql: string) => {
      const words = ['-X', '-A', '-t', '-q', '-c', sql]
      const { stdout, stderr, status } = await cli.run(['psql', '--', ...words], { environment: shared })
      return { said: stdout.trim(), stderr, status }
    }
    assert.equal((await ask('select 1')).said, '1')
    const before = count()
    const sql = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'
    assert.deepEqual([(await ask(sql)).said, (await ask('select 1/0')).status], ['t', 1])
    const environment = { ...cli.environment, ...shared, TERM: 'xterm-256color', PSQL_HISTORY: '/dev/null' }
    await using person = new PtyPerson(process.execPath, [cliEntry, 'psql', '--', '-X', '-P', 'pager=off'], {
      environment,
      cwd: cli.home,
      columns: 120,
    })
    await person.sees(/postgres=#/)
    person.type('select pg_sleep(60);\r')
    await eventually(
      async () =>
        (await server.sql("select count(*) from pg_stat_activity where query ~ '^select pg_sleep'")) === '1',
    )
    person.type('\u0003')
    await person.sees(/canceling statement due to user request/)
    // Its session ends, and psql connects again by the next one.
    for (const session of cli.sandbox.cloud.gateway.sessions()) session.end('the maximum was reached')
    await person.sees(/postgres: .*the maximum was reached/)
    await eventually(async () => {
      person.type("select 'still ' || 'here';\r")
      return person.written.includes('still here')
    })
    person.type('\\q\r')
    assert.equal((await person.exit).exitCode, 0)
    assert.equal(count(), before + 1)
    // psql checks by itself whoever answers; what it minds is told in our words.
    const refused = await cli.run(['psql', '--', '-X', '-c', 'select 1'], { environment: SHARED })
    assert.equal(refused.status, 7)
    assert.match(refused.stderr, /certificate verify failed/)
    assert.match(refused.stderr, /error: the certificate of postgres is not trusted\n.*authorities of RDS/)
    await cli.run(['tunnel', 'stop', '--all'])
    await eventually(() => openSessions() === 0)
  })

  it('asks for the password where it is told to, and takes the user who is named', TIMEOUT, async () => {
    await server.sql("create role alice login password 'hers'")
    const environment = { ...cli.environment, TERM: 'xterm-256color' }
    const words = [
      'psql',
      '--ca',
      ca,
      '--credentials',
      'prompt',
      '--user',
      'alice',
      '--',
      '-XAtc',
      "select 'I am ' || current_user",
    ]
    await using person = new PtyPerson(process.execPath, [cliEntry, ...words], { environment, cwd: cli.home })
    await person.sees(/Password for user alice/)
    person.type('hers\r')
    await person.sees(/I am alice/)
    assert.equal((await person.exit).exitCode, 0)
  })

  it('has a recipe by which another client of libpq enters as well', TIMEOUT, async () => {
    const { stdout } = await cli.run(['psql', '--recipe', '--show-password', '--json', '--ca', ca])
    const recipe = JSON.parse(stdout) as { port: number; password: string }
    await using tunnel = cli.start(['tunnel', 'postgres', '--json'])
    const { port } = await tunnel.event('ready')
    assert.equal(port, recipe.port)
    const words =
      /libpq +(host=.*)$/m.exec((await cli.run(['psql', '--recipe', '--ca', ca])).stdout)?.[1] ?? ''
    const { stdout: said } = await promisify(execFile)(
      programOf('psql'),
      ['-XAtc', 'select ssl from pg_stat_ssl where pid = pg_backend_pid()', words],
      {
        env: { PATH: process.env['PATH'], HOME: cli.home, PGPASSWORD: recipe.password },
      },
    )
    assert.equal(said.trim(), 't')
  })

  it('says what is missing before it opens a session', TIMEOUT, async () => {
    const count = cli.sandbox.cloud.gateway.sessions().length
    const { status, stderr } = await cli.run(['psql'], { environment: { PATH: join(cli.home, 'none') } })
    assert.equal(status, 1)
    assert.match(
      stderr,
      /error: there is no psql on this computer\n.*\n.*next: install it: https.*postgresql-client/,
    )
    assert.equal(cli.sandbox.cloud.gateway.sessions().length, count)
  })
})
