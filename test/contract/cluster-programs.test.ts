import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { installProbe } from '../support/cluster-probe.ts'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/**
 * Programs of this computer with a way to the cluster of their own: what they are given, and what is left of it. The
 * way that they share is in `shared-cluster.test.ts`.
 */

const TIMEOUT = { timeout: 30_000 }
const CONFIG = `installation: acme
background: off
installations:
  acme:
    workspace: ${WORLD.workspace}
    account: "${WORLD.account}"
    region: ${WORLD.region}
`

describe('programs with a way to the cluster', { timeout: 120_000 }, () => {
  let cli: SandboxCli
  let bin: string
  before(async () => {
    cli = await startSandboxCli({ config: CONFIG })
    bin = await installProbe(cli.home, ['kubectl', 'helm', 'probe'])
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const activeSessions = () =>
    cli.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)
  const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('pgctl-kube-'))
  const run = (argv: readonly string[], more: Record<string, string> = {}) =>
    cli.run(argv, { environment: { PATH: `${bin}${delimiter}${process.env['PATH']}`, ...more } })

  for (const name of ['kubectl', 'helm'] as const)
    it(
      `${name} reaches the API by the real name and a token, and has its words as they were typed`,
      TIMEOUT,
      async () => {
        const { stdout, status, stderr } = await run([
          name,
          '--reason',
          'INC-1',
          '--',
          'get',
          '-n',
          'x',
          '--',
          '-n',
        ])
        assert.equal(status, 0, stderr)
        const seen = JSON.parse(stdout)
        assert.deepEqual(seen.argv, ['get', '-n', 'x', '--', '-n'])
        assert.equal(seen.status, 200)
        assert.ok(seen.pods > 0)
        assert.match(seen.server, /^https:\/\/127\.0\.0\.1:\d+$/)
        assert.equal(seen.credential.kind, 'ExecCredential')
        const left = Date.parse(seen.credential.status.expirationTimestamp) - Date.now()
        assert.ok(left > 60_000 && left <= 15 * 60_000, `${left} ms`)
        assert.equal(seen.installation, 'acme')
        const [session] = cli.sandbox.cloud.gateway.sessions().slice(-1)
        assert.equal(session?.terms.reason, 'INC-1')
      },
    )

  it(
    'the kubeconfig is for the person alone, and is gone with the program, as the session is',
    TIMEOUT,
    async () => {
      const before = folders()
      const { stdout } = await run(['run', '--', 'probe'])
      const { file, mode } = JSON.parse(stdout)
      assert.equal(mode, 0o600)
      assert.ok(!existsSync(file))
      assert.deepEqual(folders(), before)
      await eventually(() => activeSessions().length === 0)
    },
  )

  it("gives the program's own exit status, and a signal's as a shell does", TIMEOUT, async () => {
    assert.equal((await run(['run', '--', 'probe'], { PROBE_STATUS: '7' })).status, 7)
    assert.equal((await run(['run', '--', 'sh', '-c', 'kill -TERM $$'])).status, 143)
  })

  it('says what is missing before it opens a session', TIMEOUT, async () => {
    const count = cli.sandbox.cloud.gateway.sessions().length
    const { status, stderr } = await cli.run(['helm', '--', 'list'], {
      environment: { PATH: join(cli.home, 'none') },
    })
    assert.equal(status, 1)
    assert.match(
      stderr,
      /error: there is no helm on this computer\n.*why: no folder of PATH has it\n.*next: install it: https/,
    )
    assert.equal(cli.sandbox.cloud.gateway.sessions().length, count)
  })

  it('asks for two dashes, so that no flag goes to the wrong program', TIMEOUT, async () => {
    const { status, stderr } = await run(['kubectl', 'get', 'pods'])
    assert.equal(status, 2)
    assert.match(stderr, /put it behind two dashes: pgctl kubectl -- get pods/)
  })

  it('a shell has it, too, and the way ends with it', TIMEOUT, async () => {
    const { stdout, status } = await run(['shell'], { SHELL: join(bin, 'probe') })
    assert.deepEqual([status, JSON.parse(stdout).status], [0, 200])
    await eventually(() => activeSessions().length === 0)
  })

  it('is told to end with us, and what it leaves is taken down', TIMEOUT, async () => {
    const before = folders()
    const started = cli.start(['run', '--', 'sh', '-c', 'echo $KUBECONFIG > ready; exec sleep 60'], {
      environment: { PATH: `${bin}${delimiter}${process.env['PATH']}` },
    })
    const ready = join(cli.home, 'ready')
    await eventually(() => existsSync(ready))
    started.kill('SIGTERM')
    const { status } = await started.outcome
    assert.equal(status, 143)
    assert.ok(!existsSync((await readFile(ready, 'utf8')).trim()))
    assert.deepEqual(folders(), before)
    await eventually(() => activeSessions().length === 0)
  })

  it('enters another account by its role, for the token as well', TIMEOUT, async () => {
    const role = GLOBEX.role ?? assert.fail('it is entered by a role')
    await writeFile(
      join(cli.home, 'config.yaml'),
      `${CONFIG}  globex:
    workspace: ${GLOBEX.workspace}
    account: "${GLOBEX.account}"
    region: ${GLOBEX.region}
    role: ${role.arn}
    externalId: ${role.externalId}
`,
    )
    const { stdout, status, stderr } = await run(['kubectl', '-i', 'globex', '--', 'get', 'pods'])
    assert.equal(status, 0, stderr)
    assert.deepEqual([JSON.parse(stdout).status, JSON.parse(stdout).installation], [200, 'globex'])
  })
})
