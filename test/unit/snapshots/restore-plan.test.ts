import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import type { PointPart, RecoveryPoint } from '#core/snapshots/points.ts'
import { type CacheUse, cacheUse } from '#core/snapshots/restore/cache-use.ts'
import { restoredName, retiredName } from '#core/snapshots/restore/names.ts'
import { memberOf, planRestore, type RestoreInput } from '#core/snapshots/restore/plan.ts'
import type { Settings } from '#core/snapshots/restore/settings.ts'
import { removal, switchBack, switchOver } from '#core/snapshots/restore/switch.ts'
import { terraformPicks } from '#core/snapshots/restore/terraform-pick.ts'
import { SOURCE_KINDS, type Source, type SourceKind, sourceId } from '#core/snapshots/snapshot.ts'
import { REGION, sourceOf, WORKSPACE } from '../../support/snapshot-scene.ts'

const NETWORK = { subnetGroup: 'subnets', securityGroups: ['sg-own'], parameterGroup: 'parameters' }

const SETTINGS: { readonly [Kind in SourceKind]: Extract<Settings, { kind: Kind }> } = {
  'rds-instance': {
    ...{ kind: 'rds-instance', class: 'db.r7g.large', engine: 'postgres', port: 5432, ...NETWORK },
    ...{ multiZone: true, iamAuthentication: false },
  },
  'rds-cluster': {
    ...{ kind: 'rds-cluster', engine: 'aurora-postgresql', ...NETWORK, iamAuthentication: false },
    members: [{ class: 'db.r7g.xlarge', parameterGroup: 'p' }, { class: 'db.r7g.large' }],
  },
  'cache-cluster': { kind: 'cache-cluster', class: 'cache.t4g.small', engine: 'redis', ...NETWORK },
  'cache-group': {
    ...{ kind: 'cache-group', class: 'cache.r7g.large', engine: 'redis', ...NETWORK, clusterMode: true },
    ...{ shards: 2, replicas: 1, failsOver: true, multiZone: true, encryptedAtRest: true },
    ...{ encryptedInTransit: true, userGroups: [], token: false },
  },
}

function like(kind: SourceKind, name: string): Source {
  return sourceOf(kind, name, { settings: SETTINGS[kind] })
}

function partOf(source: Source, more: Partial<PointPart> = {}): PointPart {
  return {
    ...{ sourceId: sourceId(source), name: `pgctl-202611250230-${source.id.length}`, region: REGION },
    ...{ state: 'available', takenAt: 1, key: undefined, ...more },
  }
}

function pointOf(parts: readonly PointPart[], missing: readonly string[] = []): RecoveryPoint {
  return {
    ...{ id: 'pt-202611250230-1a2b3c4d', set: 'nightly', slot: 's', parts, missing, complete: true },
    ...{ skewSeconds: 0, takenAt: 1, restorable: { kind: 'beyond', at: 2 } },
  }
}

const HERMES = like('rds-instance', 'hermes')
const AURORA = like('rds-cluster', 'aurora')
const QUEUE = like('cache-cluster', 'redis-queue')
const CACHE = like('cache-group', 'redis-cache')
const USES: Readonly<Record<string, CacheUse>> = { [QUEUE.id]: 'queue', [CACHE.id]: 'cache' }

function plan(sources: readonly Source[], more: Partial<RestoreInput> = {}) {
  return planRestore({
    ...{ workspace: WORKSPACE, region: REGION, record: undefined, sources, only: [], gateGroup: undefined },
    point: pointOf(sources.map((source) => partOf(source))),
    arnOf: () => undefined,
    use: (id) => USES[id] ?? 'unknown',
    ...more,
  })
}

