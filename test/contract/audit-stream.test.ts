import assert from 'node:assert/strict'
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { parseStreamStatus } from '#core/audit/status.ts'
import { WORLD } from '#sandbox/world.ts'
import { eventually } from '../support/eventually.ts'
import { CliProcess, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { execEvent, type MadeEvent, userEvent } from '../unit/audit/log-lines.ts'

/** `pgctl bastion audit-stream` as its unit runs it: real files, the built command, the sandbox's log groups. */

const MACHINE = WORLD.bastion.instanceId

describe('the stream of the audit log', { timeout: 120_000 }, () => {
  let cli: SandboxCli
  let logs: CloudWatchLogsClient
  let folder: string
  let group = ''
  let groups = 0
  const running: CliProcess[] = []

  before(async () => {
    cli = await startSandboxCli()
    const { plainEndpoint: endpoint, operator } = cli.sandbox
    logs = new CloudWatchLogsClient({ region: WORLD.region, endpoint, credentials: operator })
  })
  after(async () => {
    logs?.destroy()
    await cli?.[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-audit-'))
    groups += 1
    group = `/pgctl/${WORLD.workspace}/audit-${groups}`
    await mkdir(join(folder, 'log'))
    await writeFile(join(folder, 'instance-id'), `${MACHINE}\n`)
    await describeInstallation({ logGroup: group })
  })
  afterEach(async () => {
    cli.sandbox.cloud.state.turn({ deny: [], throttle: {} })
    for (const process of running.splice(0)) await process[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const describeInstallation = (audit: object | undefined) => {
    const { workspace, account, region } = WORLD
    const installation = { name: 'acme', workspace, account, region }
    return writeFile(join(folder, 'installation.yaml'), JSON.stringify({ pgctl: 1, installation, audit }))
  }
  const path = (name: string) => join(folder, name)
  const start = (environment: Record<string, string> = {}): CliProcess => {
    const words = ['bastion', 'audit-stream', '--file', path('installation.yaml')]
    words.push('--machine', path('instance-id'), '--log', path('log/audit.log'))
    words.push('--place', path('state/place.json'), '--status', path('status.json'))
    const process = new CliProcess(words, { ...cli.environment, ...environment }, folder)
    running.push(process)
    return process
  }
  const makeGroup = () => logs.send(new CreateLogGroupCommand({ logGroupName: group }))
  const write = (...events: readonly MadeEvent[]) =>
    appendFile(
      path('log/audit.log'),
      events.flatMap(({ lines }) => lines.map((line) => `${line}\n`)).join(''),
    )
  const rotate = async () => {
    for (const [from, to] of [
      ['.2', '.3'],
      ['.1', '.2'],
      ['', '.1'],
    ])
      await rename(path(`log/audit.log${from}`), path(`log/audit.log${to}`)).catch(() => undefined)
    await appendFile(path('log/audit.log'), '')
  }
  const stored = async () => {
    const { events = [] } = await logs.send(
      new FilterLogEventsCommand({ logGroupName: group, logStreamNames: [MACHINE] }),
    )
    return events.map(({ message }) => message)
  }
  const arrives = (...events: readonly MadeEvent[]) =>
    eventually(async () => (await stored()).length >= events.length)
      .catch(() => undefined)
      .then(async () => assert.deepEqual(await stored(), textsOf(events)))
  const textsOf = (events: readonly MadeEvent[]) => events.map(({ lines }) => lines.join('\n'))
  const seconds = (at: number) => (at / 1_000).toFixed(3)
  const now = () => seconds(Date.now())
  const told = async () => parseStreamStatus(await readFile(path('status.json'), 'utf8'))
  const end = async (process: CliProcess) => {
    process.kill('SIGTERM')
    return process.outcome
  }

  it('carries away what is there and what comes, through a rotation, and goes on after its end', async () => {
    await makeGroup()
    const events = ['ls', 'id', 'ps', 'w'].map((program, serial) => execEvent(now(), serial, program))
    const [first, second, third, fourth] = events as [MadeEvent, MadeEvent, MadeEvent, MadeEvent]
    await write(first)
    const stream = start()
    await arrives(first)
    await write(second)
    await arrives(first, second)
    await rotate()
    await write(third)
    await arrives(first, second, third)
    assert.match(stream.stderr, new RegExp(`the audit log goes to ${group}, stream ${MACHINE}`))
    assert.deepEqual([(await end(stream)).status, stream.stdout], [0, ''])
    assert.equal((await stat(path('state/place.json'))).mode & 0o777, 0o600)
    assert.equal((await stat(path('state'))).mode & 0o777, 0o700)

    await rotate()
    await write(fourth)
    start()
    await arrives(...events)
  })

  it('waits for the end of a line and of an event, and takes with it what is at hand when it is told to end', async () => {
    await makeGroup()
    const [whole, open] = [execEvent(now(), 1, 'ls'), execEvent(now(), 2, 'id', false)]
    const [line = ''] = userEvent(now(), 3).lines
    await write(whole, open)
    await appendFile(path('log/audit.log'), line)
    const stream = start()
    await eventually(
      async () => stream.stderr.includes('goes to') && (await stored().catch(() => [])).length > 0,
    )
    assert.equal((await end(stream)).status, 0)
    assert.deepEqual(await stored(), textsOf([whole, open]))
    // The half-written line is nobody's yet.
    await appendFile(path('log/audit.log'), '\n')
    start()
    await arrives(whole, open, { ...open, lines: [line] })
  })

  it('says once why it does not go on, tries again without haste, and leaves nothing out', async () => {
    const events = ['ls', 'id'].map((program, serial) => execEvent(now(), serial, program))
    const [first, second] = events as [MadeEvent, MadeEvent]
    await write(first)
    const stream = start()
    const calls = () => cli.sandbox.cloud.calls.since().filter(({ service }) => service === 'logs').length
    const before = calls()
    await eventually(() => calls() >= before + 4)
    assert.equal(stream.stderr.match(/there is no log group/g)?.length, 1)
    assert.match(stream.stderr, /next: deploy the stack of the bastion anew/)
    const status = await told()
    assert.equal(status?.trouble, 'target-unknown')
    assert.equal(status?.oldest, Math.round(Number(first.time) * 1_000))
    await makeGroup()
    await arrives(first)
    await stream.until(() => /it goes on/.exec(stream.stderr) ?? undefined, 'that it goes on')

    cli.sandbox.cloud.state.turn({ deny: ['logs:PutLogEvents'] })
    await write(second)
    await stream.until(() => /not allowed: logs:PutLogEvents/.exec(stream.stderr) ?? undefined, 'the refusal')
    cli.sandbox.cloud.state.turn({ deny: [] })
    await arrives(first, second)
    await eventually(async () => (await told())?.shipped === 2)
    const after = await told()
    assert.deepEqual(
      [after?.trouble, after?.oldest, after?.shipped, after?.refused, after?.moved],
      [null, null, 2, 0, 0],
    )
  })

  it('slows down when the service asks for it', async () => {
    await makeGroup()
    cli.sandbox.cloud.state.turn({ throttle: { 'logs:PutLogEvents': 5 } })
    const event = execEvent(now(), 1, 'ls')
    await write(event)
    const stream = start()
    await arrives(event)
    assert.match(stream.stderr, /AWS asks to slow down/)
  })

  it('ends within seconds where nothing answers, and carries on at the next start', async () => {
    const event = execEvent(now(), 1, 'ls')
    await write(event)
    const stream = start({ AWS_ENDPOINT_URL: 'https://127.0.0.1:9' })
    await stream.until(() => /cannot be reached/.exec(stream.stderr) ?? undefined, 'the complaint')
    const { status, stderr } = await end(stream)
    assert.equal(status, 0)
    assert.match(stderr, /what is left is carried away after the next start/)
    await makeGroup()
    start()
    await arrives(event)
  })

  it('tells what is too old at the nearest time that the log takes, and says so', async () => {
    await makeGroup()
    const [old, young] = [
      execEvent(seconds(Date.now() - 20 * 24 * 3_600_000), 1, 'ls'),
      execEvent(now(), 2, 'id'),
    ]
    await write(old, young)
    const stream = start()
    await arrives(old, young)
    assert.match(stream.stderr, /1 events are told at the nearest time/)
  })

  it('says that some of it is missing when its file has been rotated away, and begins with the oldest', async () => {
    await makeGroup()
    await mkdir(path('state'))
    await writeFile(path('state/place.json'), JSON.stringify({ v: 1, head: 'f'.repeat(32), offset: 400 }))
    const event = execEvent(now(), 1, 'ls')
    await write(event)
    const stream = start()
    await arrives(event)
    assert.match(stream.stderr, /rotated away before they were carried off/)
  })

  it('begins anew where it is not written down how far it was', async () => {
    await makeGroup()
    await mkdir(path('state'))
    await writeFile(path('state/place.json'), 'half a pl')
    const event = execEvent(now(), 1, 'ls')
    await write(event)
    const stream = start()
    await arrives(event)
    assert.match(stream.stderr, /does not say how far it was: the whole log is carried off again/)
  })

  it('misses nothing of a log that is written and rotated while it reads', async () => {
    await makeGroup()
    const events = Array.from({ length: 120 }, (_, serial) => execEvent(now(), serial, 'ls'))
    start()
    for (const [at, event] of events.entries()) {
      await write(event)
      if (at % 40 === 39) await rotate()
    }
    await arrives(...events)
  })

  it('carries a backlog of several requests, each as full as the service takes it', async () => {
    await makeGroup()
    const events = Array.from({ length: 6_000 }, (_, serial) => execEvent(now(), serial, 'ls'))
    await write(...events)
    start()
    await eventually(async () => (await stored().catch(() => [])).length === events.length, 30_000)
    assert.deepEqual(new Set(await stored()), new Set(textsOf(events)))
    const puts = cli.sandbox.cloud.calls
      .since()
      .filter(({ action, resource }) => action === 'PutLogEvents' && resource.includes(`${group}:`))
    assert.ok(puts.length <= 6, `${puts.length} requests`)
  })

  it('refuses a description without a log group, and a machine without a name', async () => {
    await describeInstallation(undefined)
    const nameless = await start().outcome
    assert.equal(nameless.status, 2)
    assert.match(nameless.stderr, /no log group is named for the audit log/)
    await describeInstallation({ logGroup: group })
    await writeFile(path('instance-id'), 'nobody\n')
    const unknown = await start().outcome
    assert.match(unknown.stderr, /does not say which machine this is/)
  })
})
