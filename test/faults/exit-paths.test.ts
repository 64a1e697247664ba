import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import { eventually } from '../support/eventually.ts'
import { type CliProcess, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { closed } from '../support/streams.ts'

/**
 * Whatever ends a command, its sessions are terminated at the service and its journal is empty. The vendor's client
 * sends the agent a flag and the service nothing on SIGINT, and nothing to anyone on SIGTERM.
 */

const TIMEOUT = { timeout: 20_000 }
/** A target whose probe is answered at once. */
const TARGET = 'cluster'

describe('every way out of a command leaves nothing behind', { timeout: 90_000 }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli()
  })
  afterEach(() => {
    cli.sandbox.cloud.gateway.order({ kind: 'clear' })
    cli.sandbox.cloud.state.turn({ throttle: {}, deny: [] })
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const openTunnel = (...flags: string[]) => cli.start(['tunnel', TARGET, '--json', '--port', '0', ...flags])
  const activeSessions = () =>
    cli.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)
  const callsOf = (action: string, outcome = 'ok') =>
    cli.sandbox.cloud.calls.since().filter((call) => call.action === action && call.outcome === outcome)

  /** Who ended the session, as its agent saw it. */
  const stoppedBy = (sessionId: unknown) =>
    cli.agentLog.find(
      ({ message, fields }) => message === 'a session is stopped' && fields['sessionId'] === sessionId,
    )?.fields['by']

  async function journal(): Promise<string[]> {
    const folder = join(cli.home, 'state', 'pgctl', 'sessions')
    return (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'))
  }

  async function assertNothingLeft(): Promise<void> {
    assert.deepEqual(
      activeSessions().map(({ terms }) => terms.id),
      [],
    )
    assert.deepEqual(await journal(), [])
    const terminated = new Set(callsOf('TerminateSession').map(({ resource }) => resource))
    assert.equal(terminated.size, cli.sandbox.cloud.gateway.sessions().length, 'a session was not terminated')
  }

  async function sessionIdOf(tunnel: CliProcess): Promise<unknown> {
    return (await tunnel.event('session'))['sessionId']
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    it(`${signal}: the agent gets its flag and the service TerminateSession`, TIMEOUT, async () => {
      await using tunnel = openTunnel()
      const { port } = await tunnel.event('ready')
      const local = createConnection({ host: '127.0.0.1', port: Number(port) })
      const localClosed = closed(local)
      await tunnel.event('connection-opened')
      tunnel.kill(signal)
      assert.equal((await tunnel.outcome).status, 130)
      await localClosed
      assert.equal(stoppedBy(await sessionIdOf(tunnel)), 'client')
      await assertNothingLeft()
    })

  it('a signal before the tunnel is ready', TIMEOUT, async () => {
    await using tunnel = openTunnel()
    await tunnel.event('session')
    tunnel.kill('SIGINT')
    assert.equal((await tunnel.outcome).status, 130)
    await assertNothingLeft()
  })

  it('a signal at the very moment of "ready"', TIMEOUT, async () => {
    // Without --port the port is saved after "ready" is told, and the signal falls into that.
    await using tunnel = cli.start(['tunnel', TARGET, '--json'])
    await tunnel.event('ready')
    tunnel.kill('SIGINT')
    assert.equal((await tunnel.outcome).status, 130)
    await assertNothingLeft()
  })

  it('a signal while a lost data channel is being mended', TIMEOUT, async () => {
    await using tunnel = openTunnel()
    await tunnel.event('ready')
    cli.sandbox.cloud.gateway.order({ kind: 'refuse' })
    cli.sandbox.cloud.gateway.order({ kind: 'cut' })
    await tunnel.event('reconnecting')
    tunnel.kill('SIGINT')
    assert.equal((await tunnel.outcome).status, 130)
    await assertNothingLeft()
  })

  it('a data channel that cannot be opened', TIMEOUT, async () => {
    cli.sandbox.cloud.gateway.order({ kind: 'refuse' })
    const { status, stderr } = await cli.run(['tunnel', TARGET, '--port', '0'])
    assert.equal(status, 7)
    assert.match(stderr, /data channel/)
    await assertNothingLeft()
  })

  it('a far end that refuses', TIMEOUT, async () => {
    const { status, stderr } = await cli.run(['tunnel', `${WORLD.payloadHost}:9`, '--port', '0'])
    assert.equal(status, 7)
    assert.match(stderr, /could not connect|refuse/)
    await assertNothingLeft()
  })

  it('a session that somebody else terminates', TIMEOUT, async () => {
    await using tunnel = openTunnel()
    const sessionId = await sessionIdOf(tunnel)
    await tunnel.event('ready')
    cli.sandbox.cloud.gateway.find(String(sessionId))?.end('The session was terminated.')
    const { status, stdout } = await tunnel.outcome
    assert.equal(status, 7)
    assert.match(stdout, /"code":"session-ended"/)
    await assertNothingLeft()
  })

  it('a reader that has seen enough of a tunnel', TIMEOUT, async () => {
    await using tunnel = openTunnel()
    await tunnel.event('starting')
    tunnel.closeStdout()
    const { status, stderr } = await tunnel.outcome
    assert.equal(stderr, '')
    assert.equal(status, 0)
    await assertNothingLeft()
  })

  it('a reader that has seen enough of a command', TIMEOUT, async () => {
    await using command = cli.start(['exec', '--', 'yes'])
    await command.until(() => command.stdout.length > 100_000 || undefined, 'some output')
    command.closeStdout()
    const { status, stderr } = await command.outcome
    assert.equal(stderr, '')
    assert.equal(status, 0)
    await assertNothingLeft()
  })

  it('a signal while StartSession is answered', TIMEOUT, async () => {
    await using slow = await startSandboxCli({ latency: 300 })
    await using command = slow.start(['exec', '--', 'true'])
    // The service has started the session; its answer is still on the way.
    await eventually(() => slow.sandbox.cloud.calls.since().some(({ action }) => action === 'StartSession'))
    command.kill('SIGINT')
    assert.equal((await command.outcome).status, 130)
    const left = slow.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)
    assert.deepEqual(left, [])
  })

  it('a second signal ends it at once, and the next start does what was left undone', TIMEOUT, async () => {
    await using tunnel = openTunnel()
    const sessionId = String(await sessionIdOf(tunnel))
    await tunnel.event('ready')
    cli.sandbox.cloud.state.turn({ throttle: { 'ssm:TerminateSession': 1_000 } })
    tunnel.kill('SIGINT')
    await eventually(() => callsOf('TerminateSession', 'ThrottlingException').length > 0)
    tunnel.kill('SIGINT')
    assert.equal((await tunnel.outcome).status, 130)
    assert.equal((await journal()).length, 1)
    cli.sandbox.cloud.state.turn({ throttle: {} })
    assert.equal((await cli.run(['exec', '--', 'true'])).status, 0)
    assert.ok(callsOf('TerminateSession').some(({ resource }) => resource.includes(sessionId)))
    await assertNothingLeft()
  })

  it('a process that is killed leaves a session that the next start ends', TIMEOUT, async () => {
    await using tunnel = openTunnel()
    const sessionId = String(await sessionIdOf(tunnel))
    await tunnel.event('ready')
    tunnel.kill('SIGKILL')
    assert.equal((await tunnel.outcome).signal, 'SIGKILL')
    assert.deepEqual(
      activeSessions().map(({ terms }) => terms.id),
      [sessionId],
    )
    assert.equal((await cli.run(['exec', '--', 'true'])).status, 0)
    await assertNothingLeft()
  })

  it(
    'so does one on an instance that was named, with no installation to remember it by',
    TIMEOUT,
    async () => {
      const address = `${WORLD.payloadHost}:${WORLD.payloadPort}`
      await using tunnel = cli.start(['tunnel', WORLD.bastion.instanceId, address, '--json', '--port', '0'])
      await tunnel.event('ready')
      tunnel.kill('SIGKILL')
      await tunnel.outcome
      assert.equal(activeSessions().length, 1)
      assert.equal((await cli.run(['exec', '--', 'true'])).status, 0)
      await assertNothingLeft()
    },
  )

  it('a start leaves the sessions of those who live alone', TIMEOUT, async () => {
    await using tunnel = openTunnel()
    const sessionId = String(await sessionIdOf(tunnel))
    await tunnel.event('ready')
    assert.equal((await cli.run(['exec', '--', 'true'])).status, 0)
    assert.deepEqual(
      activeSessions().map(({ terms }) => terms.id),
      [sessionId],
    )
    tunnel.kill('SIGINT')
    assert.equal((await tunnel.outcome).status, 130)
    await assertNothingLeft()
  })
})
