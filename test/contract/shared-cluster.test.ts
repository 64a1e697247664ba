import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { installProbe } from '../support/cluster-probe.ts'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** The tunnel to the cluster that all programs of a person share: the second one pays for no session. */

const TIMEOUT = { timeout: 30_000 }

describe('a way to the cluster that programs share', { timeout: 180_000 }, () => {
  let cli: SandboxCli
  let bin: string
  before(async () => {
    cli = await startSandboxCli()
    bin = await installProbe(cli.home, ['kubectl', 'helm', 'probe'])
  })
  afterEach(async () => {
    await cli.run(['tunnel', 'stop', '--all'])
    await eventually(() => activeSessions().length === 0)
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const sessions = () => cli.sandbox.cloud.gateway.sessions()
  const activeSessions = () => sessions().filter(({ endedAt }) => endedAt === undefined)
  const calls = () => cli.sandbox.cloud.calls.since().length
  const onPath = () => ({ PATH: `${bin}${delimiter}${process.env['PATH']}` })
  const run = (argv: readonly string[], more: Record<string, string> = {}) =>
    cli.run(argv, { environment: { ...onPath(), ...more } })
  const tunnels = async () =>
    JSON.parse((await cli.run(['tunnel', 'list', '--json'])).stdout).tunnels as {
      id: number
      target: string
      state: string
      implicit: boolean
      port: number
    }[]

  it(
    'is opened by the first, which says so once, and costs the second no session and no call',
    TIMEOUT,
    async () => {
      const before = sessions().length
      const first = await run(['kubectl', '--', 'get', '-n', 'x', '--', '-n'])
      assert.equal(first.status, 0, first.stderr)
      assert.match(
        first.stderr,
        /^a tunnel to the cluster stays in the background .*: pgctl tunnel stop cluster; .*\n$/,
      )
      const seen = JSON.parse(first.stdout)
      assert.deepEqual(
        [seen.status, seen.argv, seen.installation],
        [200, ['get', '-n', 'x', '--', '-n'], 'acme'],
      )
      assert.equal(sessions().length, before + 1)

      const asked = calls()
      for (const program of ['kubectl', 'helm'] as const) {
        const next = await run([program, '--installation', 'acme', '--', 'get', 'pods'])
        assert.deepEqual([next.status, next.stderr], [0, ''])
        assert.equal(JSON.parse(next.stdout).status, 200)
        assert.deepEqual(JSON.parse(next.stdout).argv, ['get', 'pods'])
      }
      assert.deepEqual([sessions().length, calls()], [before + 1, asked])
      assert.deepEqual(
        (await tunnels()).map(({ target, implicit }) => [target, implicit]),
        [['cluster', true]],
      )
    },
  )

  it("gives the program's own exit status, its words and a signal's as a shell does", TIMEOUT, async () => {
    for (let round = 0; round < 2; round++) {
      assert.equal((await run(['kubectl', '--', 'get'], { PROBE_STATUS: '7' })).status, 7)
      assert.equal((await run(['run', '--', 'sh', '-c', 'kill -TERM $$'])).status, 143)
    }
  })

  it('what it leaves is for the person alone, and its kubeconfig holds no secret', TIMEOUT, async () => {
    const { stdout } = await run(['kubectl', '--', 'get'])
    const { file, mode, credential } = JSON.parse(stdout)
    assert.equal(mode, 0o600)
    const folder = join(cli.home, 'state/pgctl/kube')
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    assert.ok(!readFileSync(file, 'utf8').includes(credential.status.token))
    for (const name of readdirSync(folder))
      assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  })

  it('renews a token whose file has run out, or is gone', TIMEOUT, async () => {
    const { file } = JSON.parse((await run(['kubectl', '--', 'get'])).stdout)
    const token = file.replace(/\.yaml$/, '.token')
    const { stdout } = await run([
      'run',
      '--',
      'sh',
      '-c',
      `printf '1\\n{}\\n' > ${token}; probe; rm ${token}; probe`,
    ])
    const seen = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      seen.map(({ status }) => status),
      [200, 200],
    )
  })

  it('is not shared with other credentials', TIMEOUT, async () => {
    const before = sessions().length
    await run(['kubectl', '--', 'get'])
    await run(['kubectl', '--', 'get'], { AWS_SESSION_NAME: 'somebody else' })
    assert.equal(sessions().length, before + 2)
  })

  it('is not used for a run with a reason, nor where it is turned off', TIMEOUT, async () => {
    for (const [argv, environment] of [
      [['kubectl', '--reason', 'INC-1', '--', 'get'], {}],
      [['kubectl', '--background', 'off', '--', 'get'], {}],
      [['kubectl', '--', 'get'], { PGCTL_BACKGROUND: 'off' }],
    ] as const) {
      const { status, stderr } = await run(argv, environment)
      assert.deepEqual([status, stderr], [0, ''])
      assert.deepEqual(await tunnels(), [])
    }
    assert.equal(sessions().find(({ terms }) => terms.reason === 'INC-1')?.endedAt === undefined, false)
  })

  it('one that a person has opened serves as well', TIMEOUT, async () => {
    await cli.run(['tunnel', 'cluster', '--detach'])
    const before = sessions().length
    const { status, stderr } = await run(['kubectl', '--', 'get'])
    assert.deepEqual([status, stderr, sessions().length], [0, '', before])
  })

  it('says what keeps the cluster from being reached, and leaves nothing', TIMEOUT, async () => {
    cli.sandbox.cloud.state.turn({ bastion: 'stopped' })
    const { status, stderr } = await run(['kubectl', '--', 'get'])
    cli.sandbox.cloud.state.turn({ bastion: 'running' })
    assert.equal(status, 7)
    assert.match(stderr, /error: the bastion .* is stopped/)
    assert.deepEqual(await tunnels(), [])
  })

  it('is opened anew when its session has ended meanwhile', TIMEOUT, async () => {
    await run(['kubectl', '--', 'get'])
    for (const session of activeSessions()) session.end('the maximum was reached')
    await eventually(async () => (await tunnels())[0]?.state === 'asleep')
    const { status, stderr } = await run(['kubectl', '--', 'get'])
    assert.deepEqual([status, stderr], [0, ''])
  })

  it('a shell has it, too', TIMEOUT, async () => {
    const { stdout, status } = await run(['shell'], { SHELL: join(bin, 'probe') })
    assert.deepEqual([status, JSON.parse(stdout).status], [0, 200])
  })
})