describe('planRestore', () => {
  it('makes another of each datastore beside it, of its snapshot and with its settings', () => {
    const { steps, skipped } = plan([QUEUE, HERMES])
    assert.deepEqual(skipped, [])
    assert.deepEqual(
      steps.map(({ kind, snapshot, settings }) => [kind, snapshot, settings]),
      [
        ['rds-instance', partOf(HERMES).name, HERMES.settings],
        ['cache-cluster', partOf(QUEUE).name, QUEUE.settings],
      ],
      'databases first',
    )
  })

  it('never takes a name that the installation has, or that its patterns would find', () => {
    for (const { name } of plan([HERMES, AURORA, QUEUE, CACHE]).steps)
      assert.ok(!name.startsWith(WORKSPACE), name)
  })

  it('a cluster has its instances made beside it, the writer first', () => {
    const { steps } = plan([AURORA])
    const [cluster, writer, reader] = steps
    assert.deepEqual(
      steps.map(({ kind, snapshot, after }) => [kind, snapshot, after]),
      [
        ['rds-cluster', partOf(AURORA).name, undefined],
        ['rds-member', undefined, cluster?.name],
        ['rds-member', undefined, cluster?.name],
      ],
    )
    assert.ok(writer && reader)
    assert.deepEqual(memberOf(writer), { class: 'db.r7g.xlarge', parameterGroup: 'p' })
    assert.deepEqual(memberOf(reader), { class: 'db.r7g.large' })
  })

  for (const [use, snapshot, gated] of [
    ['queue', true, true],
    ['unknown', true, true],
    ['cache', false, false],
    ['locks', false, false],
  ] as const)
    it(`a Redis of use ${use} is ${snapshot ? 'restored' : 'made empty'}${gated ? ' behind a gate' : ''}`, () => {
      const [step] = plan([QUEUE], { use: () => use }).steps
      assert.deepEqual([step?.snapshot !== undefined, step?.gated, step?.use], [snapshot, gated, use])
    })

  it('puts the group of the gate on what is gated, and on nothing else', () => {
    const { steps } = plan([HERMES, QUEUE, CACHE], { gateGroup: 'sg-gate' })
    assert.deepEqual(
      steps.map(({ settings }) => settings.securityGroups),
      [['sg-own'], ['sg-gate'], ['sg-own']],
      'hermes, the queue, the cache',
    )
  })

  it('a cache is made anew although the point has no snapshot of it', () => {
    const point = pointOf([partOf(HERMES)], [sourceId(CACHE)])
    const { steps, skipped } = plan([HERMES, CACHE], { point })
    assert.deepEqual([steps.length, skipped], [2, []])
  })

  it('what is gone is restored as it was when the point was made', () => {
    const parts = { [sourceId(HERMES)]: { settings: SETTINGS['rds-instance'] } }
    const record = {
      version: 1 as const,
      id: 'p',
      set: 's',
      slot: 's',
      at: 1,
      parts,
      buckets: [],
      unseen: [],
    }
    const { steps, notices } = plan([], { point: pointOf([partOf(HERMES)]), record })
    assert.deepEqual(steps[0]?.settings, SETTINGS['rds-instance'])
    assert.match(notices[0] ?? '', /hermes is gone: its settings are those written down/)
  })

  for (const [why, part, sources] of [
    ['nobody wrote down what it was like', partOf(HERMES), []],
    ['it is still being made', partOf(HERMES, { state: 'pending' }), [HERMES]],
    [
      'its only copy is elsewhere, and nobody says how it is called across regions',
      partOf(HERMES, { region: 'eu-west-1' }),
      [HERMES],
    ],
  ] as const)
    it(`says what is not restored: ${why}`, () => {
      const { steps, skipped } = plan([...sources, QUEUE], { point: pointOf([part, partOf(QUEUE)]) })
      assert.equal(steps.length, 1)
      assert.equal(skipped[0]?.sourceId, sourceId(HERMES))
    })

  it('a copy that is only in another region is brought back first, under a name that no rule deletes', () => {
    const away = partOf(AURORA, { region: 'eu-west-1', key: 'a key there' })
    const arnOf = (name: string, region: string) => `arn:${region}:${name}`
    const restore = (key: string | undefined) =>
      plan([{ ...AURORA, key }], { point: pointOf([away, partOf(HERMES)]), arnOf })
    const { steps, notices } = restore('a key here')
    const [copy, cluster, writer] = steps
    assert.deepEqual(
      steps.map(({ kind, region, snapshot, after, key }) => [kind, region, snapshot, after, key]),
      [
        ['rds-cluster-copy', REGION, `arn:eu-west-1:${away.name}`, undefined, 'a key here'],
        ['rds-cluster', REGION, copy?.name, copy?.name, undefined],
        ['rds-member', REGION, undefined, cluster?.name, undefined],
        ['rds-member', REGION, undefined, cluster?.name, undefined],
      ],
    )
    assert.equal(new Set(steps.map(({ name }) => name)).size, 4)
    assert.doesNotMatch(copy?.name ?? '', /^pgctl-/)
    assert.match(copy?.because ?? '', /eu-west-1/)
    assert.deepEqual([notices, writer?.because], [[], 'the writer of the cluster'])
    const unknown = restore(undefined)
    assert.equal(unknown.steps[0]?.key, 'alias/aws/rds')
    assert.match(unknown.notices[0] ?? '', /nobody knows the key/)
  })

  it('with nothing left to restore there is no plan', () => {
    const failing = () => plan([HERMES], { point: pointOf([partOf(HERMES, { state: 'pending' })]) })
    assert.throws(failing, (error) => isPgctlError(error, 'failed') && /hermes/.test(error.why ?? ''))
  })

  it('takes the datastores that are named, by any of their names, and refuses one that is none', () => {
    for (const word of ['redis-queue', QUEUE.id, sourceId(QUEUE)])
      assert.deepEqual(
        plan([HERMES, QUEUE], { only: [word] }).steps.map((step) => step.sourceId),
        [sourceId(QUEUE)],
      )
    assert.throws(
      () => plan([HERMES], { only: ['redis'] }),
      (error) => isPgctlError(error, 'target-unknown') && /hermes/.test(error.why ?? ''),
    )
  })

  it('says that a token is not known, and that a cluster without instances answers nobody', () => {
    const token = { ...CACHE, settings: { ...SETTINGS['cache-group'], token: true } }
    const bare = { ...AURORA, settings: { ...SETTINGS['rds-cluster'], members: [] } }
    assert.match(plan([token, bare]).notices.join('\n'), /answers nobody\n.*asks its clients for a token/)
  })

  it('two plans of one digest do the same: another size is another digest', () => {
    const bigger = { ...HERMES, settings: { ...SETTINGS['rds-instance'], class: 'db.r7g.xlarge' } }
    assert.equal(plan([HERMES]).digest, plan([HERMES]).digest)
    assert.notEqual(plan([HERMES]).digest, plan([bigger]).digest)
  })
})

