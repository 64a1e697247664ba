import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import { BOTH_INSTALLATIONS } from '../support/both-installations.ts'
import { isAlive, supervisorPid } from '../support/end-supervisor.ts'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { fetchThrough } from '../support/tunnel-requests.ts'

const TIMEOUT = { timeout: 30_000 }
const PAYLOAD = `${WORLD.payloadHost}:${WORLD.payloadPort}`

interface ListedTunnel {
  readonly id: number
  readonly installation: string | null
  readonly target: string
  readonly state: string
  readonly port: number
  readonly session: { readonly id: string } | null
  readonly connections: { readonly open: number; readonly total: number; readonly sent: number }
}

describe('tunnels in the background', { timeout: 180_000 }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli({ config: BOTH_INSTALLATIONS })
  })
  afterEach(async () => {
    await cli.run(['tunnel', 'stop', '--all'])
    await eventually(() => activeSessions().length === 0)
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const activeSessions = () =>
    cli.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)
  const pid = () => supervisorPid(join(cli.home, 'state'))
  const list = async () => {
    const { stdout } = await cli.run(['tunnel', 'list', '--json'])
    return JSON.parse(stdout) as { supervisor: { pid: number } | null; tunnels: ListedTunnel[] }
  }
  const named = async (target: string) => (await list()).tunnels.find((tunnel) => tunnel.target === target)
  const open = async (words: readonly string[], environment: Record<string, string> = {}) => {
    const { status, stderr } = await cli.run(['tunnel', ...words, '--detach'], { environment })
    assert.equal(status, 0, stderr)
  }

  it('go on when the command has ended, and carry every byte', TIMEOUT, async () => {
    const { stdout, status } = await cli.run(['tunnel', PAYLOAD, '--detach', '--port', '0', '--json'])
    assert.equal(status, 0)
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      events.map(({ event }) => event),
      ['starting', 'session', 'ready', 'detached'],
    )
    const port = Number(events[2]?.['port'])
    const { sha256, promised } = await fetchThrough({ port }, '/random/300000')
    assert.equal(sha256, promised)
    const tunnel = await named(PAYLOAD)
    assert.deepEqual([tunnel?.state, tunnel?.port, tunnel?.connections.total], ['ready', port, 1])
  })

  it('are all held by one process, of several installations and credentials', TIMEOUT, async () => {
    await open(['cluster', '--lazy'])
    const first = pid()
    await open(['grafana', PAYLOAD, '--lazy'])
    await open(['cluster', '--lazy', '--installation', 'globex'])
    await open(['cluster', '--lazy'], { AWS_SESSION_NAME: 'somebody else' })
    const { supervisor, tunnels } = await list()
    assert.deepEqual([supervisor?.pid, pid()], [first, first])
    assert.deepEqual(
      tunnels.map(({ installation, target }) => [installation, target]),
      [
        ['acme', 'cluster'],
        ['acme', 'grafana'],
        ['acme', PAYLOAD],
        ['globex', 'cluster'],
        ['acme', 'cluster'],
      ],
    )
  })

  it('are not opened twice: who asks again is told where it is', TIMEOUT, async () => {
    await open(['cluster'])
    const again = await cli.run(['tunnel', 'cluster', '--detach'])
    assert.match(again.stdout, /^cluster {2}https:\/\/127\.0\.0\.1:\d+ {2}direct route, open already\n$/)
    assert.equal((await list()).tunnels.length, 1)
    assert.equal(activeSessions().length, 1)
  })

  it('one that cannot be opened takes no other away, and is told as in the foreground', TIMEOUT, async () => {
    const { status, stderr, stdout } = await cli.run(['tunnel', 'cluster', 'prometheus', '--detach'])
    assert.equal(status, 3)
    assert.match(stdout, /^cluster {2}https:/)
    assert.match(stderr, /error: there is no Service prometheus in namespace paragon/)
    const { tunnels } = await list()
    assert.deepEqual(
      tunnels.map(({ target, state }) => [target, state]),
      [
        ['cluster', 'ready'],
        ['prometheus', 'ended'],
      ],
    )
  })

  it('where none can be opened, none is left and the process ends', TIMEOUT, async () => {
    const { status, stderr } = await cli.run(['tunnel', 'prometheus', '--detach'])
    assert.equal(status, 3)
    assert.match(stderr, /error: there is no Service prometheus/)
    const held = pid() ?? assert.fail('it was started')
    await eventually(() => !isAlive(held))
  })

  it('what is wrong with the words or the configuration starts nothing', TIMEOUT, async () => {
    const before = pid()
    assert.equal((await cli.run(['tunnel', 'http://grafana', '--detach'])).status, 2)
    assert.equal((await cli.run(['tunnel', 'grafana', '--detach', '--installation', 'nobody'])).status, 3)
    assert.equal((await cli.run(['tunnel', 'grafana', '--detach', '--idle', '5m'])).status, 2)
    assert.equal((await cli.run(['tunnel', 'grafana', '--detach', '--lazy', '--idle', 'soon'])).status, 2)
    assert.equal(pid(), before)
  })

  it('stop by name and by number, with their sessions; the process ends with the last', TIMEOUT, async () => {
    await open(['cluster', PAYLOAD])
    const held = pid() ?? assert.fail('it was started')
    const number = (await named('cluster'))?.id
    const stopped = await cli.run(['tunnel', 'stop', PAYLOAD])
    assert.deepEqual([stopped.status, stopped.stdout], [0, `${PAYLOAD} stopped (acme)\n`])
    assert.ok(isAlive(held))
    assert.equal((await cli.run(['tunnel', 'stop', 'nobody'])).status, 3)
    assert.equal((await cli.run(['tunnel', 'stop'])).status, 2)
    assert.equal((await cli.run(['tunnel', 'stop', String(number)])).status, 0)
    await eventually(() => !isAlive(held))
    assert.deepEqual(await list(), { supervisor: null, tunnels: [], former: null })
  })

  it('end in order when their process is told to end', TIMEOUT, async () => {
    await open(['cluster'])
    const held = pid() ?? assert.fail('it was started')
    process.kill(held, 'SIGTERM')
    await eventually(() => !isAlive(held))
    assert.equal(activeSessions().length, 0)
    const { stderr } = await cli.run(['tunnel', 'list'])
    assert.equal(stderr, 'no tunnels are in the background\n')
  })

  it('can be followed, and are left as they are by Ctrl-C', TIMEOUT, async () => {
    await open([PAYLOAD])
    const attached = cli.start(['tunnel', 'attach', PAYLOAD, '--json'])
    await attached.event('attached')
    cli.sandbox.cloud.gateway.order({ kind: 'cut', end: 'both' })
    await attached.event('resumed')
    attached.kill('SIGINT')
    assert.equal((await attached.outcome).status, 130)
    assert.equal((await named(PAYLOAD))?.state, 'ready')
    const { stdout } = await cli.run(['tunnel', 'logs', PAYLOAD, '--json'])
    const names = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event)
    assert.deepEqual(names, ['starting', 'session', 'ready', 'reconnecting', 'resumed'])
  })

  it('a follower ends with the tunnel, and logs tell of it when all is gone', TIMEOUT, async () => {
    await open([PAYLOAD])
    const following = cli.start(['tunnel', 'logs', '--follow', '--json'])
    await following.event('ready')
    for (const session of cli.sandbox.cloud.gateway.sessions()) session.end('the maximum was reached')
    await following.event('ended')
    assert.equal((await following.outcome).status, 0)
    const { stdout } = await cli.run(['tunnel', 'logs'])
    assert.match(stdout, /ended: the session on \S+ was ended by the other side \(the maximum was reached\)/)
    const { stderr } = await cli.run(['tunnel', 'list'])
    assert.match(stderr, /! payload\S+ \(acme\) had ended: the session on \S+ was ended by the other side/)
  })

  it('ask for credentials with the caller, and keep none of them in a file', TIMEOUT, async () => {
    await open(['cluster'])
    const secret = cli.sandbox.operator.secretAccessKey
    for (const name of ['journal', 'log', 'output', 'token'])
      assert.ok(!readFileSync(join(cli.home, 'state/pgctl/supervisor', name), 'utf8').includes(secret), name)
    const environment = readFileSync(`/proc/${pid()}/environ`, 'utf8')
    assert.ok(!environment.includes(secret))
    assert.ok(!readFileSync(`/proc/${pid()}/cmdline`, 'utf8').includes(secret))
  })

  describe('that are lazy', () => {
    it('have no session until there is a connection, and none again when unused', TIMEOUT, async () => {
      const before = activeSessions().length
      await open([PAYLOAD, '--lazy', '--idle', '1s'])
      const asleep = await named(PAYLOAD)
      assert.deepEqual([asleep?.state, asleep?.session, activeSessions().length], ['asleep', null, before])
      const port = asleep?.port ?? 0
      const { sha256, promised } = await fetchThrough({ port }, '/random/1000')
      assert.equal(sha256, promised)
      await eventually(async () => (await named(PAYLOAD))?.state === 'asleep')
      await eventually(() => activeSessions().length === before)
      assert.equal((await fetchThrough({ port }, '/random/1000')).status, 200)
      const { stdout } = await cli.run(['tunnel', 'logs', '--json'])
      const names = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).event as string)
      assert.deepEqual(names.filter((name) => name === 'session').length, 2)
      assert.ok(names.includes('asleep'))
    })

    it('outlive what the service does to their session', TIMEOUT, async () => {
      await open([PAYLOAD, '--lazy'])
      const port = (await named(PAYLOAD))?.port ?? 0
      assert.equal((await fetchThrough({ port }, '/random/10')).status, 200)
      for (const session of activeSessions()) session.end('the maximum was reached')
      await eventually(async () => (await named(PAYLOAD))?.state === 'asleep')
      assert.equal((await fetchThrough({ port }, '/random/10')).status, 200)
    })

    it('are so in the foreground, too', TIMEOUT, async () => {
      const tunnel = cli.start(['tunnel', PAYLOAD, '--lazy', '--json', '--port', '0'])
      const ready = await tunnel.event('ready')
      assert.equal(ready['lazy'], true)
      assert.equal(activeSessions().length, 0)
      assert.equal((await fetchThrough({ port: Number(ready['port']) }, '/random/10')).status, 200)
      await tunnel.event('session')
      tunnel.kill('SIGINT')
      await tunnel.outcome
    })
  })
})
