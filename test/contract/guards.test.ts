import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WORLD } from '#sandbox/world.ts'
import { isLoopback, listenersOf } from '../support/listeners.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { fetchThrough } from '../support/tunnel-requests.ts'

/** What must hold whatever a command does: who can reach it, what it leaves open, and what it never tells. */

const TIMEOUT = { timeout: 20_000 }
const PAYLOAD = `${WORLD.payloadHost}:${WORLD.payloadPort}`
const needsProc =
  process.platform === 'linux' ? false : 'who listens is read from /proc, which only Linux has'

describe('guards', { timeout: 90_000 }, () => {
  let cli: SandboxCli
  /** Every token that the service has given out. */
  const tokens: string[] = []
  before(async () => {
    cli = await startSandboxCli()
    const issued = cli.sandbox.cloud.gateway.tokens
    const issue = issued.issue.bind(issued)
    issued.issue = (...request) => {
      const token = issue(...request)
      tokens.push(token)
      return token
    }
  })
  after(() => cli?.[Symbol.asyncDispose]())

  it('nothing listens outside the loopback', { ...TIMEOUT, skip: needsProc }, async () => {
    await using tunnel = cli.start(['tunnel', 'grafana', 'cluster', '--json', '--port', '0'])
    await tunnel.until(
      () => (tunnel.events.filter(({ event }) => event === 'ready').length === 2 ? true : undefined),
      'two tunnels',
    )
    const listeners = await listenersOf([process.pid, tunnel.pid])
    const ours = tunnel.events.flatMap(({ port, addresses }) =>
      Array.isArray(addresses) ? addresses.map(() => Number(port)) : [],
    )
    // So that a table that is read wrongly, and shows nothing, does not pass.
    const parts = Object.values(cli.sandbox.world).filter((part) => typeof part === 'number')
    assert.ok(parts.length >= 4)
    for (const port of [cli.sandbox.port, ...parts, ...ours])
      assert.ok(
        listeners.some((listener) => listener.port === port),
        `${port} listens, and is not seen`,
      )
    assert.deepEqual(
      listeners.filter(({ address }) => !isLoopback(address)),
      [],
    )
  })

  it('a process that has disposed of everything ends by itself', TIMEOUT, async () => {
    const script = fileURLToPath(new URL('../support/leave-nothing.ts', import.meta.url))
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 15_000 })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    const [status, signal] = await once(child, 'close')
    assert.deepEqual({ status, signal, output }, { status: 0, signal: null, output: 'done\n' })
  })

  for (const argv of [
    ['exec', '--', 'true'],
    ['status'],
    ['logs', 'hermes', '--tail', '5'],
    ['tunnel', `${WORLD.payloadHost}:9`, '--port', '0'],
  ])
    it(`"pgctl ${argv.join(' ')}" leaves nothing open that would keep it`, TIMEOUT, async () => {
      const { stderr } = await cli.run(argv, { environment: { PGCTL_DEBUG: '1' } })
      assert.ok(!stderr.includes('left open at the end'), stderr.split('\n').slice(-3).join('\n'))
    })

  it('a tunnel that was in use leaves nothing open that would keep it', TIMEOUT, async () => {
    await using tunnel = cli.start(['tunnel', 'cluster', '--port', '0'], {
      environment: { PGCTL_DEBUG: '1' },
    })
    const ready = await tunnel.until(() => /:(\d+)/.exec(tunnel.stdout) ?? undefined, 'the port')
    const socket = createConnection({ host: '127.0.0.1', port: Number(ready[1]) })
    socket.on('error', () => {})
    await once(socket, 'connect')
    tunnel.kill('SIGINT')
    const { status, stderr } = await tunnel.outcome
    assert.equal(status, 130)
    assert.ok(!stderr.includes('left open at the end'), stderr.split('\n').slice(-3).join('\n'))
  })

  it('tokens and keys are never told', { ...TIMEOUT, skip: needsProc }, async () => {
    cli.sandbox.cloud.state.turn({ kms: 'on' })
    tokens.length = 0
    const debugFile = join(cli.home, 'debug.log')
    const flags = ['--debug', '--debug-file', debugFile]
    await using tunnel = cli.start(['tunnel', PAYLOAD, 'grafana', '--json', '--port', '0', ...flags])
    const { port } = await tunnel.event('ready')
    await fetchThrough({ port: Number(port) }, '/random/100000').catch(() => {})
    cli.sandbox.cloud.gateway.order({ kind: 'cut' })
    await tunnel.event('resumed')
    const said = [
      await readFile(`/proc/${tunnel.pid}/cmdline`, 'utf8'),
      await readFile(`/proc/${tunnel.pid}/environ`, 'utf8'),
    ]
    tunnel.kill('SIGINT')
    await tunnel.outcome
    said.push(tunnel.stdout, tunnel.stderr)
    for (const order of [{ kind: 'clear' }, { kind: 'refuse' }] as const) {
      cli.sandbox.cloud.gateway.order(order)
      const { stdout, stderr } = await cli.run(['exec', ...flags, '--', 'env'], {
        environment: { PGCTL_DEBUG: '1' },
      })
      said.push(stdout, stderr)
    }
    cli.sandbox.cloud.gateway.order({ kind: 'clear' })
    const log = await readFile(debugFile, 'utf8')
    assert.match(log, /"wire"/, 'the diagnostics are not what they were')
    assert.ok(tokens.length >= 5, `${tokens.length} tokens were given out`)
    const all = `${said.join('\n')}\n${log}`
    for (const token of tokens) assert.ok(!all.includes(token), 'a token was told')
    const key = cli.sandbox.operator.secretAccessKey
    assert.ok(!`${said.filter((_, index) => index !== 1).join('\n')}\n${log}`.includes(key), 'a key was told')
    assert.ok(!all.includes('k8s-aws-v1.'), 'a token of the cluster was told')
  })
})
