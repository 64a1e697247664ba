import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Context } from 'aws-lambda'
import { connectAws } from '#core/aws/clients.ts'
import { writeParameter } from '#core/aws/parameters.ts'
import { isPgctlError } from '#core/errors.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { SnapshotWorlds } from '#sandbox/aws/snapshots/snapshot-worlds.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { type SnapshotFunctionDeps, wireSnapshotFunction } from '../../functions/snapshot-deps.ts'
import { createSnapshotTick } from '../../functions/snapshot-tick.ts'
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts'

/**
 * The scheduled function against the services' wire forms: what it makes, deletes and tells, over nights that pass as
 * fast as the test turns its clock.
 */

const { workspace, region, account, kmsKeyArn } = ACME
const PARAMETER = `/pgctl/${workspace}/snapshot-policy`
const PROFILES = new URL('../../profiles/', import.meta.url)
const HOUR = 3_600_000
const DAY = 24 * HOUR
const DATABASE = `rds-instance/${workspace}`
const CACHE = `cache-cluster/${workspace}-redis`

const policy = (keep: string) => `zone: UTC
sets:
  nightly:
    what: [all]
    when: { cron: '30 2 * * *', start-within: 4h }
    keep: ${keep}
limits: { tightened-after: 1h }
`
const context = { awsRequestId: 'req-1', getRemainingTimeInMillis: () => 100_000 } as unknown as Context

