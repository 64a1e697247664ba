import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { connectAws } from '#core/aws/clients.ts'
import { createRestoreApi } from '#core/aws/restore.ts'
import { findSources } from '#core/aws/snapshot-sources.ts'
import { createSnapshotApi } from '#core/aws/snapshots.ts'
import { datastorePatterns } from '#core/installation/profile.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { createAction } from '#core/snapshots/due.ts'
import { carryOutRestore } from '#core/snapshots/io/restore.ts'
import type { RecoveryPoint } from '#core/snapshots/points.ts'
import { planRestore, type RestorePlan } from '#core/snapshots/restore/plan.ts'
import type { StepProgress } from '#core/snapshots/restore/progress.ts'
import type { RestoreApi } from '#core/snapshots/restore/restore-api.ts'
import { type Source, type SourceKind, shelfOf, sourceId } from '#core/snapshots/snapshot.ts'
import type { SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import { SnapshotWorlds } from '#sandbox/aws/snapshots/snapshot-worlds.ts'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { groupIdOf } from '#sandbox/worlds/network.ts'
import { PARAGON } from '../support/product-profile.ts'
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts'

/** Restores against the services' wire forms, with the rules of AWS behind them. */

const ROLE = GLOBEX.role ?? assert.fail('it is entered by a role')
const { region: REGION, workspace: WORKSPACE } = GLOBEX
const TAKES = 600_000
const AURORA = `${WORKSPACE}-aurora`
const SIGNAL = new AbortController().signal
const AWAY = 'eu-central-1'
const OCCASION = {
  ...{ workspace: WORKSPACE, set: 'nightly', slot: 'UTC 2026-11-25T02:30 1' },
  wall: Date.UTC(2026, 10, 25, 2, 30),
}

function pointOf(parts: RecoveryPoint['parts']): RecoveryPoint {
  return {
    ...{ id: 'pt-202611250230-1a2b3c4d', set: 'nightly', slot: 's', missing: [], complete: true },
    ...{ skewSeconds: 0, takenAt: 1, restorable: { kind: 'beyond', at: 2 }, parts },
  }
}

describe('restores on AWS', { timeout: 60_000 }, () => {
  let place: TestCloud
  let agents: OutboundAgents
  let worlds: SnapshotWorlds
  let snapshots: SnapshotApi
  let api: RestoreApi
  let sources: readonly Source[]

  const connectionIn = (region: string) =>
    connectAws({
      region,
      role: { arn: ROLE.arn, externalId: ROLE.externalId },
      environment: process.env,
      agents,
      clock: systemClock,
      version: '0.0.0-test',
    })

  before(() => {
    for (const name of Object.keys(process.env)) if (/^AWS_/.test(name)) delete process.env[name]
    agents = createOutboundAgents({})
  })
  beforeEach(async () => {
    await place?.[Symbol.asyncDispose]()
    worlds = new SnapshotWorlds({ takes: TAKES })
    place = await startTestCloud({ snapshots: worlds })
    process.env['AWS_ENDPOINT_URL'] = place.url
    process.env['AWS_ACCESS_KEY_ID'] = place.operator.accessKeyId
    process.env['AWS_SECRET_ACCESS_KEY'] = place.operator.secretAccessKey
    addAurora()
    snapshots = createSnapshotApi(connectionIn)
    api = createRestoreApi(connectionIn)
    const { postgres, redis } = datastorePatterns(PARAGON, WORKSPACE)
    sources = (await findSources(connectionIn(REGION), { postgres, redis })).value ?? []
  })
  after(async () => {
    await place[Symbol.asyncDispose]()
    agents.http.destroy()
    agents.https.destroy()
  })

  const restored = () => worlds.restoredOf({ caller: { account: GLOBEX.account } })
  const pass = () => {
    worlds.ahead += TAKES
  }

  /** A cluster with a writer and a reader, as if it had always been there. */
  function addAurora(): void {
    const common = {
      ...{ region: REGION, snapshot: undefined, kmsKeyId: GLOBEX.kmsKeyArn, tags: {} },
      ...{ securityGroups: [groupIdOf(GLOBEX, 'postgres')], begunAt: 0, readyAt: 0 },
    }
    const like = { engine: 'aurora-postgresql', version: '18.1', port: 5432 }
    const subnetGroup = `${WORKSPACE}-postgres-subnet`
    restored().add(
      {
        ...{ ...common, kind: 'db-cluster', id: AURORA, cluster: undefined },
        like: { ...like, subnetGroup, parameterGroup: `${WORKSPACE}-aurora18` },
      },
      [],
    )
    for (const [id, size] of [
      ['one', 'db.r7g.xlarge'],
      ['two', 'db.r7g.large'],
    ] as const)
      restored().add(
        {
          ...{ ...common, kind: 'db', id: `${AURORA}-${id}`, cluster: AURORA },
          like: {
            ...{ ...like, class: size, subnetGroup, parameterGroup: `${WORKSPACE}-postgres18` },
            ...{ multiZone: false, public: false, optionGroup: 'default', storageType: 'aurora' },
          },
        },
        [],
      )
    worlds.ofAccount(GLOBEX.account).addSource({
      family: 'db-cluster',
      region: REGION,
      id: AURORA,
      status: 'available',
      kmsKeyId: GLOBEX.kmsKeyArn,
    })
  }

  /** The first of a kind, with a point of it that is there. */
  async function planOf(kind: SourceKind, more: { gateGroup?: string } = {}): Promise<RestorePlan> {
    const source = sources.find((each) => each.kind === kind) ?? assert.fail(`no ${kind}`)
    const action = createAction(source, OCCASION, 'a test')
    assert.deepEqual(await snapshots.create(action), { kind: 'accepted' })
    pass()
    const [made] = (await snapshots.list(action.shelf, REGION, { tags: true })).snapshots
    const { name, state, takenAt, key } = made ?? assert.fail('no snapshot')
    const point = pointOf([{ sourceId: sourceId(source), name, region: REGION, state, takenAt, key }])
    return planRestore({
      ...{ workspace: WORKSPACE, region: REGION, point, record: undefined, sources, only: [] },
      ...{ gateGroup: more.gateGroup, use: () => 'queue', arnOf: () => undefined },
    })
  }

  const carry = (plan: RestorePlan, wait = false): Promise<StepProgress[]> =>
    carryOutRestore(plan, {
      ...{ api, clock: systemClock, wait, onProgress: () => {}, betweenLooks: 0, signal: SIGNAL },
    })
  const states = (progress: readonly StepProgress[]) => progress.map(({ state }) => state)

  for (const kind of ['rds-instance', 'cache-cluster', 'cache-group'] as const)
    describe(kind, () => {
      it('is made beside the original, watched by a second call, and ready with its address', async () => {
        const plan = await planOf(kind)
        assert.deepEqual(states(await carry(plan)), ['making'])
        assert.deepEqual(states(await carry(plan)), ['making'])
        pass()
        const [ready] = await carry(plan)
        assert.equal(ready?.state, 'ready', ready?.says)
        assert.match(ready?.endpoint?.host ?? '', new RegExp(plan.steps[0]?.name ?? '-'))
      })

      it('a name that somebody else has taken is not ours', async () => {
        const plan = await planOf(kind)
        await carry(plan)
        pass()
        const [step] = plan.steps
        assert.ok(step)
        const { tags } = restored().get(STORES[kind], REGION, step.name) ?? assert.fail()
        tags['pgctl:restored-from'] = 'pt-of-another'
        assert.deepEqual(states(await carry(plan)), ['taken'])
      })

      it('may not be begun by everybody, and says so', async () => {
        const plan = await planOf(kind)
        place.cloud.state.turn({ ...DEFAULT_KNOBS, deny: [BEGINS[kind]] })
        const [progress] = await carry(plan)
        assert.equal(progress?.state, 'failed')
        assert.match(progress?.says ?? '', /not authorized to perform/)
      })

      it('no snapshot, no restore', async () => {
        const plan = await planOf(kind)
        const steps = plan.steps.map((step) => ({ ...step, snapshot: 'nobody-made-it' }))
        assert.deepEqual(states(await carry({ ...plan, steps })), ['failed'])
      })
    })

  const BEGINS = {
    'rds-instance': 'rds:RestoreDBInstanceFromDBSnapshot',
    'cache-cluster': 'elasticache:CreateCacheCluster',
    'cache-group': 'elasticache:CreateReplicationGroup',
  } as const
  const STORES = { 'rds-instance': 'db', 'cache-cluster': 'cache', 'cache-group': 'group' } as const

  it('an instance has the class, network and parameters of the original, the key of the snapshot, no address outside', async () => {
    const plan = await planOf('rds-instance')
    await carry(plan)
    const [original] = GLOBEX.databases
    const made = restored().get('db', REGION, plan.steps[0]?.name ?? '')
    assert.deepEqual(made?.like, {
      ...{ class: original?.class, subnetGroup: `${WORKSPACE}-postgres-subnet` },
      ...{ parameterGroup: `${WORKSPACE}-postgres18`, optionGroup: 'default:postgres-18' },
      ...{ storageType: 'gp3', port: 5432, multiZone: original?.multiZone, public: false },
    })
    assert.deepEqual(made?.securityGroups, [groupIdOf(GLOBEX, 'postgres')])
    assert.equal(made?.kmsKeyId, GLOBEX.kmsKeyArn)
  })

  it('a group has the shards, replicas and encryption of the original', async () => {
    const plan = await planOf('cache-group')
    await carry(plan)
    const made = restored().get('group', REGION, plan.steps[0]?.name ?? '')
    assert.deepEqual(made?.like, {
      ...{ class: 'cache.r7g.large', subnetGroup: `${WORKSPACE}-redis-subnet` },
      ...{ parameterGroup: 'default.redis7.cluster.on', shards: 2, replicas: 1, failsOver: true },
      ...{ encryptedAtRest: true, encryptedInTransit: true, multiZone: true, clusterMode: true },
    })
  })

  it('what is gated lies behind the group of the gate', async () => {
    const gateGroup = groupIdOf(GLOBEX, 'bastion')
    const plan = await planOf('cache-cluster', { gateGroup })
    await carry(plan)
    assert.deepEqual(restored().get('cache', REGION, plan.steps[0]?.name ?? '')?.securityGroups, [gateGroup])
  })

  it('a cluster comes first, its instances when it is there, and then all of it is ready', async () => {
    const plan = await planOf('rds-cluster')
    assert.deepEqual(states(await carry(plan)), ['making', 'waiting', 'waiting'])
    pass()
    assert.deepEqual(states(await carry(plan)), ['ready', 'making', 'making'])
    pass()
    const progress = await carry(plan)
    assert.deepEqual(states(progress), ['ready', 'ready', 'ready'])
    assert.match(progress[0]?.endpoint?.host ?? '', /\.cluster-/)
    const members = restored()
      .list('db', REGION)
      .filter(({ cluster }) => cluster === plan.steps[0]?.name)
    assert.deepEqual(
      members.map(({ like }) => like['class']),
      ['db.r7g.xlarge', 'db.r7g.large'],
    )
  })

  for (const kind of ['rds-instance', 'rds-cluster'] as const)
    it(`${kind}: a snapshot that is only in another region is brought back, and restored from there`, async () => {
      const source = sources.find((each) => each.kind === kind) ?? assert.fail()
      const made = await planOf(kind)
      const name = made.steps[0]?.snapshot ?? assert.fail()
      const { shelf, arn } =
        (await snapshots.list(shelfOf(kind), REGION, { tags: true })).snapshots.find(
          (each) => each.name === name,
        ) ?? assert.fail()
      const away = { kind: 'copy' as const, source, shelf, name, arn: arn ?? '', region: AWAY }
      const more = { key: 'alias/aws/rds', occasion: OCCASION, tags: {}, because: 'a test' }
      assert.deepEqual(await snapshots.copy({ ...away, ...more }), { kind: 'accepted' })
      pass()
      assert.deepEqual(await snapshots.remove({ shelf, region: REGION, name }), { kind: 'accepted' })
      pass()
      const [copy] = (await snapshots.list(shelf, AWAY, { tags: true })).snapshots
      const part = { sourceId: sourceId(source), name, region: AWAY, state: 'available' as const, takenAt: 1 }
      const plan = planRestore({
        ...{ workspace: WORKSPACE, region: REGION, record: undefined, sources, only: [] },
        point: pointOf([{ ...part, key: copy?.key }]),
        ...{ gateGroup: undefined, use: () => 'queue', arnOf: () => copy?.arn },
      })
      assert.equal(plan.steps[0]?.kind, `${kind}-copy`)
      const waiting = plan.steps.slice(1).map(() => 'waiting')
      assert.deepEqual(states(await carry(plan)), ['making', ...waiting])
      assert.deepEqual(
        states(await carry(plan)),
        ['making', ...waiting],
        'a second call makes no second copy',
      )
      pass()
      assert.deepEqual(states(await carry(plan)).slice(0, 2), ['ready', 'making'])
      pass()
      await carry(plan)
      pass()
      assert.ok(states(await carry(plan)).every((state) => state === 'ready'))
      const back = (await snapshots.list(shelf, REGION, { tags: true })).snapshots
      assert.deepEqual(
        back.map((each) => [each.name, each.key, each.tags]),
        [[plan.steps[0]?.name, source.key, plan.steps[0]?.tags]],
      )
    })

  it('a key that is disabled, and a security group that is not there, are said', async () => {
    const plan = await planOf('rds-instance')
    worlds.ofAccount(GLOBEX.account).disabledKeys.add(GLOBEX.kmsKeyArn)
    assert.match((await carry(plan))[0]?.says ?? '', /KMS key .* is not accessible/)
    const gated = await planOf('cache-cluster', { gateGroup: 'sg-0123456789' })
    assert.match((await carry(gated))[0]?.says ?? '', /Invalid security group/)
  })

  it('the newest snapshot is of any type, as Terraform takes it', async () => {
    const plan = await planOf('rds-instance')
    const own = sources.find((each) => sourceId(each) === plan.steps[0]?.sourceId) ?? assert.fail()
    assert.equal((await api.newest(own))?.name, plan.steps[0]?.snapshot)
    const at = systemClock.now().wall + worlds.ahead + 1
    worlds.ofAccount(GLOBEX.account).put({
      ...{ family: 'db', region: REGION, name: 'rds:automated', source: own.id, manual: false },
      ...{ kmsKeyId: undefined, tags: {}, createdAt: at - 1, takenAt: at, readyAt: at - 1, copied: false },
    })
    const newest = await api.newest(own)
    assert.deepEqual([newest?.name, newest?.manual], ['rds:automated', false])
    assert.equal(await api.newest({ ...own, kind: 'cache-cluster' }), undefined)
  })
})
