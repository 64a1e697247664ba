/**
 * The way out of a company: a real CONNECT proxy, an authority of its own and endpoints by other names, for HTTP and for
 * the WebSocket alike. The names that are used here are known to the proxy alone: what goes past it reaches nothing.
 */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { WORLD } from '#sandbox/world.ts'
import { type ConnectProxy, startConnectProxy } from '../support/connect-proxy.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

const TIMEOUT = { timeout: 60_000 }
const API = 'aws.sandbox.example'
const PRIVATE = ['vpce-ssm.sandbox.example', 'vpce-messages.sandbox.example', 'vpce-sts.sandbox.example']

const hostOfAws = (service: string) => `${service}.${WORLD.region}.amazonaws.com:443`

describe('the way out', { timeout: 180_000 }, () => {
  let cli: SandboxCli
  let proxy: ConnectProxy
  before(async () => {
    const names = ['autoscaling', 'ec2', 'eks', 'ssm', 'ssmmessages', 'sts'].map(hostOfAws)
    cli = await startSandboxCli({
      logInterval: 0,
      names: [API, ...PRIVATE, ...names.map((host) => host.replace(/:443$/, ''))],
    })
    proxy = await startConnectProxy({ credentials: 'me:secret', aws: cli.sandbox.port })
  })
  afterEach(() => cli.sandbox.cloud.state.turn(DEFAULT_KNOBS))
  after(async () => {
    await cli?.[Symbol.asyncDispose]()
    await proxy?.[Symbol.asyncDispose]()
  })

  const authority = () => join(cli.home, 'authority.pem')
  const port = () => cli.sandbox.port
  /** Nothing is trusted by Node itself, so that only AWS_CA_BUNDLE counts. */
  const environment = (more: Record<string, string> = {}) => ({
    AWS_ENDPOINT_URL: `https://${API}:${port()}`,
    HTTPS_PROXY: `http://me:secret@127.0.0.1:${proxy.port}`,
    AWS_CA_BUNDLE: authority(),
    NODE_EXTRA_CA_CERTS: '',
    ...more,
  })
  const run = async (argv: readonly string[], more: Record<string, string> = {}) => {
    const from = proxy.asked.length
    const outcome = await cli.run(argv, { environment: environment(more) })
    return { ...outcome, asked: proxy.asked.slice(from) }
  }

  it(
    'every call and the WebSocket go through the proxy, and trust the authority of AWS_CA_BUNDLE',
    TIMEOUT,
    async () => {
      const sessions = cli.sandbox.cloud.gateway.sessions().length
      const { status, stderr, stdout, asked } = await run(['exec', '--', 'echo', 'through'])
      assert.equal(status, 0, stderr)
      assert.equal(stdout, 'through\n')
      assert.equal(cli.sandbox.cloud.gateway.sessions().length, sessions + 1)
      assert.ok(asked.length >= 2, 'one for the calls, and one that became the WebSocket')
      for (const target of asked) assert.equal(target, `${API}:${port()}`)
    },
  )

  it('a cluster too, by the real names of AWS and with no endpoint configured', TIMEOUT, async () => {
    cli.sandbox.cloud.state.turn({ streamHost: `ssmmessages.${WORLD.region}.amazonaws.com` })
    const { status, stderr, asked } = await run(['logs', 'hermes', '--tail', '1'], { AWS_ENDPOINT_URL: '' })
    assert.equal(status, 0, stderr)
    assert.deepEqual([...new Set(asked)].toSorted(), ['eks', 'ssm', 'ssmmessages'].map(hostOfAws))
  })

  it('what NO_PROXY names goes past it: here, into nothing', TIMEOUT, async () => {
    const { status, stderr, asked } = await run(['exec', '--', 'true'], { NO_PROXY: `.sandbox.example` })
    assert.equal(status, 7, stderr)
    assert.deepEqual(asked, [])
    assert.match(stderr, /ENOTFOUND|EAI_AGAIN/)
  })

  it('a proxy that does not know one says so', TIMEOUT, async () => {
    const { status, stderr } = await run(['exec', '--', 'true'], {
      HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
    })
    assert.equal(status, 7)
    assert.match(stderr, /407/)
    assert.match(stderr, /HTTPS_PROXY/)
  })

  it('without the authority nothing is trusted, and the variable to set is named', TIMEOUT, async () => {
    const { status, stderr } = await run(['exec', '--', 'true'], { AWS_CA_BUNDLE: '' })
    assert.equal(status, 7)
    assert.match(stderr, /AWS_CA_BUNDLE=FILE\.pem/)
  })

  it('doctor says how it goes out, without the password', TIMEOUT, async () => {
    cli.sandbox.cloud.state.turn({ streamHost: `ssmmessages.${WORLD.region}.amazonaws.com` })
    const { status, stdout, stderr } = await run(['doctor'], { AWS_ENDPOINT_URL: '' })
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, new RegExp(`HTTPS_PROXY=http://\\*\\*\\*@127\\.0\\.0\\.1:${proxy.port}`))
    assert.doesNotMatch(stdout, /secret/)
  })

  it('doctor names the endpoint that cannot be reached', TIMEOUT, async () => {
    const { status, stdout } = await run(['doctor'], {
      AWS_ENDPOINT_URL_SSMMESSAGES: `https://elsewhere.sandbox.test:${port()}`,
    })
    assert.equal(status, 5)
    assert.match(stdout, /failed +endpoints +cannot reach elsewhere\.sandbox\.test/)
    assert.match(stdout, /skipped +account +not looked at, because of endpoints/)
  })

  it(
    'endpoints of PrivateLink are used for what is configured, the data channel included',
    TIMEOUT,
    async () => {
      const config = join(cli.home, 'private.yaml')
      const at = (name: string) => `https://vpce-${name}.sandbox.example:${port()}`
      await writeFile(
        config,
        `installations:
  acme:
    workspace: ${WORLD.workspace}
    account: "${WORLD.account}"
    region: ${WORLD.region}
    endpoints:
      ssm: ${at('ssm')}
      ssmmessages: ${at('messages')}
      sts: ${at('sts')}
`,
      )
      // As the service does, which knows nothing of the name that it was called by.
      cli.sandbox.cloud.state.turn({ streamHost: `ssmmessages.${WORLD.region}.amazonaws.com` })
      const { status, stderr, asked } = await run(['exec', '--', 'true'], {
        PGCTL_CONFIG: config,
        AWS_ENDPOINT_URL: '',
        XDG_STATE_HOME: join(cli.home, 'private-state'),
      })
      assert.equal(status, 0, stderr)
      assert.deepEqual([...new Set(asked)].toSorted(), PRIVATE.map((name) => `${name}:${port()}`).toSorted())
    },
  )
})