describe('the function that makes and keeps snapshots', { timeout: 120_000 }, () => {
  let cloud: TestCloud
  let worlds: SnapshotWorlds
  let environment: NodeJS.ProcessEnv
  let deps: SnapshotFunctionDeps | undefined
  let lines: string[] = []
  let now = 0
  const night = Math.floor(systemClock.now().wall / DAY) * DAY + DAY + 2.6 * HOUR

  const forget = () => {
    for (const name of Object.keys(process.env)) if (/^AWS_/.test(name)) delete process.env[name]
  }
  before(forget)
  beforeEach(async () => {
    await cloud?.[Symbol.asyncDispose]()
    worlds = new SnapshotWorlds({ takes: 60_000 })
    cloud = await startTestCloud({ snapshots: worlds })
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: cloud.url,
      AWS_ACCESS_KEY_ID: cloud.operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: cloud.operator.secretAccessKey,
    })
    environment = {
      ...{ AWS_REGION: region, PGCTL_WORKSPACE: workspace, PGCTL_PRODUCT: 'paragon' },
      ...{ PGCTL_SNAPSHOT_TABLE: 'pgctl-snapshots', PGCTL_SNAPSHOT_POLICY_PARAMETER: PARAMETER },
      PGCTL_SNAPSHOT_DELETE_ROLE: `arn:aws:iam::${account}:role/${workspace}-snapshot-delete`,
    }
    deps = undefined
    turnTo(night)
  })
  after(async () => {
    forget()
    await cloud?.[Symbol.asyncDispose]()
  })

  /** Time for schedule and snapshots; signatures have the real one. */
  function turnTo(instant: number) {
    now = instant
    worlds.ahead = instant - systemClock.now().wall
  }
  const wire = () => {
    deps ??= wireSnapshotFunction(environment, PROFILES)
    return deps
  }
  async function invoke(event: unknown = { trigger: 'schedule' }) {
    lines = []
    const handler = createSnapshotTick(wire, {
      sink: { write: (line) => void lines.push(line) },
      now: () => now,
    })
    return (await handler(event as object, context)) as Record<string, unknown>
  }
  const logged = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const figure = (name: string, datastore?: string) =>
    logged().find((line) => name in line && line['Datastore'] === datastore)?.[name]
  const troubles = () => logged().flatMap(({ msg, why }) => (msg === 'trouble' ? [String(why)] : []))
  const world = () => worlds.ofAccount(account)
  const held = (family: 'db' | 'cache') => world().list(family, region, now + 60_000)
  const writePolicy = (text: string) =>
    writeParameter(
      connectAws({
        ...{ region, environment, agents: createOutboundAgents(environment), clock: systemClock },
        version: '0.0.0',
      }),
      PARAMETER,
      text,
    )
  const callsOf = async (run: () => Promise<unknown>) => {
    const last = cloud.cloud.calls.since().at(-1)?.number ?? 0
    await run()
    return cloud.cloud.calls.since(last).map(({ service, action, caller }) => ({
      ...{ name: `${service}:${action}`, caller },
    }))
  }

  it('begins what is due by the default policy, once, however often it is invoked', async () => {
    const first = await invoke()
    assert.deepEqual([first['started'], first['failed']], [2, 0], lines.join(''))
    const second = await invoke()
    assert.deepEqual([second['started'], second['failed']], [0, 0])
    assert.deepEqual([held('db').length, held('cache').length], [1, 1])
    assert.equal(held('db')[0]?.tags['pgctl:installation'], workspace)
  })

  it('tells the age of the last complete and verified point, of each datastore and the highest', async () => {
    await invoke()
    assert.equal(figure('SnapshotAgeHours'), 0, 'it has only begun')
    turnTo(night + HOUR)
    await invoke()
    assert.deepEqual(
      [figure('SnapshotAgeHours'), figure('SnapshotAgeHours', DATABASE), figure('SnapshotAgeHours', CACHE)],
      [1, 1, 1],
    )
    const line = logged().find((each) => each['Datastore'] === CACHE) as {
      _aws: { CloudWatchMetrics: [{ Dimensions: string[][]; Metrics: { Name: string }[] }] }
    }
    assert.deepEqual(line._aws.CloudWatchMetrics[0].Dimensions, [['Function', 'Workspace', 'Datastore']])
  })

  it('asks each service once for what there is, when nothing is due', async () => {
    await invoke()
    turnTo(night + HOUR)
    await invoke()
    const names = (await callsOf(invoke)).map(({ name }) => name)
    assert.deepEqual(
      names.toSorted(),
      [
        ...['dynamodb:GetItem', 'dynamodb:Scan', 'ssm:GetParameter', 'kms:DescribeKey'],
        ...['rds:DescribeDBInstances', 'rds:DescribeDBClusters', 'rds:DescribeDBSnapshots'],
        ...['elasticache:DescribeCacheClusters', 'elasticache:DescribeReplicationGroups'],
        'elasticache:DescribeSnapshots',
      ].toSorted(),
    )
  })

  it('deletes by the role that may do nothing else', async () => {
    await writePolicy(policy('{ daily: 2, minimum: 2 }'))
    for (let day = 0; day < 3; day++) {
      turnTo(night + day * DAY)
      await invoke()
    }
    turnTo(now + HOUR / 6)
    const calls = await callsOf(invoke)
    assert.equal(held('db').length, 2)
    const deletes = calls.filter(({ name }) => /:Delete(DB)?Snapshot$/.test(name))
    assert.equal(deletes.length, 2)
    for (const { caller } of deletes) assert.match(caller ?? '', /assumed-role\/.*-snapshot-delete\//)
    const others = calls.filter((each) => !deletes.includes(each))
    for (const { caller } of others) assert.doesNotMatch(caller ?? '', /snapshot-delete/)
  })

  it('does not take up a policy that will hit a quota, names the day, and goes on by the one before', async () => {
    await invoke()
    await writePolicy(policy('{ daily: 101 }').replace('30 2 *', '30 2,8,14,20 *').replace('daily', 'last'))
    turnTo(night + DAY)
    const report = await invoke()
    assert.deepEqual([report['policyRefused'], report['started']], [true, 2])
    const why = troubles().find((each) => each.includes('the policy before it stays in force')) ?? ''
    assert.match(why, /would hit a quota: on \d{4}-\d\d-\d\d number 101 of 100 manual snapshots/)
    assert.ok((figure('SnapshotChecksFailed') as number) > 0)
  })

  it('goes on by the policy before where the new one has a slip in it', async () => {
    await invoke()
    await writePolicy(policy('{ dayly: 7 }'))
    turnTo(night + DAY)
    assert.deepEqual((await invoke())['started'], 2)
    assert.match(troubles().join('\n'), /dayly.*; the policy before it stays in force/)
  })

  it('fails where the first policy is refused: there is nothing to go on by', async () => {
    await writePolicy(policy('{ dayly: 7 }'))
    await assert.rejects(invoke(), (error) => isPgctlError(error, 'config-invalid'))
    assert.equal(logged().at(-1)?.['msg'], 'failed')
  })

  it('tells no age while it does not see everything, and deletes nothing', async () => {
    await writePolicy(policy('{ daily: 2, minimum: 2 }'))
    for (let day = 0; day < 3; day++) {
      turnTo(night + day * DAY)
      await invoke()
    }
    cloud.cloud.state.turn({ deny: ['elasticache:DescribeSnapshots'] })
    turnTo(now + HOUR / 6)
    const report = await invoke()
    assert.deepEqual([report['deleted'], held('db').length], [0, 3])
    assert.equal(figure('SnapshotAgeHours'), undefined)
    assert.ok((figure('SnapshotChecksFailed') as number) > 0)
    cloud.cloud.state.turn({ deny: [] })
  })

  it('a key that is disabled is no verified point: the age grows, and the check fails', async () => {
    await invoke()
    turnTo(night + HOUR)
    world().disabledKeys.add(kmsKeyArn)
    await invoke()
    assert.equal(figure('SnapshotAgeHours'), 1, 'since the first policy came into force')
    turnTo(night + 2 * HOUR)
    await invoke()
    assert.equal(figure('SnapshotAgeHours'), 2)
    assert.match(troubles().join('\n'), /cannot be used: its state is Disabled/)
  })

  it('survives a storm of throttling', async () => {
    cloud.cloud.state.turn({ throttle: { 'rds:CreateDBSnapshot': 3 } })
    const report = await invoke()
    assert.deepEqual([report['started'], report['failed']], [2, 0], lines.join(''))
  })

  it('a storm that outlasts a run makes nothing twice, loses nothing, and is told', async () => {
    cloud.cloud.state.turn({ throttle: { 'rds:CreateDBSnapshot': 1_000 } })
    const report = await invoke()
    assert.deepEqual([report['started'], report['later'], report['failed']], [1, 1, 0], lines.join(''))
    assert.deepEqual([held('db').length, held('cache').length], [0, 1])
    cloud.cloud.state.turn({ throttle: { '*': 1_000 } })
    await assert.rejects(invoke(), 'a run that cannot look at anything is none that succeeded')
    assert.ok(!logged().some((line) => 'SnapshotAgeHours' in line), 'and tells no age')
    cloud.cloud.state.turn({ throttle: {} })
    turnTo(now + 10 * 60_000)
    const after = await invoke()
    assert.deepEqual([after['started'], after['failed']], [1, 0], lines.join(''))
    assert.deepEqual([held('db').length, held('cache').length], [1, 1])
  })

  it('writes down how the buckets stood when a point was begun', async () => {
    const calls = await callsOf(invoke)
    assert.equal(
      calls.filter(({ name }) => name === 's3:GetBucketVersioning').length,
      4,
      'one was never there',
    )
    const { store } = wire().shell(AbortSignal.timeout(10_000))
    const [point] = [...(await store.readAll(`snapshots/${workspace}/points/`)).values()]
    assert.deepEqual(Object(point?.value).buckets, [
      { bucket: `${workspace}-app`, versioning: 'on', noncurrentDays: 90 },
      { bucket: `${workspace}-cdn`, versioning: 'on', noncurrentDays: 'never' },
      { bucket: `${workspace}-auditlogs`, versioning: 'on', noncurrentDays: 365 },
    ])
  })

  it('refuses an event that it does not know', async () => {
    await assert.rejects(invoke({ trigger: 'boot' }))
    assert.equal(held('db').length, 0)
  })

  it('names a variable that is not set', () => {
    environment['PGCTL_SNAPSHOT_TABLE'] = ''
    assert.throws(wire, (error) => isPgctlError(error, 'config-invalid'))
  })
})
