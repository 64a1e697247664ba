import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Context } from 'aws-lambda'
import { createBastionControl } from '#core/aws/bastion-control.ts'
import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createSessionApi } from '#core/aws/session-api.ts'
import { stoppedByHand } from '#core/bastion/decide-stopped.ts'
import { changeLife, readLife } from '#core/bastion/io/life-store.ts'
import { activityKey } from '#core/bastion/names.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { tableName } from '#core/stack/names.ts'
import type { Store } from '#core/store.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { type BastionFunctionDeps, wireBastionFunction } from '../../functions/bastion-deps.ts'
import { createBastionTick } from '../../functions/bastion-tick.ts'
import { eventually } from '../support/eventually.ts'

/**
 * The function that looks after the bastion against the services' wire forms and machines that come and go, over hours
 * that pass as fast as the test turns its clock.
 */

const { workspace, region, account, bastion } = ACME
const PROFILES = new URL('../../profiles/', import.meta.url)
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const context = { awsRequestId: 'req-1', getRemainingTimeInMillis: () => 100_000 } as unknown as Context
const ROLE = `arn:aws:iam::${account}:role/operators`

describe('the function that looks after the bastion', { timeout: 300_000 }, () => {
  let sandbox: Sandbox
  let agents: OutboundAgents
  let store: Store
  let deps: BastionFunctionDeps | undefined
  let lines: string[] = []
  let now = 0

  const forget = () => {
    for (const name of Object.keys(process.env)) if (/^AWS_/.test(name)) delete process.env[name]
  }
  before(forget)
  beforeEach(async () => {
    await sandbox?.[Symbol.asyncDispose]()
    agents?.close()
    agents = createOutboundAgents({})
    sandbox = await startSandbox({ pace: 'none', logInterval: 0 })
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: sandbox.plainEndpoint,
      AWS_ACCESS_KEY_ID: sandbox.operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: sandbox.operator.secretAccessKey,
    })
    store = createDocumentTable(connection(), tableName(workspace))
    deps = undefined
    now = systemClock.now().wall
  })
  after(async () => {
    forget()
    agents?.close()
    await sandbox?.[Symbol.asyncDispose]()
  })

  const connection = () =>
    connectAws({ region, environment: process.env, agents, clock: systemClock, version: '0' })
  const group = () => createBastionControl(connection(), bastion.name).look()
  const wire = (idleMinutes = '20', hours = '') => {
    deps ??= wireBastionFunction(
      {
        ...{ AWS_REGION: region, PGCTL_WORKSPACE: workspace, PGCTL_PRODUCT: 'paragon' },
        ...{ PGCTL_STATE_TABLE: tableName(workspace), PGCTL_BASTION_IDLE_MINUTES: idleMinutes },
        PGCTL_BASTION_HOURS: hours,
      },
      PROFILES,
    )
    return deps
  }
  async function invoke(event: unknown = { trigger: 'schedule' }) {
    lines = []
    const handler = createBastionTick(() => wire(), {
      sink: { write: (line) => void lines.push(line) },
      now: () => now,
    })
    return (await handler(event as object, context)) as Record<string, unknown>
  }
  const logged = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const figure = (name: string) => logged().find((line) => name in line)?.[name]
  /** The machine says that nothing goes on. */
  const saysNothing = async () => {
    const [machine] = (await group())?.machines ?? []
    if (machine === undefined) return
    const report = { v: 1, at: now, machine: machine.id, connections: 0, programs: 0, sessions: [] }
    await store.write(activityKey(workspace), report)
  }
  /** So many looks, five minutes apart. */
  const spans = (count: number) => minutes(count, 5)
  /** The next time that clocks show `time` in UTC: one look, as if nobody had looked since. */
  async function jumpTo(time: string) {
    const today = Date.parse(`${new Date(now).toISOString().slice(0, 10)}T${time}Z`)
    now = today > now ? today : today + DAY
    await saysNothing()
    return invoke()
  }
  async function minutes(count: number, each = 1) {
    let last: Record<string, unknown> = {}
    for (let look = 0; look < count; look++) {
      now += each * MINUTE
      await saysNothing()
      last = await invoke()
    }
    return last
  }
  const online = async () => {
    const [machine] = (await group())?.machines ?? []
    return machine?.agent.kind === 'registered' && machine.agent.ping === 'online'
  }

  it('stops a bastion that nobody uses, tells why, and its agent is gone', async () => {
    const idle = await minutes(14)
    assert.deepEqual([idle['state'], figure('BastionIdleMinutes'), figure('BastionUnwell')], ['idle', 13, 0])
    await minutes(7)
    const action = logged().find(({ msg }) => msg === 'action')
    assert.deepEqual(
      [action?.['what'], action?.['why'], action?.['outcome']],
      ['stop', 'nobody has used it for 20 min', 'done'],
    )
    const stopped = await group()
    assert.deepEqual(stopped?.sizes, { minimum: 0, maximum: 1, desired: 0 })
    assert.deepEqual(stopped?.remembered, { minimum: 1, maximum: 1, desired: 1 })
    await eventually(() => !sandbox.cloud.gateway.isOnline(bastion.instanceId))
    assert.equal((await minutes(1))['state'], 'stopped')
    assert.equal(figure('BastionMachines'), 0)
  })

  it('goes by the time that its stack says, and writes it down for all who tell of it', async () => {
    wire('45')
    await minutes(1)
    assert.deepEqual((await readLife(store, workspace)).state.rules, { idleAfter: 45 * MINUTE, hours: null })
    await minutes(30)
    assert.equal((await group())?.sizes.desired, 1)
    await minutes(16)
    assert.equal((await group())?.sizes.desired, 0)
    deps = undefined
    wire('0')
    await minutes(1)
    assert.deepEqual((await readLife(store, workspace)).state.rules, { idleAfter: null, hours: null })
  })

  it('leaves one with a session, and looks once more before it stops', async () => {
    await minutes(20)
    const { sessionId } = await createSessionApi(connection()).start({ target: bastion.instanceId })
    const busy = await minutes(30)
    assert.deepEqual([busy['state'], busy['sessions']], ['busy', 1])
    assert.equal(figure('BastionSessions'), 1)
    await createSessionApi(connection()).terminate(sessionId)
    await minutes(22)
    assert.equal((await group())?.sizes.desired, 0)
  })

  it('asks for what its role allows, and nothing else', async () => {
    const last = sandbox.cloud.calls.since().at(-1)?.number ?? 0
    await minutes(21)
    const own = sandbox.cloud.calls.since(last).map(({ service, action }) => `${service}:${action}`)
    assert.deepEqual(
      [...new Set(own)].toSorted(),
      [
        ...['autoscaling:CreateOrUpdateTags', 'autoscaling:DescribeAutoScalingGroups'],
        ...['autoscaling:UpdateAutoScalingGroup', 'dynamodb:GetItem', 'dynamodb:PutItem'],
        ...['ec2:DescribeInstances', 'ec2:DescribeImages', 'ec2:DescribeLaunchTemplateVersions'],
        ...['ssm:DescribeInstanceInformation', 'ssm:DescribeSessions'],
      ].toSorted(),
    )
  })

  it('tells what it was not allowed to do, and does it when it is', async () => {
    sandbox.cloud.state.turn({ deny: ['autoscaling:UpdateAutoScalingGroup'] })
    await minutes(21)
    assert.equal(figure('BastionActionsFailed'), 1)
    const action = logged().find(({ msg }) => msg === 'action')
    assert.match(String(action?.['because']), /not allowed: autoscaling:UpdateAutoScalingGroup/)
    sandbox.cloud.state.turn({ deny: [] })
    await minutes(1)
    assert.equal((await group())?.sizes.desired, 0)
  })

  it('goes back to the image that was good when a newer one never answers', async () => {
    await minutes(1)
    const { state } = sandbox.cloud
    state.groupOf(ACME).addVersion('ami-0123456789abcdef0', now)
    state.groupOf(ACME).version = '$Latest'
    state.turn({ boot: 'silent' })
    assert.equal((await minutes(5))['stale'], true)
    assert.equal((await group())?.machines[0]?.template, '2')
    await minutes(2)
    assert.equal(figure('BastionUnwell'), 0)
    state.turn({ boot: 'online' })
    await minutes(1)
    assert.equal(figure('BastionUnwell'), 1)
    const [machine] = (await group())?.machines ?? []
    assert.deepEqual([machine?.template, machine?.imageId], ['1', 'ami-0d4c1e2f3a5b69788'])
    await eventually(online)
    assert.equal((await minutes(1))['state'], 'idle')
  })

  /** One that has gone to 0 after its hours, in the evening. */
  async function inTheEvening() {
    wire('20', '08:00-18:00 UTC')
    await jumpTo('18:05')
    await spans(5)
    assert.equal((await group())?.sizes.desired, 0)
  }

  it('keeps it up within its hours, stops it when they end, and starts it before they open', async () => {
    wire('20', '08:00-18:00 UTC')
    await jumpTo('17:00')
    const idle = await spans(6)
    assert.match(String(idle['says']), /^up by schedule until 18:00 \(08:00-18:00 UTC\); nobody has used it/)
    assert.equal((await readLife(store, workspace)).state.rules?.hours, '08:00-18:00 UTC')
    await spans(6)
    assert.equal((await group())?.sizes.desired, 0)
    await eventually(() => !sandbox.cloud.gateway.isOnline(bastion.instanceId))
    assert.equal((await jumpTo('07:56'))['state'], 'stopped')
    const last = sandbox.cloud.calls.since().at(-1)?.number ?? 0
    await minutes(1)
    const start = logged().find(({ msg }) => msg === 'action')
    assert.deepEqual(
      [start?.['what'], start?.['why'], start?.['outcome']],
      ['start', 'up by schedule until 18:00 (08:00-18:00 UTC)', 'done'],
    )
    // Which are among those that its role has: a test of the template names them.
    const changes = sandbox.cloud.calls
      .since(last)
      .filter(({ action }) => !/^(Describe|Get|Put)/.test(action))
    assert.deepEqual(
      changes.map(({ action }) => action),
      ['UpdateAutoScalingGroup', 'DeleteTags'],
    )
    assert.deepEqual((await group())?.sizes, { minimum: 1, maximum: 1, desired: 1 })
    await eventually(online)
    assert.equal((await spans(6))['state'], 'idle')
  })

  it('leaves to a person what they have stopped, until its hours open again', async () => {
    wire('20', '08:00-18:00 UTC')
    await jumpTo('09:00')
    const before = await group()
    assert.ok(before !== undefined)
    await changeLife(store, workspace, (state) => stoppedByHand(state, before, now))
    const { sizes } = before
    await createBastionControl(connection(), bastion.name).resize({ ...sizes, minimum: 0, desired: 0 }, sizes)
    assert.match(String((await spans(3))['says']), /^its group is at 0; next: \w+ 08:00 \(/)
    await jumpTo('17:55')
    assert.equal((await group())?.sizes.desired, 0)
    await jumpTo('08:00')
    assert.equal((await group())?.sizes.desired, 1)
  })

  it('tries three machines at an opening where none answers, is unwell, and tries again at the next', async () => {
    await inTheEvening()
    sandbox.cloud.state.turn({ boot: 'silent' })
    for (let day = 0; day < 2; day++) {
      await jumpTo('07:55')
      const last = sandbox.cloud.calls.since().at(-1)?.number ?? 0
      await minutes(16)
      await jumpTo('12:00')
      const calls = sandbox.cloud.calls.since(last).map(({ action }) => action)
      const count = (wanted: string) => calls.filter((action) => action === wanted).length
      assert.deepEqual(
        [count('TerminateInstanceInAutoScalingGroup'), count('UpdateAutoScalingGroup')],
        [2, 2],
        'started, two times replaced, and stopped',
      )
      assert.deepEqual([(await group())?.sizes.desired, figure('BastionUnwell')], [0, 1])
      await jumpTo('18:05')
      assert.equal(figure('BastionUnwell'), 0)
    }
  })

  it('starts none of an image that is too old, and tells so by its figures', async () => {
    await inTheEvening()
    const morning = now + DAY
    const { state } = sandbox.cloud
    state.groupOf(ACME).addVersion('ami-0123456789abcdef0', morning - 72 * DAY)
    state.groupOf(ACME).version = '$Latest'
    assert.match(
      String((await jumpTo('08:30'))['says']),
      /^up by schedule until 18:00 .*, and not started: its image is 71 days old$/,
    )
    assert.deepEqual([figure('BastionUnwell'), figure('BastionImageAgeDays')], [1, 71])
    assert.equal((await group())?.sizes.desired, 0)
  })

  it('takes rights in the cluster back when their time is over', async () => {
    const policy = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy'
    const { elevations } = wire().shell(new AbortController().signal)
    const entry = { principal: ROLE, groups: [], policies: [], createdAt: now / 1000 }
    sandbox.cloud.state.accessOf(ACME).put(entry)
    await elevations.grant(ROLE, policy)
    await changeLife(store, workspace, (state) => ({
      ...state,
      elevations: [
        ...[
          { id: 'e-1', principal: ROLE, policy, by: 'ada', reason: 'INC-1', from: now, until: now + MINUTE },
        ],
      ],
    }))
    const last = sandbox.cloud.calls.since().at(-1)?.number ?? 0
    await minutes(3)
    const taken = sandbox.cloud.calls
      .since(last)
      .filter(({ action }) => action === 'DisassociateAccessPolicy')
    assert.equal(taken.length, 1)
    assert.deepEqual((await readLife(store, workspace)).state.elevations, [])
  })

  it('fails for a state that it cannot read, and does nothing', async () => {
    await store.write(`bastion/${workspace}/life`, { v: 9 })
    await assert.rejects(invoke(), { code: 'state-invalid' })
    assert.equal(logged().at(-1)?.['msg'], 'failed')
    assert.equal((await group())?.sizes.desired, 1)
  })

  it('refuses an event that the schedule does not send, and times and hours that are none', async () => {
    await assert.rejects(invoke({ trigger: 'somebody' }))
    deps = undefined
    assert.throws(() => wire('1441'), { code: 'config-invalid' })
    assert.throws(() => wire('20', 'Mon-Fri 8-18'), {
      code: 'config-invalid',
      message: 'PGCTL_BASTION_HOURS does not say at which hours the bastion must be up',
    })
  })
})
