import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type BucketMarker, bucketTroubles, horizonOf, markersOf } from '#core/snapshots/buckets.ts'
import { groupSnapshots } from '#core/snapshots/groups.ts'
import { parsePoint, recoveryPoints } from '#core/snapshots/points.ts'
import { snapshotId, sourceId } from '#core/snapshots/snapshot.ts'
import {
  DAY,
  NIGHTLY,
  ourSnapshot,
  planInput,
  policyOf,
  sourceOf,
  WORKSPACE,
} from '../../support/snapshot-scene.ts'

const AT = Date.parse('2026-11-25T02:30Z')
const APP = `${WORKSPACE}-app`
const marker = (more: Partial<BucketMarker> = {}): BucketMarker => ({
  ...{ bucket: APP, versioning: 'on', noncurrentDays: 90 },
  ...more,
})

describe('how long the versions of a bucket lead back', () => {
  for (const [name, then, now, days] of [
    ['as long as its old versions are kept', marker(), [marker()], 90],
    ['by the rule of then where today’s is longer', marker(), [marker({ noncurrentDays: 365 })], 90],
    ['by today’s rule where that is shorter', marker(), [marker({ noncurrentDays: 7 })], 7],
    ['by today’s rule where there was none', marker({ noncurrentDays: 'never' }), [marker()], 90],
    ['by the rule of then where nobody looks today', marker(), [], 90],
  ] as const)
    it(name, () => assert.equal(horizonOf(then, AT, now)?.until, AT + days * DAY))

  it('for good without a rule', () =>
    assert.equal(horizonOf(marker({ noncurrentDays: 'never' }), AT, []), undefined))

  it('never where it kept none, and nobody knows where it could not be read', () => {
    for (const versioning of ['off', 'suspended'] as const)
      assert.deepEqual(horizonOf(marker({ versioning }), AT, []), {
        until: undefined,
        limitedBy: `the bucket ${APP}, which kept no versions`,
      })
    assert.deepEqual(bucketTroubles([{ bucket: APP }]), [
      `how long the bucket ${APP} keeps old versions is not known`,
    ])
    assert.equal(bucketTroubles([marker({ versioning: 'suspended' })]).length, 1)
    assert.deepEqual(bucketTroubles([marker()]), [])
  })

  it('a set has buckets by `all`, by `buckets` and by name', () => {
    const policy = (what: string) => policyOf(NIGHTLY.replace('[all]', what))
    for (const what of ['[all]', '[buckets]', '[app]', `[${APP}]`])
      assert.equal(markersOf([marker()], 'nightly', policy(what), WORKSPACE).length, 1, what)
    for (const what of ['[postgres, redis]', '[cdn]'])
      assert.equal(markersOf([marker()], 'nightly', policy(what), WORKSPACE).length, 0, what)
  })
})

describe('a recovery point with buckets', () => {
  const hermes = sourceOf('rds-instance', 'hermes')
  const part = ourSnapshot(hermes, AT)
  const look = (buckets: BucketMarker[], expiry?: number) => {
    const input = planInput(policyOf(NIGHTLY), AT + DAY, [hermes], [part])
    const snapshots = input.listings.flatMap((listing) => listing.snapshots)
    const members = groupSnapshots({ ...input, snapshots }).flatMap((group) => group.members)
    const id = part.record.point
    const record = parsePoint(
      { version: 1, id, set: 'nightly', slot: 's', at: AT, parts: { [sourceId(hermes)]: {} }, buckets },
      'p',
    )
    const expiries = new Map(expiry === undefined ? [] : [[snapshotId(part.snapshot), expiry]])
    return recoveryPoints(members, new Map([[id, record]]), expiries, AT + 400 * DAY)[0]?.restorable
  }

  it('is restorable until the first of its snapshots and versions is gone, and says which', () => {
    const bucket = `the bucket ${APP}, which keeps old versions for 90 days`
    assert.deepEqual(look([marker()]), { kind: 'until', at: AT + 90 * DAY, limitedBy: bucket })
    assert.deepEqual(look([marker()], AT + 100 * DAY), {
      kind: 'until',
      at: AT + 90 * DAY,
      limitedBy: bucket,
    })
    const retention = { kind: 'until', at: AT + 7 * DAY, limitedBy: `the retention of ${sourceId(hermes)}` }
    assert.deepEqual(look([marker()], AT + 7 * DAY), retention)
    assert.equal(look([marker({ noncurrentDays: 'never' })])?.kind, 'beyond')
    assert.equal(look([marker({ versioning: 'off' })])?.kind, 'never')
  })

  it('of an earlier version, without any, is read as it was written', () =>
    assert.equal(look([])?.kind, 'beyond'))
})
