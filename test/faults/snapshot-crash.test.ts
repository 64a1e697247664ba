import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BucketMarker } from '#core/snapshots/buckets.ts'
import { carryOut } from '#core/snapshots/io/carry-out.ts'
import { gather, readState } from '#core/snapshots/io/gather.ts'
import { type TickReport, tick } from '#core/snapshots/io/tick.ts'
import type { KeyState } from '#core/snapshots/key-api.ts'
import { makePlan } from '#core/snapshots/plan.ts'
import type { QuotaReading } from '#core/snapshots/quotas.ts'
import { parseRecords } from '#core/snapshots/records.ts'
import { type Source, shelfOf } from '#core/snapshots/snapshot.ts'
import type { SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import type { Store } from '#core/store.ts'
import { type ModelSource, type SnapshotRules, SnapshotWorld } from '#sandbox/aws/snapshots/snapshot-world.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { modelSnapshotApi } from '../support/model-snapshot-api.ts'
import { DAY, HOUR, REGION, sourceOf, WORKSPACE } from '../support/snapshot-scene.ts'

/**
 * A run dies after every single call that it makes, to the provider and to the store, and is run again: the world and
 * what is written down of it end as if nothing had happened.
 */
const POLICY = `zone: Europe/Berlin
sets:
  nightly:
    what: [all]
    when: { cron: 30 2 * * *, start-within: 6h }
    keep: { daily: 2, minimum: 2 }
    copy: { region: eu-west-1, key: away }
limits: { deletes: 3 }
`
const WIDE = POLICY.replace('daily: 2', 'daily: 5')
/** Four a day, and none of them let go. */
const GREEDY = POLICY.replace('30 2 * * *', "'30 2,8,14,20 * * *'").replace('daily: 2', 'last: 150')
const AWAY = 'eu-west-1'
const SOURCES: readonly Source[] = [
  sourceOf('rds-instance', 'hermes', { key: 'home' }),
  sourceOf('rds-cluster', 'aurora', { key: 'home' }),
  sourceOf('cache-cluster', 'redis-queue'),
  sourceOf('cache-group', 'redis-cache'),
]
const BUCKETS: readonly BucketMarker[] = [
  { bucket: `${WORKSPACE}-app`, versioning: 'on', noncurrentDays: 90 },
]
const FAMILY = { 'rds-instances': 'db', 'rds-clusters': 'db-cluster', caches: 'cache' } as const
const START = Date.parse('2026-11-20T01:35Z')

class Crash extends Error {}

/** Dies at the call number `at` that any of `methods` gets: before it has an effect, or after. */
function fuse(at: number, when: 'before' | 'after') {
  let calls = 0
  const met = new Set<string>()
  return {
    /** Names of the calls that were made. */
    met,
    wrap<T extends object>(what: string, target: T, methods: readonly (keyof T & string)[]): T {
      return new Proxy(target, {
        get: (_, name) => {
          const method = Reflect.get(target, name)
          if (typeof method !== 'function') return method
          if (!methods.includes(name as keyof T & string)) return method.bind(target)
          return async (...args: unknown[]) => {
            const isLast = ++calls === at
            met.add(`${what} ${String(name)}`)
            if (isLast && when === 'before') throw new Crash()
            const answer = await method.apply(target, args)
            if (isLast) throw new Crash()
            return answer
          }
        },
      })
    },
  }
}

class Installation {
  readonly world: SnapshotWorld
  readonly store = new MemoryStore()
  readonly datastores = new Map<Source['kind'], ModelSource>()
  now = START
  /** How far the clock of whoever runs is from that of the provider. */
  skew = 0
  /** Kinds of datastores that may not be read for now. */
  hidden: readonly Source['kind'][] = []

  constructor(rules: Partial<SnapshotRules> = {}) {
    this.world = new SnapshotWorld(rules)
    for (const { kind, id, region, key } of SOURCES) {
      const made = this.world.addSource({
        ...{ family: FAMILY[shelfOf(kind)], region, id, status: 'available', kmsKeyId: key },
        clusterMode: kind === 'cache-group',
      })
      this.datastores.set(kind, made)
    }
  }

  /** One invocation; `burn` makes it die on the way. */
  async tick(burn?: ReturnType<typeof fuse>, policyText = POLICY): Promise<TickReport | 'died'> {
    const plain = modelSnapshotApi(this.world, () => this.now)
    const api: SnapshotApi = burn?.wrap('api', plain, ['list', 'create', 'copy', 'remove']) ?? plain
    const store: Store = burn?.wrap('store', this.store, ['read', 'readAll', 'write', 'remove']) ?? this.store
    const around = {
      findSources: async () => ({
        sources: SOURCES.filter(({ kind }) => !this.hidden.includes(kind)),
        unreadable: this.hidden.map((kind) => `each ${kind} is hidden`),
      }),
      readPolicy: async () => ({ text: policyText, from: 'p' }),
      state: async (key: string): Promise<KeyState> =>
        this.world.disabledKeys.has(key)
          ? { kind: 'unusable', says: 'its state is Disabled' }
          : { kind: 'usable', says: '' },
      markers: async () => BUCKETS,
      read: async (region: string): Promise<QuotaReading> => {
        const snapshots = { 'rds-instances': this.world.rules.manualLimit, 'rds-clusters': 100 }
        return { region, snapshots, missing: undefined }
      },
    }
    const asked =
      burn?.wrap('around', around, ['findSources', 'readPolicy', 'state', 'markers', 'read']) ?? around
    try {
      return await tick(
        { workspace: WORKSPACE, region: REGION, now: this.now + this.skew },
        {
          ...{ api, store, clock: new ManualClock(), chance: () => 0 },
          ...{ keyApi: asked, bucketApi: asked, quotaApi: asked },
          findSources: asked.findSources,
          readPolicy: asked.readPolicy,
        },
      )
    } catch (error) {
      if (error instanceof Crash) return 'died'
      throw error
    }
  }

  /** Ticks every ten minutes over `days` nights, each time from the slot on for an hour. */
  async nights(days: number, policyText = POLICY): Promise<void> {
    for (let day = 0; day < days; day++, this.now += DAY - HOUR)
      for (let tick = 0; tick < 6; tick++, this.now += HOUR / 6) await this.tick(undefined, policyText)
  }

  async state() {
    const families = ['db', 'db-cluster', 'cache'] as const
    return {
      snapshots: families.flatMap((family) =>
        [REGION, AWAY].flatMap((region) =>
          this.world
            .list(family, region, this.now)
            .map(({ name, source, tags }) => `${family} ${region} ${source} ${name} ${JSON.stringify(tags)}`),
        ),
      ),
      records: (await this.store.list('snapshots/')).filter((key) => !key.endsWith('/policies')),
      remembered: await this.remembered(),
      points: [...(await readState(this.store, WORKSPACE)).pointRecords.values()]
        .map(({ id, buckets }) => `${id} ${JSON.stringify(buckets)}`)
        .sort(),
    }
  }

  /** What was written down of each snapshot; when it was asked for first may differ by the tick that died. */
  async remembered(): Promise<string[]> {
    const lines: string[] = []
    for (const key of await this.store.list(`snapshots/${WORKSPACE}/sources/`)) {
      const stored = await this.store.read(key)
      for (const [id, { askedAt: _, ...record }] of Object.entries(parseRecords(stored?.value, key)))
        lines.push(`${id} ${JSON.stringify(record)}`)
    }
    return lines.sort()
  }
}

/** The end: a night with ticks enough to finish what was interrupted, and a day for what is to be forgotten. */
async function settle(installation: Installation) {
  await installation.nights(2)
  return await installation.state()
}

async function seasoned(rules: Partial<SnapshotRules>, policyText = POLICY): Promise<Installation> {
  const installation = new Installation(rules)
  await installation.nights(3, policyText)
  return installation
}

const RULES: Partial<SnapshotRules> = { takes: 15 * 60_000 }

describe('a run that dies', { timeout: 170_000 }, () => {
  it('makes, copies and deletes over the nights, when nothing happens', async () => {
    const installation = await seasoned(RULES)
    const { snapshots, points, remembered } = await settle(installation)
    // Two nights kept, and what was made before the older went: nothing piles up.
    const count = (text: string) => snapshots.filter((each) => each.startsWith(text)).length
    assert.deepEqual(
      [count(`db ${REGION}`), count(`db-cluster ${REGION}`), count(`cache ${REGION}`), count(`db ${AWAY}`)],
      [2, 2, 4, 2],
    )
    assert.equal(points.length, 2, 'points that were let go of are forgotten')
    assert.equal(remembered.length, snapshots.length)
  })

  const met = new Set<string>()
  const moments = [
    ['of the first tick there ever was', async () => new Installation(RULES), 0, POLICY],
    ['of the tick that meets a tightened policy', () => seasoned(RULES, WIDE), 0, POLICY],
    ...[0, 20, 40].map(
      (minutes) =>
        [`of the tick ${minutes} min after the slot`, () => before(minutes), minutes, POLICY] as const,
    ),
  ] as const
  for (const when of ['before', 'after'] as const)
    for (const [moment, make, minutes, policy] of moments)
      it(`${when} any call ${moment}, and is run again: the same end`, async () => {
        const undisturbed = await make()
        await undisturbed.tick(undefined, policy)
        const want = await after(undisturbed, minutes)
        for (let k = 1; ; k++) {
          const installation = await make()
          const burn = fuse(k, when)
          const report = await installation.tick(burn, policy)
          for (const call of burn.met) met.add(call)
          if (report !== 'died') {
            assert.ok(k > 8, `the run makes only ${k} calls`)
            break
          }
          await installation.tick(undefined, policy)
          assert.deepEqual(await after(installation, minutes), want, `died ${when} call ${k}`)
        }
      })

  it('has died at a call of every kind that a run makes', () => {
    assert.deepEqual([...met].sort(), [
      ...['api copy', 'api create', 'api list', 'api remove'],
      ...['around findSources', 'around markers', 'around read', 'around readPolicy', 'around state'],
      ...['store read', 'store readAll', 'store remove', 'store write'],
    ])
  })

  it('twice at once ends as one', async () => {
    for (const minutes of [0, 20, 40]) {
      const want = await undisturbed(minutes)
      const installation = await before(minutes)
      await Promise.all([installation.tick(), installation.tick()])
      assert.deepEqual(await after(installation, minutes), want)
    }
  })

  it('a new snapshot that is invisible for a minute is not made twice', async () => {
    const installation = new Installation({ ...RULES, lag: 60_000 })
    await installation.tick()
    const again = await installation.tick()
    assert.ok(
      again !== 'died' && again.results.every(({ outcome }) => outcome === 'adopted'),
      JSON.stringify(again),
    )
    installation.now += 2 * 60_000
    assert.equal((await installation.state()).snapshots.length, SOURCES.length)
  })

  it('a name that a stranger took is left alone, and told of', async () => {
    const scout = new Installation(RULES)
    await scout.tick()
    const installation = new Installation(RULES)
    for (const each of scout.world.list('db', REGION, scout.now))
      installation.world.put({
        ...each,
        tags: {},
        takenAt: each.takenAt - DAY,
        createdAt: each.createdAt - DAY,
      })
    const request = modelSnapshotApi(installation.world, () => installation.now)
    const blind: SnapshotApi = {
      ...request,
      list: async (shelf, region) => ({ ...{ shelf, region }, snapshots: [], missing: undefined }),
    }
    const gathered = await gather(
      {
        workspace: WORKSPACE,
        region: REGION,
        policyText: POLICY,
        policySource: 'p',
        sources: SOURCES,
        unreadable: [],
        now: installation.now,
      },
      blind,
      installation.store,
    )
    const report = await carryOut(makePlan(gathered.input), gathered.input, {
      ...{ api: request, store: installation.store, clock: new ManualClock(), chance: () => 0 },
    })
    const taken = report.results.find(
      ({ region, sourceId }) => region === REGION && sourceId.startsWith('rds-instance'),
    )
    assert.deepEqual(
      [taken?.outcome, /taken by a snapshot that is not ours/.test(taken?.why ?? '')],
      ['failed', true],
    )
    assert.deepEqual(installation.world.list('db', REGION, installation.now)[0]?.tags, {})
  })
})

describe('a run over the nights', { timeout: 60_000 }, () => {
  const nightsOf = (installation: Installation, family: 'db' | 'cache') =>
    installation.world
      .list(family, REGION, installation.now)
      .map(({ source, name }) => `${source} ${name.slice(6, 14)}`)

  it('a policy that is tightened between two ticks deletes nothing more for a week, then what it says', async () => {
    const installation = new Installation(RULES)
    await installation.nights(6, WIDE)
    const before = nightsOf(installation, 'db')
    assert.equal(before.length, 5)
    await installation.nights(6)
    assert.equal(nightsOf(installation, 'db').length, 5, 'the wide rule is still waited for')
    // Eighteen deletes, three a run.
    await installation.nights(3)
    assert.equal(nightsOf(installation, 'db').length, 2)
  })

  it('a policy that is edited between ticks to one that will hit a quota changes nothing', async () => {
    const installation = new Installation(RULES)
    await installation.nights(2)
    const after = await installation.tick(undefined, GREEDY)
    assert.ok(after !== 'died')
    assert.match(after.refused ?? '', /would hit a quota: on \d{4}-\d\d-\d\d number 101 of 100/)
    await installation.nights(2, GREEDY)
    assert.equal(nightsOf(installation, 'db').length, 2, 'the nights go on by the policy before')
  })

  it('a quota that others have filled makes the slot wait, until there is room', async () => {
    const installation = new Installation(RULES)
    await installation.nights(1)
    const made = nightsOf(installation, 'db').length
    for (let index = 0; index < 99; index++) installation.world.put(foreign(index))
    await installation.nights(1)
    const full = await installation.tick()
    assert.ok(full !== 'died')
    assert.match(
      full.plan.notices.join('\n'),
      /holds 100 manual snapshots of rds-instances, and 100 is the most/,
    )
    assert.equal(ours(installation), made)
    for (let index = 0; index < 9; index++)
      installation.world.remove('db', REGION, foreign(index).name, installation.now)
    await installation.nights(2)
    assert.ok(ours(installation) > made)
    assert.equal(installation.world.list('db', REGION, installation.now).length - ours(installation), 90)
  })

  it('a point that was begun while not every datastore could be read is whole only once a run saw all', async () => {
    const installation = new Installation(RULES)
    const hidden = installation.datastores.get('cache-group') ?? assert.fail()
    const verified = (report: TickReport | 'died') => {
      assert.ok(report !== 'died')
      return report.freshness?.find(({ sourceId }) => sourceId.startsWith('rds-instance'))?.verifiedAt
    }
    installation.hidden = ['cache-group']
    await installation.tick()
    installation.now += HOUR
    installation.hidden = []
    hidden.status = 'modifying'
    assert.equal(verified(await installation.tick()), undefined, 'what it saw is there, and one is lacking')
    hidden.status = 'available'
    await installation.tick()
    installation.now += HOUR
    assert.equal(verified(await installation.tick()), START)
  })

  it('a disabled key ends the slot of what it encrypts, and of nothing else', async () => {
    const installation = new Installation(RULES)
    await installation.nights(2)
    installation.world.disabledKeys.add('home')
    const [databases, caches] = [nightsOf(installation, 'db'), nightsOf(installation, 'cache')]
    await installation.nights(1)
    assert.deepEqual(nightsOf(installation, 'db'), databases, 'none made, and none deleted for it')
    assert.notDeepEqual(nightsOf(installation, 'cache'), caches)
    await installation.tick()
    const report = await installation.tick()
    assert.ok(report !== 'died')
    assert.match(report.plan.notices.join('\n'), /failed for good: key-unusable/)
    assert.match(report.checks.map(({ says }) => says).join('\n'), /the key home .* cannot be used/)
    const ageOf = (each: TickReport) =>
      each.freshness?.find(({ sourceId }) => sourceId.startsWith('rds-instance'))
    assert.ok((ageOf(report)?.age ?? 0) >= DAY, 'the copies have a key of their own, and still count')
    installation.world.disabledKeys.add('away')
    const blind = await installation.tick()
    assert.ok(blind !== 'died')
    assert.equal(ageOf(blind)?.verifiedAt, undefined, 'now nothing of it is verified')
  })

  it('snapshots of others that bear our tags are never deleted', async () => {
    const installation = new Installation(RULES)
    await installation.nights(2)
    const [own] = installation.world.list('db', REGION, installation.now)
    assert.ok(own !== undefined)
    for (let index = 0; index < 5; index++)
      installation.world.put({
        ...own,
        // By tags and form ours, by our records not; one of them with the very name of ours in another place.
        name: `pgctl-20200101023${index}-0123456789ab`,
        takenAt: own.takenAt - index * DAY,
        createdAt: own.createdAt - index * DAY,
      })
    await installation.nights(4)
    const left = installation.world.list('db', REGION, installation.now)
    assert.equal(left.filter(({ name }) => name.startsWith('pgctl-2020')).length, 5)
  })

  it('snapshots that are deleted by hand are forgotten, and the rest stays above the minimum', async () => {
    const installation = new Installation(RULES)
    await installation.nights(3)
    for (const { name } of installation.world.list('db', REGION, installation.now))
      installation.world.remove('db', REGION, name, installation.now)
    await installation.nights(1)
    assert.equal(nightsOf(installation, 'db').length, 1)
    assert.deepEqual(
      (await installation.remembered()).filter((line) => line.startsWith(`rds-instances/${REGION}`)).length,
      1,
    )
  })

  it('a clock that jumps a year ahead and back again deletes no more than one that stands right', async () => {
    const installation = new Installation(RULES)
    await installation.nights(3)
    const right = installation.now
    const before = nightsOf(installation, 'db')
    installation.now += 365 * DAY
    await installation.tick()
    installation.now = right
    await installation.tick()
    for (const night of before) assert.ok(nightsOf(installation, 'db').includes(night), `${night} is gone`)
  })

  it('a clock of ours that alone goes wrong, either way, deletes no more, and once it is right nothing is left of it', async () => {
    const run = async (skew: number) => {
      const installation = new Installation(RULES)
      await installation.nights(3)
      const before = nightsOf(installation, 'db')
      installation.skew = skew
      for (let tick = 0; tick < 4; tick++, installation.now += HOUR / 6) await installation.tick()
      const kept = before.filter((night) => nightsOf(installation, 'db').includes(night))
      installation.skew = 0
      installation.now += DAY - (2 * HOUR) / 3
      await installation.nights(4)
      return { kept, settled: nightsOf(installation, 'db') }
    }
    const right = await run(0)
    assert.equal(right.settled.length, 2)
    for (const skew of [365 * DAY, -365 * DAY, 3 * HOUR, -3 * HOUR]) {
      const wrong = await run(skew)
      for (const night of right.kept) assert.ok(wrong.kept.includes(night), `${night} is gone by ${skew}`)
      assert.deepEqual(wrong.settled, right.settled, `by ${skew}`)
    }
  })

  for (const [zone, start] of [
    ['Europe/Berlin', '2026-03-28T01:35Z'],
    ['Europe/Berlin', '2026-10-24T00:35Z'],
    ['America/New_York', '2026-03-07T07:35Z'],
    ['America/New_York', '2026-10-31T06:35Z'],
    ['Australia/Sydney', '2026-10-03T16:35Z'],
    ['Australia/Sydney', '2026-04-03T15:35Z'],
  ] as const)
    it(`over a change of the clocks from ${start} in ${zone}: one a night`, async () => {
      const installation = new Installation(RULES)
      installation.now = Date.parse(start)
      const policy = POLICY.replace('Europe/Berlin', zone).replace('daily: 2', 'daily: 9')
      // Every ten minutes without a pause, as a scheduler would.
      for (const end = installation.now + 3 * DAY; installation.now < end; installation.now += HOUR / 6)
        await installation.tick(undefined, policy)
      const names = nightsOf(installation, 'db')
      assert.equal(names.length, new Set(names).size, names.join())
      assert.ok(names.length === 3 || names.length === 4, names.join())
    })
})

/** One of somebody else's databases. */
function foreign(index: number) {
  return {
    ...({
      family: 'db',
      region: REGION,
      name: `by-hand-${index}`,
      source: 'somebodys',
      manual: true,
    } as const),
    ...{ kmsKeyId: undefined, tags: {}, copied: false, createdAt: 1, takenAt: 1, readyAt: 1 },
  }
}

function ours({ world, now }: Installation): number {
  return world.list('db', REGION, now).filter(({ name }) => name.startsWith('pgctl-')).length
}

/** Three nights have passed, and a fourth has gone on for `minutes`. */
async function before(minutes: number): Promise<Installation> {
  const installation = await seasoned(RULES)
  for (const end = installation.now + minutes * 60_000; installation.now < end; installation.now += HOUR / 6)
    await installation.tick()
  return installation
}

async function after(installation: Installation, minutes: number) {
  for (let at = minutes; at < 60; at += 10, installation.now += HOUR / 6) await installation.tick()
  installation.now += DAY - HOUR
  return await settle(installation)
}

async function undisturbed(minutes: number) {
  const installation = await before(minutes)
  await installation.tick()
  return await after(installation, minutes)
}
