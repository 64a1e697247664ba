import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Context } from 'aws-lambda'
import { connectAws } from '#core/aws/clients.ts'
import { writeParameter } from '#core/aws/parameters.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { SnapshotWorlds } from '#sandbox/aws/snapshots/snapshot-worlds.ts'
import { WORLD } from '#sandbox/world.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { wireSnapshotFunction } from '../../functions/snapshot-deps.ts'
import { createSnapshotFunction } from '../../functions/snapshot-function.ts'
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts'

/** The functions that look after snapshots, against the services' wire forms with the rules of AWS behind them. */

const HOUR = 3_600_000
const DAY = 24 * HOUR
const POLICY = '/pgctl/acme/snapshots'
const root = fileURLToPath(new URL('../..', import.meta.url))
const context = { awsRequestId: 'req-1', getRemainingTimeInMillis: () => 60_000 } as unknown as Context
const DATASTORES = [`rds-instance/${ACME.databases[0].id}`, `cache-cluster/${ACME.caches[0].id}`]

const NIGHTLY = `zone: UTC
sets:
  nightly:
    what: [all]
    when: { cron: 0 3 * * *, start-within: 4h }
    keep: { last: 2, minimum: 1 }
`

describe('the functions that look after snapshots', { timeout: 120_000 }, () => {
  let cloud: TestCloud
  let worlds: SnapshotWorlds
  let folder: string
  let environment: NodeJS.ProcessEnv
  let lines: Record<string, unknown>[]

  beforeEach(async () => {
    await cloud?.[Symbol.asyncDispose]()
    worlds = new SnapshotWorlds({ takes: HOUR / 2 })
    cloud = await startTestCloud({ snapshots: worlds })
    folder ??= await mkdtemp(join(tmpdir(), 'pgctl-snapshots-'))
    await writeFile(join(folder, 'authority.pem'), cloud.authority.certificate)
    // The SDK reads these of the process itself.
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: cloud.url,
      AWS_ACCESS_KEY_ID: cloud.operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: cloud.operator.secretAccessKey,
    })
    environment = {
      AWS_REGION: WORLD.region,
      AWS_CA_BUNDLE: join(folder, 'authority.pem'),
      PGCTL_WORKSPACE: ACME.workspace,
      PGCTL_PRODUCT: 'paragon',
      PGCTL_SNAPSHOT_TABLE: 'acme-snapshots',
      PGCTL_SNAPSHOT_POLICY: POLICY,
    }
    lines = []
    await setPolicy(NIGHTLY)
    goTo('T12:00')
  })
  before(() => {
    for (const name of Object.keys(process.env)) if (/^AWS_/.test(name)) delete process.env[name]
  })
  after(async () => {
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
      delete process.env[name]
    await cloud?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const connection = () =>
    connectAws({
      ...{ region: WORLD.region, environment, agents: createOutboundAgents(environment) },
      ...{ clock: systemClock, version: '0.0.0' },
    })
  const setPolicy = (text: string) => writeParameter(connection(), POLICY, text)
  const now = () => systemClock.now().wall + worlds.ahead
  const pass = (duration: number) => {
    worlds.ahead += duration
  }
  /** The next time of day, in UTC; signatures keep the real one. */
  const goTo = (time: string) => {
    const today = Date.parse(`${new Date(now()).toISOString().slice(0, 10)}${time}Z`)
    pass((today > now() ? today : today + DAY) - now())
  }

  /** One run of a function, and the fields and figures that it says. */
  async function run(name: 'snapshot-tick' | 'snapshot-prune') {
    const deps = () => ({
      ...wireSnapshotFunction(environment, root),
      clock: { ...systemClock, now: () => ({ ...systemClock.now(), wall: now() }) },
    })
    const sink = { write: (line: string) => void lines.push(JSON.parse(line)) }
    const part = name === 'snapshot-tick' ? 'make' : 'delete'
    lines = []
    await createSnapshotFunction({ name, part }, deps, { sink })({ trigger: 'schedule' }, context)
    return lines.find(({ msg }) => msg === 'done') as Record<string, number>
  }
  const tick = () => run('snapshot-tick')
  const prune = () => run('snapshot-prune')
  /** A night: what is due is begun, and an hour later somebody looks again. */
  async function night() {
    goTo('T03:10')
    const first = await tick()
    pass(HOUR)
    return { first, second: await tick() }
  }
  const stored = (family: 'db' | 'cache') =>
    worlds
      .ofAccount(ACME.account)
      .list(family, ACME.region, now())
      .filter(({ manual }) => manual)

  it('begins what is due, returns at once, and sees later that it is there', async () => {
    const before = await tick()
    assert.deepEqual([before['started'], before['uncovered']], [0, 2])
    const { first, second } = await night()
    assert.deepEqual([first['started'], first['failed'], first['uncovered']], [2, 0, 2])
    assert.deepEqual([second['started'], second['faults'], second['uncovered']], [0, 0, 0])
    assert.deepEqual([stored('db').length, stored('cache').length], [1, 1])
  })

  it('tells how old the newest usable data is, of each datastore and of the worst', async () => {
    await tick()
    const { second } = await night()
    assert.ok(Math.abs((second['OldestPointAge'] as number) - 3_600) < 60, `${second['OldestPointAge']} s`)
    const measured = lines.filter(({ msg }) => msg === 'measured')
    assert.deepEqual(measured.map((line) => line['Datastore']).sort(), DATASTORES.toSorted())
    for (const line of measured) {
      const [metric] = (line['_aws'] as { CloudWatchMetrics: { Dimensions: string[][] }[] }).CloudWatchMetrics
      assert.deepEqual(metric?.Dimensions, [['Function', 'Datastore']])
      assert.ok(Math.abs((line['PointAge'] as number) - 3_600) < 60)
    }
  })

  it('makes nothing twice when it is invoked twice at once', async () => {
    await tick()
    goTo('T03:10')
    const runs = await Promise.all([tick(), tick()])
    assert.ok(runs.length === 2)
    assert.deepEqual([stored('db').length, stored('cache').length], [1, 1])
  })

  it('deletes what no rule keeps by the function that may, and never by the other', async () => {
    await tick()
    for (let day = 0; day < 4; day++) await night()
    assert.equal(stored('db').length, 4)
    const done = await prune()
    assert.deepEqual([done['deleted'], done['started'], done['failed']], [4, 0, 0])
    assert.deepEqual([stored('db').length, stored('cache').length], [2, 2])
    assert.equal((await prune())['deleted'], 0)
  })

  it('deletes nothing while a part of the installation cannot be read, and says so', async () => {
    await tick()
    for (let day = 0; day < 4; day++) await night()
    cloud.cloud.state.turn({ deny: ['rds:DescribeDBInstances'] })
    const done = await prune()
    assert.equal(done['deleted'], 0)
    assert.ok((done['SnapshotFaults'] as number) > 0)
    assert.match(JSON.stringify(lines), /rds:DescribeDBInstances/)
  })

  it('counts what the provider refuses as a fault, so that no failed run looks like a good one', async () => {
    await tick()
    cloud.cloud.state.turn({ deny: ['rds:CreateDBSnapshot'] })
    goTo('T03:10')
    const done = await tick()
    assert.deepEqual([done['started'], done['failed']], [1, 1])
    assert.ok((done['SnapshotFaults'] as number) > 0)
  })

  it('says which line of a policy is wrong, and changes nothing', async () => {
    await setPolicy(NIGHTLY.replace('keep:', 'keeps:'))
    await assert.rejects(tick(), /the policy of this installation/)
    assert.deepEqual([stored('db').length, stored('cache').length], [0, 0])
  })

  it('goes by the default policy where nobody has set one', async () => {
    environment = { ...environment, PGCTL_SNAPSHOT_POLICY: '/pgctl/acme/none' }
    await tick()
    const { first } = await night()
    assert.equal(first['started'], 2)
  })
})
