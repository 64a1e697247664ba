import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeWall, firstWall, forecast } from '#core/snapshots/forecast.ts'
import { groupSnapshots } from '#core/snapshots/groups.ts'
import { joinPoints, parsePoint, recoveryPoints } from '#core/snapshots/points.ts'
import type { QuotaReading } from '#core/snapshots/quotas.ts'
import { type Snapshot, snapshotId, sourceId } from '#core/snapshots/snapshot.ts'
import {
  DAY,
  foreignSnapshot,
  NIGHTLY,
  ourSnapshot,
  policyOf,
  sourceOf,
  WORKSPACE,
} from '../../support/snapshot-scene.ts'

const NOW = Date.parse('2026-11-25T12:00Z')
const HERMES = sourceOf('rds-instance', 'hermes')
const QUEUE = sourceOf('cache-cluster', 'redis-queue')
const FIVE = ['cerberus', 'eventlogs', 'hermes', 'triggerkit', 'zeus'].map((name) =>
  sourceOf('rds-instance', name),
)

function look(
  keep: string,
  sources = FIVE,
  snapshots: readonly Snapshot[] = [],
  cron = '30 2 * * *',
  quotas: readonly QuotaReading[] = [],
) {
  const policy = policyOf(NIGHTLY.replace('{ daily: 3, minimum: 2 }', keep).replace('30 2 * * *', cron))
  return {
    policy,
    ...forecast(
      { workspace: WORKSPACE, policy, sources, snapshots, records: new Map(), quotas, previous: [] },
      NOW,
      90,
    ),
  }
}

describe('forecast', () => {
  it('after rules were tightened, what they kept before stays until that is certain, and then goes', () => {
    const days = Array.from({ length: 30 }, (_, day) => Date.parse('2026-11-25T01:30Z') - day * DAY)
    const all = days.map((at) => ourSnapshot(HERMES, at))
    const policy = policyOf(NIGHTLY)
    const before = policyOf(NIGHTLY.replace('{ daily: 3, minimum: 2 }', '{ daily: 20, minimum: 2 }'))
    const ahead = (previous: Parameters<typeof forecast>[0]['previous']) => {
      const input = {
        ...{ workspace: WORKSPACE, policy, sources: [HERMES], quotas: [], previous },
        snapshots: all.map(({ snapshot }) => snapshot),
        records: new Map(all.map(({ snapshot, record }) => [snapshotId(snapshot), record])),
      }
      const { expiries } = forecast(input, NOW, 90)
      const goes = (day: number) => expiries.get(snapshotId(all[day]?.snapshot as Snapshot)) ?? Number.NaN
      return [goes(10), goes(25)].map((at) => new Date(at).toISOString().slice(0, 10))
    }
    assert.deepEqual(ahead([]), ['2026-11-26', '2026-11-26'])
    // Seven days from the change on; what neither policy keeps waits for nothing.
    assert.deepEqual(ahead([{ policy: before, until: NOW - DAY }]), ['2026-12-02', '2026-11-26'])
  })

  it('five databases and twenty kept: the whole quota, and one too many while the next is made', () => {
    const { quotas } = look('{ last: 19 }')
    assert.deepEqual(
      quotas.map(({ limit, peak, wallAt }) => [limit, peak, wallAt]),
      [[100, 100, undefined]],
    )
    const over = look('{ last: 20 }')
    const wall = firstWall(over) ?? assert.fail('it fits')
    assert.equal(
      describeWall(wall, over.policy.zone),
      'on 2026-12-16 number 101 of 100 manual snapshots of rds-instances in eu-central-1 would be refused',
    )
  })

  it('goes by the quota that the provider tells, and by less where the policy says so', () => {
    const region = HERMES.region
    const raised: QuotaReading[] = [{ region, snapshots: { 'rds-instances': 250 }, missing: undefined }]
    const limits = (more: string) =>
      look(`{ last: 20 }${more}`, FIVE, [], '30 2 * * *', raised).quotas.map(({ limit }) => limit)
    assert.deepEqual(limits(''), [250])
    assert.deepEqual(limits('\nlimits: { rds-snapshots: 90 }'), [90])
  })

  it("others' snapshots take their places", () => {
    const foreign = Array.from({ length: 40 }, (_, index) => foreignSnapshot(HERMES, NOW - index * DAY - 1))
    const { policy, ...ahead } = look('{ last: 12 }', FIVE, foreign)
    const wall = firstWall(ahead) ?? assert.fail('it fits')
    assert.match(describeWall(wall, policy.zone), /^on 2026-12-08 .*, 40 of which are not ours$/)
    assert.equal(firstWall(look('{ last: 11 }', FIVE, foreign)), undefined)
  })

  it('a cache has so many backups in any 24 hours, whatever is deleted', () => {
    const hourly = firstWall(look('{ last: 3 }', [QUEUE], [], '0 * * * *')) ?? assert.fail('it fits')
    assert.equal(hourly.quota, `backups in 24 hours of ${sourceId(QUEUE)}`)
    assert.equal(new Date(hourly.wallAt ?? 0).toISOString(), '2026-11-26T09:00:00.000Z', 'the 21st hour')
    assert.equal(firstWall(look('{ last: 3 }', [QUEUE], [], '0 */2 * * *')), undefined)
  })
})

