import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { CACHE_PASSWORD, DATABASE_LOGIN, TOKEN_USER } from '#sandbox/datastores/logins.ts'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { databaseHost } from '#sandbox/worlds/datastores.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { BOTH_INSTALLATIONS } from '../support/both-installations.ts'
import { type ClientSeen, installClientProbes } from '../support/client-probe.ts'
import { isAlive, supervisorPid } from '../support/end-supervisor.ts'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** The tunnels to datastores that psql and redis-cli share: the second run pays for no session and for no call. */

const TIMEOUT = { timeout: 40_000 }
describe('a way to a datastore that clients share', { timeout: 300_000 }, () => {
  let cli: SandboxCli
  let environment: Record<string, string>
  before(async () => {
    cli = await startSandboxCli({ config: BOTH_INSTALLATIONS })
    environment = {
      PATH: `${await installClientProbes(cli.home)}${delimiter}${process.env['PATH']}`,
      PROBE_VERSION: '17.2',
      PGCTL_CA: join(cli.home, 'authority.pem'),
    }
  })
  afterEach(async () => {
    cli.sandbox.cloud.state.turn(DEFAULT_KNOBS)
    await cli.run(['tunnel', 'stop', '--all'])
    await eventually(() => activeSessions().length === 0)
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const sessions = () => cli.sandbox.cloud.gateway.sessions()
  const activeSessions = () => sessions().filter(({ endedAt }) => endedAt === undefined)
  const calls = () => cli.sandbox.cloud.calls.since().length
  const run = (argv: readonly string[], more: Record<string, string> = {}) =>
    cli.run(argv, { environment: { ...environment, ...more } })
  const probe = async (argv: readonly string[], more: Record<string, string> = {}) => {
    const { stdout, stderr, status } = await run(argv, more)
    assert.equal(status, Number(more['PROBE_STATUS'] ?? 0), stderr)
    return { ...(JSON.parse(stdout) as ClientSeen), stderr }
  }
  const tunnels = async () =>
    JSON.parse((await cli.run(['tunnel', 'list', '--json'])).stdout).tunnels as {
      target: string
      state: string
      implicit: boolean
      port: number
    }[]

  it(
    'is opened by the first, which says so once, and costs the second no session and no call',
    TIMEOUT,
    async () => {
      const [count, host] = [sessions().length, databaseHost(ACME, ACME.databases[0])]
      const first = await probe(['psql', '--', '-c', 'select 1'])
      assert.match(
        first.stderr,
        /a tunnel to postgres stays in the background .*: pgctl tunnel stop postgres; /,
      )
      // One to the database, one to the cluster's API for the Secret.
      assert.equal(sessions().length, count + 2)
      const asked = calls()
      const second = await probe(['psql', '--', '-c', 'select 2'])
      assert.doesNotMatch(second.stderr, /in the background/)
      assert.deepEqual([sessions().length, calls()], [count + 2, asked])
      const [{ port } = assert.fail()] = (await tunnels()).filter(({ target }) => target === 'postgres')
      for (const { env, files } of [first, second]) {
        assert.deepEqual(
          [env['PGHOST'], env['PGHOSTADDR'], env['PGPORT'], env['PGSSLMODE']],
          [host, '127.0.0.1', String(port), 'verify-full'],
        )
        assert.equal(files.password, `${host}:${port}:*:postgres:${DATABASE_LOGIN.password}\n`)
        assert.equal(files.authorities?.trim(), cli.sandbox.authority.trim())
      }
      assert.deepEqual((await tunnels()).map(({ target, implicit }) => [target, implicit]).sort(), [
        ['cluster', true],
        ['postgres', true],
      ])
    },
  )

  it('keeps no login: it is read for each run, and where it is then', TIMEOUT, async () => {
    await probe(['psql'])
    cli.sandbox.cloud.state.turn({ ...DEFAULT_KNOBS, forbid: ['get secrets'] })
    const { files, stderr } = await probe(['psql'])
    assert.match(stderr, /no login from the cluster: not allowed to get secrets of paragon-secrets/)
    assert.match(stderr, /by secret paragon\//)
    assert.match(files.password ?? '', new RegExp(`:${DATABASE_LOGIN.password}\\n$`))
    cli.sandbox.cloud.state.turn({
      ...DEFAULT_KNOBS,
      ...{ forbid: ['get secrets'], deny: ['secretsmanager:GetSecretValue'] },
    })
    const refused = await run(['psql'])
    assert.equal(refused.status, 6)
    assert.match(refused.stderr, /error: cannot find out how postgres is entered/)
  })

  it('signs a token for each run, for the real name', TIMEOUT, async () => {
    const [zeus = assert.fail()] = GLOBEX.databases.filter(({ id }) => id.endsWith('-zeus'))
    const host = databaseHost(GLOBEX, zeus)
    const words = ['psql', 'zeus', '-i', 'globex', '--credentials', 'iam', '--user', TOKEN_USER]
    for (const { files } of [await probe(words), await probe(words)]) {
      const [, token = ''] = new RegExp(`:${TOKEN_USER}:(.*)\\n$`).exec(files.password ?? '') ?? []
      const password = token.replaceAll('\\:', ':')
      assert.ok(
        cli.sandbox.cloud.verifyDatabaseToken(password, { host, port: 5432, user: TOKEN_USER }, GLOBEX),
        password,
      )
    }
    // The login needs nothing of the cluster: no way there is opened.
    assert.deepEqual(
      (await tunnels()).map(({ target }) => target),
      ['postgres-zeus'],
    )
    const nobody = await run(['psql', 'hermes', '-i', 'globex', '--credentials', 'iam', '--user', 'a'])
    assert.match(nobody.stderr, /postgres-hermes takes no tokens/)
    assert.equal((await tunnels()).length, 1)
  })

  it(
    'is not used for a run with a reason, nor where it is turned off, nor by other credentials',
    TIMEOUT,
    async () => {
      for (const [argv, more] of [
        [['psql', '--reason', 'INC-1'], {}],
        [['psql'], { PGCTL_REASON: 'INC-2' }],
        [['psql', '--background', 'off'], {}],
        [['redis'], { PGCTL_BACKGROUND: 'off' }],
      ] as const) {
        await probe(argv, more)
        assert.deepEqual(await tunnels(), [])
      }
      assert.ok(sessions().some(({ terms }) => terms.reason === 'INC-1'))
      assert.ok(sessions().some(({ terms }) => terms.reason === 'INC-2'))
      await probe(['redis'])
      const count = sessions().length
      await probe(['redis'], { AWS_SESSION_NAME: 'somebody else' })
      assert.equal(sessions().length, count + 1)
    },
  )

  it('one that a person has opened serves as well, and is not theirs to lose', TIMEOUT, async () => {
    const opened = await cli.run(['tunnel', 'postgres', '--detach', '--json'])
    assert.equal(opened.status, 0, opened.stderr)
    const { env, stderr } = await probe(['psql'])
    assert.doesNotMatch(stderr, /in the background/)
    const [{ port, implicit } = assert.fail()] = (await tunnels()).filter(
      ({ target }) => target === 'postgres',
    )
    assert.deepEqual([env['PGPORT'], implicit], [String(port), false])
  })

  it('does not stand where people expect a tunnel by its name', TIMEOUT, async () => {
    const { port: expected } = JSON.parse((await run(['psql', '--recipe', '--json'])).stdout)
    const { env } = await probe(['psql'])
    const { stdout } = await cli.run(['tunnel', 'postgres', '--detach', '--json'])
    assert.match(stdout, new RegExp(`"port":${expected}\\b`))
    assert.notEqual(env['PGPORT'], String(expected))
  })

  it("gives the client's own exit status", TIMEOUT, async () => {
    for (let round = 0; round < 2; round++) await probe(['psql'], { PROBE_STATUS: '3' })
  })

  it('tells in its own words of a certificate that psql has refused', TIMEOUT, async () => {
    // The first run checks it by itself, and keeps no tunnel out of the way.
    const first = await run(['psql'], { PGCTL_CA: '' })
    assert.deepEqual([first.status, first.stdout], [7, ''])
    assert.match(first.stderr, /trusted are the authorities of RDS in eu-central-1/)
    const second = await run(['psql'], { PGCTL_CA: '', PROBE_STATUS: '2' })
    assert.equal(second.status, 7)
    assert.match(second.stdout, /PGSSLROOTCERT/)
    assert.match(second.stderr, /error: the certificate of postgres is not trusted/)
  })

  it(
    'of a cluster of caches is one to each node, TLS and redirections being of each run',
    TIMEOUT,
    async () => {
      const before = sessions().length
      for (let round = 0; round < 2; round++) {
        const { stdout, stderr } = await run(['redis', 'cache', '-i', 'globex'], { PROBE_FOLLOWS: '1' })
        assert.match(stdout, /^-MOVED 12182 127\.0\.0\.1:\d+\n\+OK\n$/, stderr)
      }
      assert.equal(sessions().length, before + 2)
      const { env } = await probe(['redis', 'sync', '-i', 'globex', '--', 'PING'])
      assert.deepEqual(env, { REDISCLI_AUTH: CACHE_PASSWORD })
    },
  )

  it('is opened anew when its session has ended meanwhile, or whoever held it is gone', TIMEOUT, async () => {
    await probe(['redis'])
    for (const session of activeSessions()) session.end('the maximum was reached')
    await eventually(async () => (await tunnels())[0]?.state === 'asleep')
    await probe(['redis'])
    const holder = supervisorPid(join(cli.home, 'state')) ?? assert.fail()
    process.kill(holder, 'SIGKILL')
    await eventually(() => !isAlive(holder))
    const { stderr } = await probe(['redis'])
    assert.match(stderr, /a tunnel to redis stays in the background/)
  })

  it('ends with its holder; the client ends as it would with any lost connection', TIMEOUT, async () => {
    const waits = join(cli.home, 'waits')
    await using running = cli.start(['psql'], { environment: { ...environment, PROBE_WAITS: waits } })
    await eventually(() => existsSync(waits))
    const holder = supervisorPid(join(cli.home, 'state')) ?? assert.fail()
    process.kill(holder, 'SIGKILL')
    await eventually(() => !isAlive(holder))
    running.kill('SIGTERM')
    assert.equal((await running.outcome).status, 143)
    // What the holder has left open, whoever comes next ends.
    await probe(['psql'])
  })

  it('tells a person at the client that its session has ended', TIMEOUT, async () => {
    const waits = join(cli.home, 'waits-more')
    await using running = cli.start(['psql'], { environment: { ...environment, PROBE_WAITS: waits } })
    await eventually(() => existsSync(waits))
    for (const session of activeSessions()) session.end('by the administrator')
    await running.until(() => (running.stderr.includes('by the administrator') ? true : undefined), 'the end')
    running.kill('SIGTERM')
    assert.equal((await running.outcome).status, 143)
  })

  it('leaves nothing where it cannot be opened, nor where there is no login', TIMEOUT, async () => {
    const nobody = await run(['psql', '--credentials', 'secrets-manager', '--user', 'nobody'])
    assert.equal(nobody.status, 4, nobody.stderr)
    await eventually(async () => (await tunnels()).length === 0)
    cli.sandbox.cloud.state.turn({ bastion: 'stopped' })
    const { status, stderr } = await run(['redis'])
    assert.equal(status, 7)
    assert.match(stderr, /error: the bastion .* is stopped/)
    assert.deepEqual(await tunnels(), [])
  })
})
