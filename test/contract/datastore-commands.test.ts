import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CACHE_PASSWORD, DATABASE_LOGIN, TOKEN_USER } from '#sandbox/datastores/logins.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { databaseHost } from '#sandbox/worlds/datastores.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { BOTH_INSTALLATIONS } from '../support/both-installations.ts'
import { type ClientSeen, installClientProbes } from '../support/client-probe.ts'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** What the clients of datastores are started with, as a program in their place sees it. */

const TIMEOUT = { timeout: 30_000 }
describe('the client of a datastore', { timeout: 120_000 }, () => {
  let cli: SandboxCli
  let environment: Record<string, string>
  before(async () => {
    cli = await startSandboxCli({ config: BOTH_INSTALLATIONS })
    environment = {
      PATH: `${await installClientProbes(cli.home)}${delimiter}${process.env['PATH']}`,
      PROBE_VERSION: '15.18 (Debian 15.18-0)',
      // Each has sessions of its own here; what commands share is of shared-datastore.test.ts.
      PGCTL_BACKGROUND: 'off',
      // Its databases bear names of RDS, and show certificates of another authority.
      PGCTL_CA: join(cli.home, 'authority.pem'),
    }
  })
  after(() => cli?.[Symbol.asyncDispose]())

  async function probe(argv: readonly string[], more: Record<string, string> = {}) {
    const { stdout, stderr, status } = await cli.run(argv, { environment: { ...environment, ...more } })
    assert.equal(status, Number(more['PROBE_STATUS'] ?? 0), stderr)
    return JSON.parse(stdout) as ClientSeen
  }

  it('psql has its words as they were typed, and all the rest in its environment', TIMEOUT, async () => {
    const words = ['-c', 'select 1', '--', '-x', '--recipe']
    const { argv, env, files } = await probe(['psql', '--reason', 'INC-1', '--', ...words], {
      PROBE_STATUS: '3',
    })
    assert.deepEqual(argv, words)
    const host = databaseHost(ACME, ACME.databases[0])
    const { PGPORT, PGSSLROOTCERT, PGPASSFILE, ...rest } = env
    assert.deepEqual(rest, {
      ...{ PGHOST: host, PGHOSTADDR: '127.0.0.1', PGUSER: 'postgres', PGDATABASE: 'postgres' },
      ...{ PGSSLMODE: 'verify-full', PGGSSENCMODE: 'disable', PGAPPNAME: 'pgctl' },
      PGOPTIONS: '-c default_transaction_read_only=on',
    })
    assert.equal(files.password, `${host}:${PGPORT}:*:postgres:${DATABASE_LOGIN.password}\n`)
    assert.equal(files.authorities?.trim(), cli.sandbox.authority.trim())
    if (process.platform !== 'linux')
      assert.ok(!existsSync(PGPASSFILE ?? '') && !existsSync(PGSSLROOTCERT ?? ''))
    // One to the database, one to the cluster's API for the Secret.
    const sessions = cli.sandbox.cloud.gateway.sessions().slice(-2)
    assert.deepEqual(
      sessions.map(({ terms }) => terms.reason),
      ['INC-1', 'INC-1'],
    )
  })

  it(
    'psql is not run where no authority of RDS has signed, whatever this computer trusts',
    TIMEOUT,
    async () => {
      const more = { ...environment, PGCTL_CA: '', AWS_CA_BUNDLE: join(cli.home, 'authority.pem') }
      const { stdout, stderr, status } = await cli.run(['psql'], { environment: more })
      assert.deepEqual([stdout, status], ['', 7])
      assert.match(stderr, /error: the certificate of postgres is not trusted\n/)
      assert.match(
        stderr,
        /why: .*; trusted are the authorities of RDS in eu-central-1, as pgctl carries them, and no others\n/,
      )
      assert.match(stderr, /next: if RDS has new ones there, get them .*eu-central-1-bundle\.pem/)
    },
  )

  it("has the three roots of its region in a file for a client of one's own", TIMEOUT, async () => {
    const more = { ...environment, PGCTL_CA: '' }
    const ask = async () => {
      const { stdout } = await cli.run(['psql', '--recipe', '--json'], { environment: more })
      return (JSON.parse(stdout) as { authorities: string }).authorities
    }
    const path = await ask()
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    const content = await readFile(path, 'utf8')
    const names = [...content.matchAll(/-----BEGIN.*?END CERTIFICATE-----/gs)].map(
      ([pem]) => /^CN=(.*)$/m.exec(new X509Certificate(pem).subject)?.[1],
    )
    const root = 'Amazon RDS eu-central-1 Root CA'
    assert.deepEqual(names.sort(), [`${root} ECC384 G1`, `${root} RSA2048 G1`, `${root} RSA4096 G1`])
    // One that was cut short, or is of a version before, is made anew.
    await writeFile(path, content.slice(0, 100))
    assert.equal(await ask(), path)
    assert.equal(await readFile(path, 'utf8'), content)
  })

  it(
    'has its files as often as it asks, whatever it is and however long a password is',
    TIMEOUT,
    async () => {
      const token = [
        'psql',
        'zeus',
        '-i',
        'globex',
        '--credentials',
        'iam',
        '--user',
        TOKEN_USER,
        '--write',
        '--',
      ]
      const now = await probe(token)
      const [zeus = assert.fail()] = GLOBEX.databases.filter(({ id }) => id.endsWith('-zeus'))
      const host = databaseHost(GLOBEX, zeus)
      assert.ok(
        now.files.password?.startsWith(`${host}:${now.env['PGPORT']}:*:${TOKEN_USER}:${host}\\:5432/?`),
      )
      assert.equal(now.env['PGPASSWORD'], undefined)
      assert.equal(now.env['PGOPTIONS'], undefined)
      // A psql that reads no line of that length gets it the one other way there is.
      const old = await probe(token, { PROBE_VERSION: '13.14' })
      assert.equal(old.env['PGPASSFILE'], undefined)
      const password = old.env['PGPASSWORD'] ?? ''
      assert.ok(password.startsWith(`${host}:5432/?`))
      assert.ok(
        cli.sandbox.cloud.verifyDatabaseToken(password, { host, port: 5432, user: TOKEN_USER }, GLOBEX),
      )
    },
  )

  it('enters by the password that RDS keeps where the product has none', TIMEOUT, async () => {
    const { files } = await probe(['psql', 'managed-sync', '-i', 'globex', '--database', 'other'])
    assert.match(files.password ?? '', new RegExp(`:postgres:${DATABASE_LOGIN.password}\\n$`))
  })

  it(
    'redis-cli is led to its cache, with a password in a variable where one is asked for',
    TIMEOUT,
    async () => {
      const alone = await probe(['redis', '--', 'GET', '-h'])
      assert.deepEqual(
        [alone.argv.slice(0, 3), alone.argv.slice(4)],
        [
          ['-h', '127.0.0.1', '-p'],
          ['GET', '-h'],
        ],
      )
      assert.deepEqual(alone.env, {})
      const asking = await probe(['redis', 'sync', '-i', 'globex', '--', 'PING'])
      assert.deepEqual(asking.argv.slice(4), ['-c', 'PING'])
      assert.deepEqual(asking.env, { REDISCLI_AUTH: CACHE_PASSWORD })
    },
  )

  it(
    'is sent on to another node of a cluster by an address that leads there from here',
    TIMEOUT,
    async () => {
      const before = cli.sandbox.cloud.gateway.sessions().length
      const more = { ...environment, PROBE_FOLLOWS: '1' }
      const { stdout, stderr } = await cli.run(['redis', 'cache', '-i', 'globex'], { environment: more })
      assert.match(stdout, /^-MOVED 12182 127\.0\.0\.1:\d+\n\+OK\n$/, stderr)
      assert.equal(cli.sandbox.cloud.gateway.sessions().length, before + 2)
      await eventually(() =>
        cli.sandbox.cloud.gateway.sessions().every(({ endedAt }) => endedAt !== undefined),
      )
    },
  )

  it('hears of a way that ends while it runs', TIMEOUT, async () => {
    const waits = join(cli.home, 'waits')
    await using running = cli.start(['psql'], { environment: { ...environment, PROBE_WAITS: waits } })
    await eventually(() => existsSync(waits))
    for (const session of cli.sandbox.cloud.gateway.sessions()) session.end('by the administrator')
    await running.until(() => (running.stderr.includes('by the administrator') ? true : undefined), 'the end')
    assert.match(running.stderr, /! postgres: ended: the session on i-\w+ was ended by the other side/)
    running.kill('SIGTERM')
    assert.equal((await running.outcome).status, 143)
  })
})