describe('recoveryPoints', () => {
  const policy = policyOf(NIGHTLY)
  const at = Date.parse('2026-11-25T01:30Z')
  const sources = [HERMES, QUEUE]
  const parts = [
    ourSnapshot(HERMES, at, { takenAt: at + 20_000 }),
    ourSnapshot(QUEUE, at, { takenAt: at + 92_000 }),
  ]
  const point = parts[0]?.record.point as string
  const written = parsePoint(
    {
      ...{ version: 1, id: point, set: 'nightly', slot: 's', at },
      parts: Object.fromEntries(sources.map((source) => [sourceId(source), {}])),
    },
    'p',
  )
  const points = (all: typeof parts, horizonDays = 90, record = written) => {
    const input = {
      ...{ workspace: WORKSPACE, policy, sources, snapshots: all.map(({ snapshot }) => snapshot) },
      records: new Map(all.map(({ snapshot, record }) => [snapshotId(snapshot), record])),
      quotas: [],
      previous: [],
    }
    const members = groupSnapshots(input).flatMap((group) => group.members)
    const { expiries } = forecast(input, NOW, horizonDays)
    return recoveryPoints(members, new Map([[point, record]]), expiries, NOW + horizonDays * DAY)
  }

  it('one id, the skew, and restorable until a day, limited by something', () => {
    const [whole] = points(parts)
    assert.equal(whole?.id, point)
    assert.deepEqual([whole?.complete, whole?.missing, whole?.skewSeconds], [true, [], 72])
    assert.ok(whole?.restorable.kind === 'until')
    // Three days are kept: the slot of the 28th pushes it out.
    assert.equal(new Date(whole.restorable.at).toISOString(), '2026-11-28T01:30:00.000Z')
    assert.equal(whole.restorable.limitedBy, `the retention of ${sourceId(HERMES)}`)
  })

  it('a copy that the provider dates anew moves the data of the point by nothing', () => {
    const [hermes] = parts as [(typeof parts)[number]]
    const copy = {
      record: { ...hermes.record, region: 'eu-west-1' },
      snapshot: { ...hermes.snapshot, region: 'eu-west-1', takenAt: at + 3 * 3_600_000 },
    }
    const [whole] = points([...parts, copy])
    assert.equal(whole?.parts.length, 3)
    assert.deepEqual([whole?.skewSeconds, whole?.takenAt], [72, at + 20_000])
  })

  it('parts that were written down by a run that did not see all datastores are not taken for whole', () => {
    const partial = { ...written, unseen: ['some could not be read'] }
    const [point] = points(parts, 90, partial)
    assert.deepEqual([point?.complete, point?.missing], [undefined, []])
    assert.equal(joinPoints(partial, written).unseen.length, 0, 'until one has seen all')
    assert.equal(joinPoints(written, partial), written, 'and it is not forgotten again')
  })

  it('what outlives the forecast is restorable beyond it', () => {
    assert.deepEqual(points(parts, 1)[0]?.restorable, { kind: 'beyond', at: NOW + DAY })
  })

  it('a part that never came, or is not there yet, makes it incomplete', () => {
    for (const all of [
      parts.slice(0, 1),
      [parts[0], ourSnapshot(QUEUE, at, { state: 'pending' })] as typeof parts,
    ]) {
      const [torn] = points(all)
      assert.deepEqual([torn?.complete, torn?.missing], [false, [sourceId(QUEUE)]])
      assert.deepEqual(torn?.restorable, { kind: 'never', limitedBy: sourceId(QUEUE) })
    }
  })

  it('a point of which all snapshots were deleted by hand is still told of', () => {
    assert.deepEqual(points([])[0]?.missing, sources.map(sourceId))
  })
})
