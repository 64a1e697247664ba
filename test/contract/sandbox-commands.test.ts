/** `pgctl sandbox …` as a person types it, in a home of its own. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import { SandboxFolders } from '#sandbox/state.ts'
import { WORLD } from '#sandbox/world.ts'
import { CliProcess } from '../support/sandbox-cli.ts'
import { type Outcome, runCli } from '../support/transcript.ts'

let home: string
let environment: Record<string, string>

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'pgctl-commands-'))
  environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_STATE_HOME: join(home, 'state'),
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_CACHE_HOME: join(home, 'cache'),
  }
})
afterEach(async () => {
  await pgctl('sandbox', 'down', '--all')
})
after(() => rm(home, { recursive: true, force: true }))

const pgctl = (...argv: string[]): Promise<Outcome> => runCli(argv, environment, { cwd: home })

/** Runs a command that must succeed, and gives its stdout. */
async function done(...argv: string[]): Promise<string> {
  const { stdout, stderr, status } = await pgctl(...argv)
  assert.equal(status, 0, stderr)
  return stdout
}

const folder = (name: string) => new SandboxFolders(join(home, 'state', 'pgctl'), systemProcesses).named(name)

describe('pgctl sandbox', { timeout: 60_000 }, () => {
  it('goes up in the background, shows itself, and ends; ending twice is no error', async () => {
    assert.match(
      await done('sandbox', 'up', '--detach'),
      /^the sandbox "default" answers at https:\/\/127\.0\.0\.1:\d+$/m,
    )
    assert.match(
      await done('sandbox', 'status'),
      /^default {2}running {2}https:\/\/127\.0\.0\.1:\d+ {2}process \d+, 0 open sessions$/m,
    )
    const { sandboxes } = JSON.parse(await done('sandbox', 'status', '--json'))
    assert.deepEqual(Object.keys(sandboxes[0]).sort(), [
      'agent',
      'endpoint',
      'name',
      'openSessions',
      'pid',
      'state',
      'why',
    ])
    assert.equal(await done('sandbox', 'down'), 'the sandbox "default" has ended\n')
    assert.equal(await done('sandbox', 'down'), 'the sandbox "default" does not run\n')
    assert.match(await done('sandbox', 'status'), /there is no sandbox/)
    assert.deepEqual(await readdir(join(home, 'state', 'pgctl')), [])
  })

  it('the lines of env make a shell, and plain pgctl in it, act on the sandbox', async () => {
    await done('sandbox', 'up', '--detach', '--name', 'shell')
    const lines = await done('sandbox', 'env', '--name', 'shell')
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', `eval "$1"; env; echo "profile=\${AWS_PROFILE-none}"`, 'sh', lines],
      {
        env: { ...environment, AWS_PROFILE: 'production', AWS_ENDPOINT_URL_SSM: 'https://elsewhere.example' },
      },
    )
    assert.match(stdout, /^profile=none$/m)
    assert.doesNotMatch(stdout, /elsewhere|production/)
    assert.match(stdout, /^AWS_ENDPOINT_URL=https:\/\/127\.0\.0\.1:\d+$/m)
    const { set, unset } = JSON.parse(await done('sandbox', 'env', '--name', 'shell', '--json'))
    assert.deepEqual(
      lines
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/[ =]/)[0]),
      [...Object.keys(set).map(() => 'export'), 'unset'],
    )
    assert.ok(unset.includes('AWS_SESSION_TOKEN'))
    const status = await runCli(['status', '--json'], { ...environment, ...set }, { cwd: home })
    assert.equal(status.status, 0, status.stderr)
    assert.equal(JSON.parse(status.stdout).workspace, WORLD.workspace)
    const plain = JSON.parse(await done('sandbox', 'env', '--name', 'shell', '--plain', '--json'))
    assert.match(plain.set.AWS_ENDPOINT_URL, /^http:/)
    const agent = JSON.parse(await done('sandbox', 'env', '--name', 'shell', '--agent', '--json'))
    assert.notEqual(agent.set.AWS_ACCESS_KEY_ID, set.AWS_ACCESS_KEY_ID)
  })

  it('runs in the foreground until it is interrupted, and then leaves nothing', async () => {
    await using command = new CliProcess(['sandbox', 'up', '--name', 'front', '--json'], environment, home)
    const ready = await command.event('ready')
    assert.equal(ready['name'], 'front')
    assert.equal((await folder('front').condition()).kind, 'running')
    command.kill('SIGINT')
    const { status, stderr } = await command.outcome
    assert.equal(status, 0)
    assert.equal(stderr, '')
    assert.deepEqual(await folder('front').condition(), { kind: 'absent' })
  })

  it('is refused twice, in a sentence that says what to do', async () => {
    await done('sandbox', 'up', '--detach')
    for (const flags of [[], ['--detach']]) {
      const { status, stdout, stderr } = await pgctl('sandbox', 'up', ...flags)
      assert.equal(status, 1)
      assert.equal(stdout, '')
      assert.match(stderr, /^error: the sandbox "default" is already running\n next: use it: eval /)
    }
  })

  it('one that was killed shows as broken, and is cleaned', async () => {
    await done('sandbox', 'up', '--detach')
    const condition = await folder('default').condition()
    assert.ok(condition.kind === 'running')
    process.kill(condition.owner.pid, 'SIGKILL')
    while (await systemProcesses.isAlive(condition.owner))
      await new Promise((resolve) => setTimeout(resolve, 5))
    const shown = await pgctl('sandbox', 'status')
    assert.equal(shown.status, 5)
    assert.match(shown.stdout, /^default {2}broken {2}its process \d+ is gone; end it: pgctl sandbox down$/m)
    const env = await pgctl('sandbox', 'env')
    assert.equal(env.status, 1)
    assert.match(env.stderr, /half dead/)
    assert.equal(
      await done('sandbox', 'down'),
      'the sandbox "default" was dead already; what it had left is gone\n',
    )
  })

  it('takes faults, and refuses those that make no sense', async () => {
    await done('sandbox', 'up', '--detach')
    assert.deepEqual(JSON.parse(await done('sandbox', 'fault', 'drop', '--share', '0.5', '--json')), {
      fault: { kind: 'drop', share: 0.5 },
    })
    await done('sandbox', 'fault', 'clear')
    const nonsense = await pgctl('sandbox', 'fault', 'cut', '--share', '0.5')
    assert.equal(nonsense.status, 2)
    assert.match(nonsense.stderr, /the sandbox refuses that\n {2}why: .*share/)
    assert.equal((await pgctl('sandbox', 'fault', 'explode')).status, 2)
  })

  it('says what to do where there is none', async () => {
    for (const command of [['env'], ['fault', 'cut']]) {
      const { status, stderr } = await pgctl('sandbox', ...command)
      assert.equal(status, 1)
      assert.match(stderr, /^error: there is no sandbox "default"\n next: start it: pgctl sandbox up/)
    }
    assert.equal((await pgctl('sandbox', 'up', '--name', '../x')).status, 2)
  })
})
