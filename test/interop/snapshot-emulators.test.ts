import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { createBucketApi } from '#core/aws/bucket-versions.ts'
import { type AwsConnection, connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createKeyApi } from '#core/aws/key-states.ts'
import { readParameter, writeParameter } from '#core/aws/parameters.ts'
import { createQuotaApi } from '#core/aws/quotas.ts'
import { createRestoreApi } from '#core/aws/restore.ts'
import { findSources } from '#core/aws/snapshot-sources.ts'
import { createSnapshotApi } from '#core/aws/snapshots.ts'
import { isPgctlError } from '#core/errors.ts'
import { bucketNames, datastorePatterns } from '#core/installation/profile.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { createAction } from '#core/snapshots/due.ts'
import { carryOutRestore } from '#core/snapshots/io/restore.ts'
import type { RecoveryPoint } from '#core/snapshots/points.ts'
import { planRestore } from '#core/snapshots/restore/plan.ts'
import { type Source, sourceId } from '#core/snapshots/snapshot.ts'
import type { Outcome, SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import { WORLD } from '#sandbox/world.ts'
import { NAMES } from '../support/describe-aws.ts'
import { type Emulator, startEmulator } from '../support/emulator.ts'
import { describeWith } from '../support/peers.ts'
import { PARAGON } from '../support/product-profile.ts'
import { seedInstallation } from '../support/seed-installation.ts'

/**
 * What the scheduled function calls, call by call, against emulators that others have made after the same services. In
 * what one is known to differ from AWS is asserted, so that its end is noticed.
 */
interface Deviations {
  /** What it answers to a copy of a database's snapshot to another region. */
  readonly copy: 'accepted' | 'unknown'
  /** Its snapshots of caches have no moment, or one in a form that no client of the service can read. */
  readonly cacheMoments: 'missing' | 'unreadable'
  /** What it does wrong when a database is restored. */
  readonly restore: 'no default option group' | 'untagged'
  /** Whether it tells quotas of snapshots. */
  readonly quotas: boolean
}

const EMULATORS = [
  ['moto', { copy: 'accepted', cacheMoments: 'missing', restore: 'no default option group', quotas: false }],
  ['ministack', { copy: 'unknown', cacheMoments: 'unreadable', restore: 'untagged', quotas: false }],
] as const satisfies readonly (readonly ['moto' | 'ministack', Deviations])[]

const { workspace, region } = WORLD
const AWAY = 'eu-west-1'
const TIMEOUT = { timeout: 60_000 }
const occasion = {
  ...{ workspace, set: 'nightly', slot: 'UTC 2026-11-25T02:30 1', wall: Date.UTC(2026, 10, 25, 2, 30) },
}
const reasonOf = (outcome: Outcome) => (outcome.kind === 'refused' ? outcome.refusal.reason : outcome.kind)

for (const [name, deviations] of EMULATORS)
  describeWith([name], `the adapters of snapshots and ${name}`, { timeout: 300_000 }, () => {
    let emulator: Emulator
    let agents: OutboundAgents
    let connectionIn: (region: string) => AwsConnection
    let api: SnapshotApi
    let sources: readonly Source[]
    let key: string

    before(async () => {
      emulator = await startEmulator(name)
      for (const each of Object.keys(process.env))
        if (/^AWS_|_PROXY$|_proxy$/.test(each)) delete process.env[each]
      Object.assign(process.env, {
        ...{ AWS_ENDPOINT_URL: emulator.url, AWS_ACCESS_KEY_ID: 'AKIAEMULATOR00000000' },
        AWS_SECRET_ACCESS_KEY: 'not checked here',
      })
      key = await seedInstallation(emulator.url, NAMES)
      agents = createOutboundAgents({})
      connectionIn = (place) =>
        connectAws({ region: place, environment: process.env, agents, clock: systemClock, version: '0' })
      api = createSnapshotApi(connectionIn)
      const found = await findSources(connectionIn(region), datastorePatterns(PARAGON, workspace))
      assert.deepEqual(found.unreadable, [])
      sources = found.value ?? []
    })
    after(async () => {
      agents?.close()
      await emulator?.[Symbol.asyncDispose]()
    })

    it('finds the database and the cache', TIMEOUT, () =>
      assert.deepEqual(sources.map(({ kind }) => kind).sort(), ['cache-cluster', 'rds-instance']),
    )

    for (const kind of ['rds-instance', 'cache-cluster'] as const)
      it(`${kind}: made once, listed as ours and whole, pinned, deleted once`, TIMEOUT, async () => {
        const source = sources.find((each) => each.kind === kind) ?? assert.fail(kind)
        const action = createAction(source, occasion, 'a test')
        const listed = async () => {
          const { snapshots, missing } = await api.list(action.shelf, region, { tags: true })
          assert.equal(missing, undefined)
          return snapshots.find((each) => each.name === action.name)
        }
        if (kind === 'cache-cluster' && deviations.cacheMoments === 'unreadable') {
          // Begun, but the answer is none: a later run has to look, and what it lists it cannot read either.
          assert.equal(reasonOf(await api.create(action)), 'unknown')
          assert.equal(reasonOf(await api.create(action)), 'exists')
          assert.match((await api.list('caches', region, { tags: true })).missing ?? '', /list the snapshots/)
          return
        }
        assert.deepEqual(await api.create(action), { kind: 'accepted' })
        assert.equal(reasonOf(await api.create(action)), 'exists')
        const made = (await listed()) ?? assert.fail('it is not listed')
        assert.deepEqual(
          [made.source, made.state, made.manual, made.tags],
          [source.id, 'available', true, action.tags],
        )
        // A snapshot without a moment is never complete, so nothing is ever deleted for it.
        if (kind === 'cache-cluster') assert.equal(made.takenAt, undefined)
        else assert.ok(Math.abs((made.takenAt ?? 0) - Date.now()) < 60_000)
        const target = { shelf: action.shelf, region, arn: made.arn ?? assert.fail('it has no ARN') }
        assert.equal(reasonOf(await api.tag(target, { set: { hold: 'yes' }, remove: [] })), 'accepted')
        assert.equal((await listed())?.tags?.['hold'], 'yes')
        await api.tag(target, { set: {}, remove: ['hold'] })
        assert.deepEqual((await listed())?.tags, action.tags)
        const removal = { shelf: action.shelf, region, name: action.name }
        assert.deepEqual(await api.remove(removal), { kind: 'accepted' })
        assert.equal(await listed(), undefined)
        assert.equal(reasonOf(await api.remove(removal)), 'gone')
        const nobody = { ...action, source: { ...source, id: 'nobody' }, node: action.node && 'nobody' }
        assert.equal(reasonOf(await api.create(nobody)), 'source-gone')
      })

    it('a copy in another region', TIMEOUT, async () => {
      const source = sources.find((each) => each.kind === 'rds-instance') ?? assert.fail()
      const action = createAction(source, { ...occasion, slot: 'another' }, 'a test')
      await api.create(action)
      const { snapshots } = await api.list(action.shelf, region, { tags: true })
      const arn = snapshots.find((each) => each.name === action.name)?.arn ?? assert.fail()
      const copy = { ...action, kind: 'copy' as const, arn, region: AWAY, key: undefined }
      assert.equal(reasonOf(await api.copy(copy)), deviations.copy)
      if (deviations.copy !== 'accepted') return
      const there = (await api.list(action.shelf, AWAY, { tags: true })).snapshots
      assert.deepEqual(there.find((each) => each.name === action.name)?.tags, action.tags)
      assert.equal(reasonOf(await api.copy(copy)), 'exists')
    })

    for (const kind of ['rds-instance', 'cache-cluster'] as const)
      it(
        `${kind}: restored beside the original, found again, and ready with its address`,
        TIMEOUT,
        async () => {
          const source = sources.find((each) => each.kind === kind) ?? assert.fail(kind)
          const action = createAction(source, { ...occasion, slot: 'to restore' }, 'a test')
          await api.create(action)
          const point: RecoveryPoint = {
            ...{ id: 'pt-202611250230-1a2b3c4d', set: 'nightly', slot: 's', missing: [], complete: true },
            ...{ skewSeconds: 0, takenAt: 1, restorable: { kind: 'beyond', at: 2 } },
            parts: [
              { sourceId: sourceId(source), name: action.name, region, state: 'available', takenAt: 1, key },
            ],
          }
          const plan = planRestore({
            ...{ workspace, region, point, record: undefined, sources, only: [], gateGroup: undefined },
            ...{ use: () => 'queue', arnOf: () => undefined },
          })
          const restoreApi = createRestoreApi(connectionIn)
          const [step] = plan.steps
          assert.ok(step !== undefined)
          assert.equal(await restoreApi.look(step), undefined)
          const shell = { api: restoreApi, clock: systemClock, wait: false, onProgress: () => {} }
          const carry = () => carryOutRestore(plan, { ...shell, signal: new AbortController().signal })
          const states = async () => (await carry()).map(({ state, says }) => ({ state, says }))
          if (kind === 'rds-instance' && deviations.restore === 'no default option group') {
            // It says of the original that it has one, and knows none by that name.
            const [outcome] = await states()
            assert.deepEqual([outcome?.state, /OptionGroupName/.test(outcome?.says ?? '')], ['failed', true])
            return
          }
          assert.deepEqual(await states(), [{ state: 'making', says: 'creating' }])
          assert.equal(reasonOf(await restoreApi.begin(step)), 'exists')
          const seen = await restoreApi.look(step)
          assert.equal(seen?.status, 'available')
          if (kind === 'rds-instance' && deviations.restore === 'untagged') {
            // What does not say that it is of this point is somebody else's.
            assert.deepEqual([seen?.tags, (await states())[0]?.state], [{}, 'taken'])
          } else {
            assert.deepEqual(seen?.tags, step.tags)
            assert.deepEqual(await states(), [{ state: 'ready', says: 'available' }])
          }
        },
      )

    it('the newest snapshot of a database', TIMEOUT, async () => {
      const source = sources.find((each) => each.kind === 'rds-instance') ?? assert.fail()
      const action = createAction(source, { ...occasion, slot: 'the newest' }, 'a test')
      await api.create(action)
      const restoreApi = createRestoreApi(connectionIn)
      const newest = await restoreApi.newest(source)
      assert.deepEqual([newest?.name, newest?.manual], [action.name, true])
    })

    it('the table: conditional writes, and all documents of a beginning', TIMEOUT, async () => {
      const table = 'pgctl-snapshots'
      await createTable(emulator.url, table)
      const store = createDocumentTable(connectionIn(region), table)
      assert.equal(await store.read('a/b'), undefined)
      const version = await store.write('a/b', { n: 1 }, 'absent')
      for (const expected of ['absent', 'another'])
        await assert.rejects(store.write('a/b', { n: 2 }, expected), (error) =>
          isPgctlError(error, 'state-conflict'),
        )
      await store.write('a/b', { n: 2 }, version)
      await store.write('a/c', 3)
      await store.write('b', 4)
      const all = await store.readAll('a/')
      assert.deepEqual(
        [...all].map(([each, { value }]) => [each, value]),
        [
          ['a/b', { n: 2 }],
          ['a/c', 3],
        ],
      )
      await store.remove('a/c')
      assert.deepEqual(await store.list(''), ['a/b', 'b'])
    })

    it('the parameter of the policy: none, then its text', TIMEOUT, async () => {
      const parameter = `/pgctl/${workspace}/snapshot-policy`
      assert.equal(await readParameter(connectionIn(region), parameter), undefined)
      await writeParameter(connectionIn(region), parameter, 'zone: UTC\n')
      assert.equal(await readParameter(connectionIn(region), parameter), 'zone: UTC\n')
    })

    it('how the buckets stand; one that is not there is left out', TIMEOUT, async () => {
      const markers = await createBucketApi(connectionIn(region), bucketNames(PARAGON, workspace)).markers()
      assert.deepEqual(
        markers.map(({ bucket, versioning, noncurrentDays }) => [bucket, versioning, noncurrentDays]),
        ['app', 'cdn', 'auditlogs'].map((each) => [`${workspace}-${each}`, 'on', 'never']),
      )
    })

    it('a key, and one that there is not', TIMEOUT, async () => {
      const keys = createKeyApi(connectionIn)
      assert.equal((await keys.state(key, region)).kind, 'usable')
      const gone = '00000000-0000-4000-8000-000000000000'
      assert.equal((await keys.state(gone, region)).kind, 'unusable')
    })

    it('quotas, or that they are not told', TIMEOUT, async () => {
      const { snapshots, missing } = await createQuotaApi(connectionIn).read(region)
      if (deviations.quotas) assert.equal(snapshots['rds-instances'], 100)
      else assert.ok(missing !== undefined || snapshots['rds-instances'] === undefined)
    })
  })

async function createTable(endpoint: string, TableName: string): Promise<void> {
  const { CreateTableCommand, DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
  const client = new DynamoDBClient({ endpoint, region })
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'key', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'key', KeyType: 'HASH' }],
    }),
  )
  client.destroy()
}
