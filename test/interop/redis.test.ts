import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { promisify } from 'node:util'
import { type Authority, createAuthority } from '#sandbox/certificates.ts'
import { CACHE_PASSWORD } from '#sandbox/datastores/logins.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { cacheNodes, configurationHost, REDIS_PORT } from '#sandbox/worlds/datastores.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { BOTH_INSTALLATIONS } from '../support/both-installations.ts'
import { eventually } from '../support/eventually.ts'
import { describeWith, programOf } from '../support/peers.ts'
import { PtyPerson } from '../support/pty-person.ts'
import { redirect } from '../support/redirected-datastores.ts'
import { startRedisCluster, startRedisServer } from '../support/redis-server.ts'
import { cliEntry, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** The real redis-cli, through tunnels, on real Redis: alone, with TLS and a password, and as a cluster. */

const TIMEOUT = { timeout: 60_000 }
const [ALONE] = ACME.caches
const [, , SHARDED, ASKING] = GLOBEX.caches
/** Each run has sessions of its own, and leaves none; those that share some say so. */
const CONFIG = `background: off
${BOTH_INSTALLATIONS}`

describeWith(['redis-cli', 'redis-server'], 'pgctl redis on a real Redis', { timeout: 300_000 }, () => {
  let cli: SandboxCli
  let authority: Authority
  let ca: string
  const parts = new AsyncDisposableStack()
  before(async () => {
    cli = parts.use(await startSandboxCli({ config: CONFIG }))
    authority = await createAuthority()
    ca = join(cli.home, 'cache-ca.pem')
    await writeFile(ca, authority.certificate)
  })
  after(() => parts.disposeAsync())

  const globex = (name: string, words: readonly string[], flags: readonly string[] = []) =>
    cli.run(['redis', name, '-i', 'globex', '--ca', ca, ...flags, '--', ...words])
  const openSessions = () =>
    cli.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)

  it('reaches one that stands alone, and gives the exit status', TIMEOUT, async () => {
    await using server = await startRedisServer({})
    const [{ host = '' } = {}] = cacheNodes(ACME, ALONE)
    redirect(cli.sandbox.world, host, REDIS_PORT, server.port)
    const { stdout, status, stderr } = await cli.run(['redis', '--', 'SET', 'from', 'pgctl'])
    assert.deepEqual([stdout, status], ['OK\n', 0], stderr)
    assert.match(stderr, /which speaks no TLS; there is no read-only mode/)
    assert.equal(await server.run('GET', 'from'), 'pgctl')
    assert.equal((await cli.run(['redis', '--', '-e', 'INCR', 'from'])).status, 1)
    await eventually(() => openSessions().length === 0)
  })

  it('says what is wrong where the cache has gone', TIMEOUT, async () => {
    const server = await startRedisServer({})
    const [{ host = '' } = {}] = cacheNodes(ACME, ALONE)
    redirect(cli.sandbox.world, host, REDIS_PORT, server.port)
    await server[Symbol.asyncDispose]()
    const { status, stderr } = await cli.run(['redis', '--', 'PING'])
    assert.equal(status, 7)
    assert.match(stderr, /error: redis /)
  })

  it('speaks TLS for redis-cli, which does not care for names itself', TIMEOUT, async () => {
    const host = configurationHost(GLOBEX, ASKING)
    await using right = await startRedisServer({
      password: CACHE_PASSWORD,
      tls: { authority, names: [host] },
    })
    await using wrong = await startRedisServer({
      password: CACHE_PASSWORD,
      tls: { authority, names: ['x.example'] },
    })
    // Why we do it: the client alone takes any name for the right one.
    const alone = await promisify(execFile)(
      programOf('redis-cli'),
      ['-p', String(wrong.port), '--tls', '--sni', host, '--cacert', ca, 'PING'],
      { env: { PATH: process.env['PATH'], REDISCLI_AUTH: CACHE_PASSWORD } },
    )
    assert.equal(alone.stdout, 'PONG\n')
    redirect(cli.sandbox.neighbour, host, REDIS_PORT, right.port)
    const { stdout, stderr } = await globex('sync', ['SET', 'a', '1', 'EX', '100'])
    assert.equal(stdout, 'OK\n', stderr)
    assert.equal(await right.run('GET', 'a'), '1')
    redirect(cli.sandbox.neighbour, host, REDIS_PORT, wrong.port)
    const refused = await globex('sync', ['PING'])
    assert.equal(refused.status, 7)
    assert.match(refused.stderr, new RegExp(`error: the certificate of redis-sync is not that of ${host}`))
  })

  it('says which password was refused, before redis-cli goes on without', TIMEOUT, async () => {
    const host = configurationHost(GLOBEX, ASKING)
    await using server = await startRedisServer({ password: 'changed', tls: { authority, names: [host] } })
    redirect(cli.sandbox.neighbour, host, REDIS_PORT, server.port)
    const { status, stderr } = await globex('sync', ['PING'])
    assert.equal(status, 4)
    assert.match(
      stderr,
      /error: redis-sync refuses the password\n.*it is that of Secret paragon-secrets, SYNC_REDIS_PASSWORD/,
    )
    assert.ok(!stderr.includes(CACHE_PASSWORD))
  })

  it('asks for the password where it is told to', TIMEOUT, async () => {
    const host = configurationHost(GLOBEX, ASKING)
    await using server = await startRedisServer({ password: 'changed', tls: { authority, names: [host] } })
    redirect(cli.sandbox.neighbour, host, REDIS_PORT, server.port)
    const words = ['redis', 'sync', '-i', 'globex', '--ca', ca, '--credentials', 'prompt', '--', 'PING']
    await using person = new PtyPerson(process.execPath, [cliEntry, ...words], {
      environment: { ...cli.environment, TERM: 'xterm-256color' },
      cwd: cli.home,
    })
    await person.sees(/Please input password/)
    person.type('changed\r')
    await person.sees(/PONG/)
    assert.equal((await person.exit).exitCode, 0)
  })

  it('has the password in no argument', TIMEOUT, async () => {
    const host = configurationHost(GLOBEX, ASKING)
    await using server = await startRedisServer({
      password: CACHE_PASSWORD,
      tls: { authority, names: [host] },
    })
    redirect(cli.sandbox.neighbour, host, REDIS_PORT, server.port)
    await using running = cli.start([
      'redis',
      'sync',
      '-i',
      'globex',
      '--ca',
      ca,
      '--',
      'SUBSCRIBE',
      'nothing',
    ])
    await running.until(() => running.stdout.includes('subscribe') || undefined, 'the subscription')
    const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid,ppid,args'])
    const child = stdout.split('\n').find((line) => new RegExp(`^ *\\d+ +${running.pid} `).test(line))
    assert.match(child ?? '', /redis-cli -h 127\.0\.0\.1 -p \d+ -c SUBSCRIBE nothing$/)
  })

  it('follows a cluster to each of its nodes, by TLS under the name of each', {
    timeout: 120_000,
  }, async () => {
    const primaries = cacheNodes(GLOBEX, SHARDED).filter(({ isPrimary }) => isPrimary)
    const configuration = configurationHost(GLOBEX, SHARDED)
    const names = [configuration, ...primaries.map(({ host }) => host)]
    await using cluster = await startRedisCluster(
      primaries.map(({ host }) => host),
      REDIS_PORT,
      { authority, names },
    )
    for (const [i, { host }] of primaries.entries())
      redirect(cli.sandbox.neighbour, host, REDIS_PORT, cluster.nodes[i]?.port ?? 0)
    redirect(cli.sandbox.neighbour, configuration, REDIS_PORT, cluster.nodes[0]?.port ?? 0)
    const before = cli.sandbox.cloud.gateway.sessions().length
    // One for each half of the slots, whichever node is asked first.
    const keys = ['foo', 'bar', 'hello', 'world', 'a', 'b']
    for (const key of keys) {
      const { stdout, stderr, status } = await globex('cache', ['SET', key, `value of ${key}`])
      assert.deepEqual([stdout, status], ['OK\n', 0], stderr)
    }
    const counts = await Promise.all(cluster.nodes.map((node) => node.run('DBSIZE')))
    assert.equal(
      counts.map((count) => Number(count.replace(/\D/g, ''))).reduce((a, b) => a + b),
      keys.length,
    )
    assert.ok(
      counts.every((count) => count !== '0'),
      String(counts),
    )
    assert.ok(
      cli.sandbox.cloud.gateway.sessions().length > before + keys.length,
      'a second node took a second session',
    )
    // All in one run: from node to node and back.
    const commands = keys.map((key) => `GET ${key}`).join('\n')
    await writeFile(join(cli.home, 'commands'), `${commands}\n`)
    const all = await promisify(execFile)(
      'sh',
      [
        '-c',
        `"${process.execPath}" "${cliEntry}" redis cache -i globex --ca "${ca}" < "${join(cli.home, 'commands')}"`,
      ],
      {
        env: cli.environment,
      },
    )
    const said = all.stdout.trim().split('\n')
    const redirections = said.filter((line) => line.startsWith('-> Redirected to slot'))
    assert.ok(redirections.length >= 2)
    assert.ok(redirections.every((line) => /located at 127\.0\.0\.1:\d+$/.test(line)))
    assert.deepEqual(
      said.filter((line) => !redirections.includes(line)),
      keys.map((key) => `value of ${key}`),
    )
    await eventually(() => openSessions().length === 0)
    // The same by tunnels that the next run finds again, one to each node that was asked.
    const taken: number[] = []
    for (const key of ['foo', 'hello', 'foo', 'hello']) {
      const count = cli.sandbox.cloud.gateway.sessions().length
      const argv = ['redis', 'cache', '-i', 'globex', '--ca', ca, '--', 'GET', key]
      const { stdout, stderr } = await cli.run(argv, { environment: { PGCTL_BACKGROUND: 'on' } })
      assert.equal(stdout, `value of ${key}\n`, stderr)
      taken.push(cli.sandbox.cloud.gateway.sessions().length - count)
    }
    assert.ok((taken[0] ?? 0) >= 1)
    assert.deepEqual(taken.slice(2), [0, 0])
    await cli.run(['tunnel', 'stop', '--all'])
    await eventually(() => openSessions().length === 0)
  })

  it('is sent nowhere by a node whose certificate is of another name', { timeout: 120_000 }, async () => {
    const primaries = cacheNodes(GLOBEX, SHARDED).filter(({ isPrimary }) => isPrimary)
    const configuration = configurationHost(GLOBEX, SHARDED)
    await using cluster = await startRedisCluster(
      primaries.map(({ host }) => host),
      REDIS_PORT,
      { authority, names: [configuration, primaries[0]?.host ?? ''] },
    )
    for (const [i, { host }] of primaries.entries())
      redirect(cli.sandbox.neighbour, host, REDIS_PORT, cluster.nodes[i]?.port ?? 0)
    redirect(cli.sandbox.neighbour, configuration, REDIS_PORT, cluster.nodes[0]?.port ?? 0)
    // Of the second half of the slots.
    const { stdout } = await globex('cache', ['GET', 'foo'])
    assert.doesNotMatch(stdout, /value/)
    assert.equal((await globex('cache', ['SET', 'bar', '1'])).stdout, 'OK\n')
  })
})
