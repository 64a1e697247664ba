import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, it } from 'node:test'
import { promisify } from 'node:util'
import { WORLD } from '#sandbox/world.ts'
import { eventually } from '../support/eventually.ts'
import { describeWith, programOf } from '../support/peers.ts'
import { type CliEvent, type CliProcess, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** curl through `pgctl proxy`, by SOCKS5 and by HTTP. */

const TIMEOUT = { timeout: 30_000 }
const run = promisify(execFile)
const HEALTH = 'http://grafana:4500/api/health'

describeWith(['curl'], 'curl through the proxy', { timeout: 180_000 }, () => {
  let cli: SandboxCli
  let proxy: CliProcess
  let ready: CliEvent
  before(async () => {
    cli = await startSandboxCli()
    proxy = cli.start(['proxy', '--json', '--port', '0'])
    ready = await proxy.event('ready')
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const curl = (...words: string[]) =>
    run(programOf('curl'), ['-sS', '-m', '20', '-w', '\n%{http_code}', ...words], {
      env: { PATH: '/usr/bin:/bin' },
    })
  const openSessions = () => cli.sandbox.cloud.gateway.statistics().sessionsOpen
  const url = (scheme: 'socks' | 'http', password = String(ready['password'])) =>
    String(ready[scheme]).replace(String(ready['password']), password)

  it('opens no session before somebody wants to go somewhere', TIMEOUT, () => assert.equal(openSessions(), 0))

  for (const scheme of ['socks', 'http'] as const)
    it(`reaches a Service by its name through ${scheme}`, TIMEOUT, async () => {
      const { stdout } = await curl('-x', url(scheme), HEALTH)
      assert.match(stdout, /"database":"ok"[\s\S]*\n200$/)
    })

  it('has one session for each host and port, however many connections', TIMEOUT, async () => {
    const before = openSessions()
    await Promise.all(Array.from({ length: 5 }, () => curl('-x', url('socks'), HEALTH)))
    assert.equal(openSessions(), before)
    await curl('-x', url('socks'), `http://hermes.${WORLD.namespace}.svc:1702/healthz`)
    assert.ok(openSessions() > before)
  })

  it("reaches the cluster's API by CONNECT, whose certificate has its real name", TIMEOUT, async () => {
    const authority = String(cli.environment['NODE_EXTRA_CA_CERTS'])
    const { stdout } = await curl(
      ...['-x', url('http'), '--cacert', authority, '-H', 'Authorization: Bearer none'],
      `https://${WORLD.cluster.host}/version`,
    )
    assert.match(stdout, /\n(200|401|403)$/)
  })

  for (const [scheme, answer] of [
    ['socks', /97|authentication|User was rejected/i],
    ['http', /407/],
  ] as const) {
    it(`refuses a wrong password through ${scheme}`, TIMEOUT, async () => {
      const outcome = await curl('-x', url(scheme, 'wrong'), HEALTH).catch((error: Error) => ({
        stdout: error.message,
      }))
      assert.match(outcome.stdout, answer)
    })

    it(`refuses none through ${scheme}`, TIMEOUT, async () => {
      const bare = url(scheme).replace(/\/\/[^@]+@/, '//')
      const outcome = await curl('-x', bare, HEALTH).catch((error: Error) => ({ stdout: error.message }))
      assert.match(outcome.stdout, /97|authentication|acceptable|rejected|407/i)
    })
  }

  it('leads nowhere else, and says so', TIMEOUT, async () => {
    const { stdout } = await curl('-x', url('http'), 'http://example.com/')
    assert.match(stdout, /--any[\s\S]*\n403$/)
    await assert.rejects(curl('-x', url('socks'), `http://${WORLD.payloadHost}:${WORLD.payloadPort}/`))
    const refused = proxy.events.filter(({ event }) => event === 'refused').map(({ to }) => to)
    assert.ok(refused.includes('example.com:80'))
  })

  it('with --any leads to what the bastion reaches', TIMEOUT, async () => {
    const outcome = await cli.run([
      'proxy',
      '--any',
      '--port',
      '0',
      '--',
      programOf('curl'),
      '-sS',
      `http://${WORLD.payloadHost}:${WORLD.payloadPort}/bytes/5`,
    ])
    assert.equal(outcome.status, 0, outcome.stderr)
  })

  it('runs a program with the proxy in its environment, and gives its status', TIMEOUT, async () => {
    const script = `curl -sS -m 20 ${HEALTH} && exit 42`
    const { status, stdout, stderr } = await cli.run(['proxy', '--port', '0', '--', 'sh', '-c', script])
    assert.equal(status, 42, stderr)
    assert.match(stdout, /"database":"ok"/)
  })

  it('tells its variables to a shell', TIMEOUT, async () => {
    const shell = cli.start(['proxy', '--print-env', '--port', '0'])
    await shell.until(() => (shell.stdout.includes('no_proxy') ? true : undefined), 'the variables')
    const { stdout } = await run('sh', ['-c', `${shell.stdout}\ncurl -sS -m 20 ${HEALTH}`], {
      env: { PATH: '/usr/bin:/bin' },
    })
    assert.match(stdout, /"database":"ok"/)
    shell.kill('SIGINT')
    assert.equal((await shell.outcome).status, 130)
  })

  it('ends every session at Ctrl-C', TIMEOUT, async () => {
    proxy.kill('SIGINT')
    const { status } = await proxy.outcome
    assert.equal(status, 130)
    await eventually(() => openSessions() === 0)
  })
})