describe('names of restored datastores', () => {
  const id = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,60}$/)
  const LONGEST = { 'rds-instance': 63, 'rds-cluster': 63, 'cache-cluster': 50, 'cache-group': 40 }

  it('are ones that the services take, and differ for points, kinds and originals', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SOURCE_KINDS), id, fc.string(), (kind, own, point) => {
        for (const name of [restoredName(point, kind, own), retiredName(point, kind, own)]) {
          assert.match(name, /^[a-z](-?[a-z0-9])*$/)
          assert.ok(name.length <= LONGEST[kind])
        }
        assert.equal(restoredName(point, kind, own), restoredName(point, kind, own))
        assert.notEqual(restoredName(point, kind, own), restoredName(`${point}x`, kind, own))
        assert.notEqual(restoredName(point, kind, own), retiredName(point, kind, own))
      }),
    )
  })
})

describe('cacheUse', () => {
  const patterns = { queue: [`${WORKSPACE}-redis-queue-*`], cache: [`${WORKSPACE}-redis-cache`] }
  for (const [id, policy, want] of [
    ['redis-queue-2', {}, 'queue'],
    ['redis-queue-', {}, 'unknown'],
    ['redis-cache', {}, 'cache'],
    ['redis', {}, 'unknown'],
    ['redis', { redis: 'queue' }, 'queue'],
    ['redis-queue', { 'redis-queue': 'locks' }, 'locks'],
    ['redis', { [`${WORKSPACE}-redis`]: 'cache' }, 'cache'],
  ] as const)
    it(`${id} with ${JSON.stringify(policy)} is ${want}`, () => {
      assert.equal(cacheUse(`${WORKSPACE}-${id}`, WORKSPACE, policy, patterns), want)
    })
})

describe('the switch', () => {
  const input = (exists: boolean) => ({
    ...{ plan: plan([HERMES, AURORA, QUEUE]), namespace: 'paragon', exists: () => exists },
    endpoint: (name: string) => (name.includes('redis') ? 'h:6379' : undefined),
  })
  const renames = (list: ReturnType<typeof switchOver>) =>
    list.flatMap(({ what }) => /^rename (\S+) to (\S+)$/.exec(what)?.slice(1) ?? [])

  it('gives a database the name of the original, and back again', () => {
    const { id } = pointOf([])
    const [retired, restored] = [
      retiredName(id, 'rds-instance', HERMES.id),
      restoredName(id, 'rds-instance', HERMES.id),
    ]
    const over = renames(switchOver(input(true)))
    assert.deepEqual(over.slice(-4), [HERMES.id, retired, restored, HERMES.id])
    const back = renames(switchBack(input(true)))
    assert.deepEqual(back.slice(-4), [HERMES.id, restored, retired, HERMES.id])
  })

  it('where the original is gone there is nothing to rename first, and no way back', () => {
    assert.deepEqual(renames(switchOver(input(false))).length, 4)
    assert.deepEqual(renames(switchBack(input(false))), [])
  })

  it('says the gate of a queue, after its address and before anything starts again', () => {
    const says = switchOver(input(true)).map(({ what }) => what)
    const [address, gate, start] = [/the address of/, /^the gate of/, /^start what/].map((pattern) =>
      says.findIndex((what) => pattern.test(what)),
    ) as [number, number, number]
    assert.ok(0 < address && address < gate && gate < start, says.join('\n'))
  })

  it('removes members before their cluster, and never an original', () => {
    const commands = removal(plan([HERMES, AURORA]))
    const clusterAt = commands.findIndex((command) => command.includes('delete-db-cluster'))
    assert.ok(commands.slice(0, clusterAt).filter((command) => /-[12] --skip/.test(command)).length === 2)
    for (const command of commands) assert.match(command, /restored-/)
  })
})

describe('terraformPicks', () => {
  it('is the newest of any type, and says whether that is of this point', () => {
    const own = plan([HERMES, QUEUE])
    const theirs = { name: 'rds:nightly', manual: false, createdAt: 5 }
    const ours = { ...theirs, name: partOf(HERMES).name, manual: true }
    for (const [newest, isThisPoint] of [
      [theirs, false],
      [ours, true],
      [undefined, false],
    ] as const)
      assert.deepEqual(terraformPicks(own, new Map([[sourceId(HERMES), newest]])), [
        { sourceId: sourceId(HERMES), newest, isThisPoint },
      ])
  })
})
