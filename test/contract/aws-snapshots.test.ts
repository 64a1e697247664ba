import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { connectAws } from '#core/aws/clients.ts'
import { createKeyApi } from '#core/aws/key-states.ts'
import { createQuotaApi } from '#core/aws/quotas.ts'
import { findSources } from '#core/aws/snapshot-sources.ts'
import { createSnapshotApi } from '#core/aws/snapshots.ts'
import { datastorePatterns } from '#core/installation/profile.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { createAction } from '#core/snapshots/due.ts'
import { carryOut } from '#core/snapshots/io/carry-out.ts'
import { gather, planOf } from '#core/snapshots/io/gather.ts'
import { type Shelf, type Source, sourceId } from '#core/snapshots/snapshot.ts'
import type { SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import { SnapshotWorlds } from '#sandbox/aws/snapshots/snapshot-worlds.ts'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { PARAGON } from '../support/product-profile.ts'
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts'

/** The adapters of snapshots against the services' wire forms, with the rules of AWS behind them. */

const ROLE = GLOBEX.role ?? assert.fail('it is entered by a role')
const REGION = GLOBEX.region
const AWAY = 'eu-central-1'
const CLUSTER: Source = {
  ...{ kind: 'rds-cluster', id: `${GLOBEX.workspace}-aurora`, region: REGION, status: 'available' },
  ...{ key: undefined, windows: [] },
}

describe('snapshots on AWS', { timeout: 60_000 }, () => {
  let place: TestCloud
  let agents: OutboundAgents
  let worlds: SnapshotWorlds
  let api: SnapshotApi
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

  before(async () => {
    for (const name of Object.keys(process.env)) if (/^AWS_/.test(name)) delete process.env[name]
    agents = createOutboundAgents({})
  })
  beforeEach(async () => {
    await place?.[Symbol.asyncDispose]()
    worlds = new SnapshotWorlds({ takes: 60_000 })
    place = await startTestCloud({ snapshots: worlds })
    process.env['AWS_ENDPOINT_URL'] = place.url
    process.env['AWS_ACCESS_KEY_ID'] = place.operator.accessKeyId
    process.env['AWS_SECRET_ACCESS_KEY'] = place.operator.secretAccessKey
    worlds.ofAccount(GLOBEX.account).addSource({
      family: 'db-cluster',
      region: REGION,
      id: CLUSTER.id,
      status: 'available',
      kmsKeyId: undefined,
    })
    api = createSnapshotApi(connectionIn)
    const { postgres, redis } = datastorePatterns(PARAGON, GLOBEX.workspace)
    sources = (await findSources(connectionIn(REGION), { postgres, redis })).value ?? []
  })
  after(async () => {
    await place[Symbol.asyncDispose]()
    agents.http.destroy()
    agents.https.destroy()
  })

  /** Time passes for snapshots; signatures have the real one. */
  const pass = (duration: number) => {
    worlds.ahead += duration
  }
  const now = () => systemClock.now().wall + worlds.ahead

  const one = (kind: Source['kind']) =>
    sources.find((each) => each.kind === kind) ?? assert.fail(`no ${kind}`)
  const occasion = {
    workspace: GLOBEX.workspace,
    set: 'nightly',
    slot: 'UTC 2026-11-25T02:30 1',
    wall: Date.UTC(2026, 10, 25, 2, 30),
  }
  const create = (source: Source) => createAction(source, occasion, 'a test')
  const refusal = async (outcome: ReturnType<SnapshotApi['create']>) => {
    const answer = await outcome
    return answer.kind === 'refused' ? answer.refusal.reason : answer.kind
  }
  const listed = (shelf: Shelf, tags = true) => api.list(shelf, REGION, { tags })

  it('finds what can be snapshotted: instances and caches, with key, windows and mode', () => {
    const [database, cache, group] = [one('rds-instance'), one('cache-cluster'), one('cache-group')]
    assert.equal(database.key, GLOBEX.kmsKeyArn)
    assert.deepEqual(database.windows, [
      { what: 'backup', span: '06:00-07:00' },
      { what: 'maintenance', span: 'tue:04:00-tue:05:00' },
    ])
    assert.deepEqual([database.status, cache.status, group.status], ['available', 'available', 'available'])
    assert.equal(group.nodes, undefined, 'in cluster mode the whole is taken')
    assert.deepEqual(
      sources.map(({ id }) => id).sort(),
      [...GLOBEX.databases, ...GLOBEX.caches].map(({ id }) => id).sort(),
    )
  })

  for (const [name, source] of [
    ['an instance', () => one('rds-instance')],
    ['a cluster', () => CLUSTER],
    ['a cache', () => one('cache-cluster')],
    ['a cache in cluster mode', () => one('cache-group')],
  ] as const)
    describe(name, () => {
      it('is created with its tags, listed while it is made and when it is there, and deleted', async () => {
        const action = create(source())
        assert.deepEqual(await api.create(action), { kind: 'accepted' })
        const [young] = (await listed(action.shelf)).snapshots
        assert.deepEqual(
          [young?.name, young?.source, young?.state, young?.manual],
          [action.name, source().id, 'pending', true],
        )
        assert.deepEqual(young?.tags, action.tags)
        assert.equal(await refusal(api.remove({ ...action, region: REGION })), 'snapshot-busy')
        pass(60_000)
        const [grown] = (await listed(action.shelf)).snapshots
        assert.equal(grown?.state, 'available')
        assert.ok(Math.abs((grown?.takenAt ?? 0) - (now() - 60_000)) < 60_000)
        assert.deepEqual(await api.remove({ ...action, region: REGION }), { kind: 'accepted' })
        assert.equal(await refusal(api.remove({ ...action, region: REGION })), 'gone')
        assert.deepEqual((await listed(action.shelf)).snapshots, [])
      })

      it('is refused a second time by its name, and another while the first is made', async () => {
        const action = create(source())
        await api.create(action)
        assert.equal(await refusal(api.create(action)), 'exists')
        assert.equal(await refusal(api.create({ ...action, name: 'another' })), 'source-busy')
      })

      it('is refused where there is none, and by a name that is none', async () => {
        const action = create(source())
        const nobody = {
          ...action,
          source: { ...action.source, id: 'nobody' },
          node: action.node && 'nobody',
        }
        assert.equal(await refusal(api.create(nobody)), 'source-gone')
        assert.equal(await refusal(api.create({ ...action, name: 'two--hyphens' })), 'invalid')
      })

      it('is pinned and unpinned by a tag', async () => {
        const action = create(source())
        await api.create(action)
        const [made] = (await listed(action.shelf)).snapshots
        const target = { shelf: action.shelf, region: REGION, arn: made?.arn ?? assert.fail() }
        await api.tag(target, { set: { hold: 'an audit' }, remove: [] })
        assert.equal((await listed(action.shelf)).snapshots[0]?.tags?.['hold'], 'an audit')
        await api.tag(target, { set: {}, remove: ['hold'] })
        assert.equal((await listed(action.shelf)).snapshots[0]?.tags?.['hold'], undefined)
      })

      it('keeps the pin that it has while another cannot be set', async () => {
        const action = create(source())
        await api.create(action)
        const tags = async () => (await listed(action.shelf)).snapshots[0]?.tags
        const [made] = (await listed(action.shelf)).snapshots
        const target = { shelf: action.shelf, region: REGION, arn: made?.arn ?? assert.fail() }
        await api.tag(target, { set: { hold: 'an audit' }, remove: [] })
        const deny = ['rds:AddTagsToResource', 'elasticache:AddTagsToResource']
        place.cloud.state.turn({ ...DEFAULT_KNOBS, deny })
        const change = { set: { 'hold-until': '2031-01-31' }, remove: ['hold'] }
        assert.equal(await refusal(api.tag(target, change)), 'denied')
        assert.equal((await tags())?.['hold'], 'an audit')
        place.cloud.state.turn(DEFAULT_KNOBS)
        assert.deepEqual(await api.tag(target, change), { kind: 'accepted' })
        const { hold, 'hold-until': until } = (await tags()) ?? {}
        assert.deepEqual([hold, until], [undefined, '2031-01-31'])
      })
    })

  it('the quota of a region, the backups of a day, and a key that is disabled are told apart', async () => {
    const world = worlds.ofAccount(GLOBEX.account)
    const database = one('rds-instance')
    world.disabledKeys.add(GLOBEX.kmsKeyArn)
    assert.equal(await refusal(api.create(create(database))), 'key-unusable')
    world.disabledKeys.clear()
    for (let index = 0; index < 100; index++) foreign(index)
    assert.equal(await refusal(api.create(create(database))), 'snapshot-quota')
    const cache = create(one('cache-cluster'))
    for (let index = 0; index < 20; index++, pass(60_000))
      assert.deepEqual(await api.create({ ...cache, name: `n${index}` }), { kind: 'accepted' })
    assert.equal(await refusal(api.create(cache)), 'snapshot-quota')
  })

  const foreign = (index: number, family: 'db' | 'cache' = 'db') =>
    worlds.ofAccount(GLOBEX.account).put({
      ...{
        family,
        region: REGION,
        name: `by-hand-${String(index).padStart(5, '0')}`,
        source: 'somebodys',
      },
      ...{ manual: true, kmsKeyId: undefined, tags: {}, copied: false },
      ...{ createdAt: 1, takenAt: 1, readyAt: 1 },
    })

  it('10,000 snapshots of others are read, page by page, and ours among them', async () => {
    const pages = {
      'rds-instances': ['DescribeDBSnapshots', 101],
      caches: ['DescribeSnapshots', 201],
    } as const
    for (const [family, shelf, kind] of [
      ['db', 'rds-instances', 'rds-instance'],
      ['cache', 'caches', 'cache-cluster'],
    ] as const) {
      const { name } = create(one(kind))
      await api.create(create(one(kind)))
      for (let index = 0; index < 10_000; index++) foreign(index, family)
      const { snapshots, missing } = await listed(shelf)
      assert.equal(missing, undefined)
      assert.equal(new Set(snapshots.map((each) => each.name)).size, 10_001)
      assert.ok(snapshots.some((each) => each.name === name))
      const [action, count] = pages[shelf]
      assert.equal(place.cloud.calls.since().filter((call) => call.action === action).length, count)
    }
  })

  it('a page that is lost makes the list incomplete, and is no error', async () => {
    for (let index = 0; index < 150; index++) foreign(index)
    place.cloud.state.turn({ ...DEFAULT_KNOBS, fail: { 'rds:DescribeDBSnapshots': 'later-pages' } })
    const { snapshots, missing } = await listed('rds-instances')
    assert.deepEqual(snapshots, [])
    assert.match(missing ?? '', /AWS failed \(HTTP 500\)/)
  })

  it('a key is usable, disabled, gone, or may not be looked at', async () => {
    const keys = createKeyApi(connectionIn)
    const state = async (key: string) => (await keys.state(key, REGION)).kind
    assert.equal(await state(GLOBEX.kmsKeyArn), 'usable')
    assert.equal(await state('arn:aws:kms:us-east-1:1:key/gone'), 'unusable')
    worlds.ofAccount(GLOBEX.account).disabledKeys.add(GLOBEX.kmsKeyArn)
    assert.deepEqual(await keys.state(GLOBEX.kmsKeyArn, REGION), {
      kind: 'unusable',
      says: 'its state is Disabled',
    })
    place.cloud.state.turn({ ...DEFAULT_KNOBS, deny: ['kms:DescribeKey'] })
    assert.equal(await state(GLOBEX.kmsKeyArn), 'unread')
  })

  it('quotas are read from the service, and one that may not be read is no error', async () => {
    const quotas = createQuotaApi(connectionIn)
    const want = { 'rds-instances': 100, 'rds-clusters': 100 }
    assert.deepEqual(await quotas.read(REGION), { region: REGION, snapshots: want, missing: undefined })
    place.cloud.state.turn({ ...DEFAULT_KNOBS, deny: ['rds:DescribeAccountAttributes'] })
    const { snapshots, missing } = await quotas.read(REGION)
    assert.deepEqual(snapshots, {})
    assert.match(missing ?? '', /quotas of us-east-1|DescribeAccountAttributes/)
  })

  it('a refused permission is an answer', async () => {
    place.cloud.state.turn({ ...DEFAULT_KNOBS, deny: ['rds:CreateDBSnapshot'] })
    assert.equal(await refusal(api.create(create(one('rds-instance')))), 'denied')
  })

  it('a copy goes to the other region, with the key there and the moment of its original', async () => {
    const database = one('rds-instance')
    const action = create(database)
    await api.create(action)
    const started = now()
    const arn = (await listed('rds-instances')).snapshots[0]?.arn ?? assert.fail()
    const copy = {
      ...action,
      kind: 'copy' as const,
      arn,
      region: AWAY,
      key: 'arn:aws:kms:eu-central-1:1:key/away',
    }
    assert.equal(await refusal(api.copy(copy)), 'snapshot-busy')
    pass(120_000)
    assert.equal(await refusal(api.copy({ ...copy, key: undefined })), 'invalid')
    assert.deepEqual(await api.copy(copy), { kind: 'accepted' })
    assert.equal(await refusal(api.copy(copy)), 'exists')
    pass(60_000)
    const [there] = (await api.list('rds-instances', AWAY, { tags: true })).snapshots
    assert.deepEqual([there?.name, there?.key, there?.tags], [action.name, copy.key, action.tags])
    assert.ok(Math.abs((there?.takenAt ?? 0) - started) < 30_000, 'its own moment is three minutes later')
  })

  it('more copies on their way than the region takes: a later run', async () => {
    const action = create(one('rds-instance'))
    await api.create(action)
    const arn = (await listed('rds-instances')).snapshots[0]?.arn ?? assert.fail()
    pass(60_000)
    const copy = { ...action, kind: 'copy' as const, arn, region: AWAY, key: 'a-key' }
    for (let index = 0; index < 5; index++)
      assert.deepEqual(await api.copy({ ...copy, name: `copy-${index}` }), { kind: 'accepted' })
    assert.equal(await refusal(api.copy(copy)), 'copy-limit')
  })

  it('a run of the whole installation over the wire; when nothing is due, one listing a service and page', async () => {
    const store = new MemoryStore()
    const policyText =
      'zone: UTC\nsets: { hourly: { what: [all], when: { cron: 0 0 29 2 *, start-within: 3000d }, keep: { last: 3 } } }\n'
    const tick = async () => {
      const request = {
        workspace: GLOBEX.workspace,
        region: REGION,
        policyText,
        policySource: 'p',
        sources,
        unreadable: [],
      }
      const gathered = await planOf(await gather({ ...request, now: now() }, api, store), api)
      return await carryOut(gathered.plan, gathered.input, {
        api,
        store,
        clock: systemClock,
        chance: () => 0,
      })
    }
    // The windows of the datastores would make some wait.
    sources = sources.map((each) => ({ ...each, windows: [] }))
    const { results } = await tick()
    assert.deepEqual(new Set(results.map(({ sourceId }) => sourceId)), new Set(sources.map(sourceId)))
    assert.ok(
      results.every(({ outcome }) => outcome === 'started'),
      JSON.stringify(results),
    )
    pass(120_000)
    const from = place.cloud.calls.last
    assert.deepEqual((await tick()).results, [])
    assert.deepEqual(
      place.cloud.calls
        .since(from)
        .map(({ action }) => action)
        .sort(),
      ['DescribeDBSnapshots', 'DescribeSnapshots'],
    )
  })
})
