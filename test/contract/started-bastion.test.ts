import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { installClientProbes } from '../support/client-probe.ts'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** Commands whose tunnels are in the background: the bastion is started by whoever waits for it, and they see that. */

const TIMEOUT = { timeout: 40_000 }
const STARTING =
  /^the bastion is stopped: starting it \(--no-start leaves it stopped; .*\)\nthe bastion i-\w+ answers after /m

describe('a bastion at 0', { timeout: 240_000 }, () => {
  let cli: SandboxCli
  let environment: Record<string, string>
  before(async () => {
    cli = await startSandboxCli()
    environment = {
      PATH: `${await installClientProbes(cli.home)}${delimiter}${process.env['PATH']}`,
      PROBE_VERSION: '17.2',
      PGCTL_CA: join(cli.home, 'authority.pem'),
    }
  })
  afterEach(async () => {
    await cli.run(['tunnel', 'stop', '--all'])
    const active = () => cli.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)
    await eventually(() => active().length === 0)
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const run = (...argv: string[]) => cli.run(argv, { environment })
  const stop = async () => {
    const { status, stderr } = await run('bastion', 'stop', '--confirm', 'acme')
    assert.equal(status, 0, stderr)
  }

  for (const [what, words] of [
    ['a program with the cluster', ['run', '--', 'true']],
    ['a tunnel that goes on without its command', ['tunnel', 'grafana', '--detach']],
    ['psql', ['psql', '--', '-c', 'select 1']],
    ['redis-cli', ['redis', '--', 'PING']],
  ] as const)
    it(`is started for ${what}, and stays as it is with --no-start`, TIMEOUT, async () => {
      await stop()
      const [command, ...more] = words
      const refused = await run(command, '--no-start', ...more)
      assert.equal(refused.status, 7)
      assert.match(refused.stderr, /error: the bastion is stopped\n +why: its group is at 0\n/)
      assert.doesNotMatch(refused.stderr, /starting/)
      const { status, stderr } = await run(...words)
      assert.equal(status, 0, stderr)
      assert.match(stderr, STARTING)
    })

  it('is nothing to a tunnel by a machine that is named, whose own failure is told', TIMEOUT, async () => {
    await stop()
    await writeFile(join(cli.home, 'none.yaml'), '{}\n')
    const { status, stderr } = await cli.run(
      ['tunnel', 'i-0fedcba9876543210', 'db.internal:5432', '--detach', '--region', 'eu-central-1'],
      { environment: { ...environment, PGCTL_CONFIG: join(cli.home, 'none.yaml') } },
    )
    assert.notEqual(status, 0)
    assert.doesNotMatch(stderr, /starting it|installation/)
    assert.match(stderr, /i-0fedcba9876543210/)
  })

  it('is started for what finds the tunnel of an earlier one asleep', TIMEOUT, async () => {
    assert.equal((await run('psql', '--', '-c', 'select 1')).status, 0)
    await stop()
    const { status, stderr } = await run('psql', '--', '-c', 'select 2')
    assert.equal(status, 0, stderr)
    assert.match(stderr, STARTING)
  })

  it('is started for psql with a session of its own', TIMEOUT, async () => {
    await stop()
    const { status, stderr } = await run('psql', '--background', 'off', '--', '-c', 'select 1')
    assert.equal(status, 0, stderr)
    assert.match(stderr, STARTING)
  })
})
