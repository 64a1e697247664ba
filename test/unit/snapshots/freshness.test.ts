import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { freshnessOf, isVerified } from '#core/snapshots/freshness.ts'
import type { KeyState } from '#core/snapshots/key-api.ts'
import type { PointPart, RecoveryPoint } from '#core/snapshots/points.ts'
import type { SnapshotState } from '#core/snapshots/snapshot.ts'
import { figuresOf } from '#core/snapshots/tick-figures.ts'
import { DAY, HOUR, NIGHTLY, planInput, policyOf, sourceOf } from '../../support/snapshot-scene.ts'

const NOW = Date.parse('2026-11-25T12:00Z')
const HERMES = sourceOf('rds-instance', 'hermes')
const QUEUE = sourceOf('cache-cluster', 'redis-queue')
const ID = `rds-instance/${HERMES.id}`
const KEYS = new Map<string, KeyState>([
  ['good', { kind: 'usable', says: '' }],
  ['gone', { kind: 'unusable', says: 'there is no such key' }],
  ['unread', { kind: 'unread', says: 'AccessDenied' }],
])

const part = (more: Partial<PointPart> = {}): PointPart => ({
  ...{ sourceId: ID, name: 'n', region: HERMES.region, state: 'available', takenAt: NOW - HOUR, key: 'good' },
  ...more,
})
const point = (parts: PointPart[], complete: boolean | undefined = true): RecoveryPoint => ({
  ...{ id: 'pt', set: 'nightly', slot: 's', parts, missing: [], complete, skewSeconds: undefined },
  ...{ takenAt: NOW - HOUR, restorable: { kind: 'beyond', at: NOW } },
})
const ageOf = (points: RecoveryPoint[], begun = NOW - 3 * DAY) =>
  freshnessOf(planInput(policyOf(NIGHTLY), NOW, [HERMES], [], { begun }), points, KEYS)[0]?.age

describe('a verified point', () => {
  for (const [why, parts, complete, want] of [
    ['complete, with a key that can be used', [part()], true, true],
    ['complete, and not encrypted', [part({ key: undefined })], true, true],
    ['not complete', [part()], false, false],
    ['nobody wrote down what it should hold', [part()], undefined, false],
    ['its key is gone', [part({ key: 'gone' })], true, false],
    ['nobody may look at its key', [part({ key: 'unread' })], true, false],
    ['its key was never asked about', [part({ key: 'other' })], true, false],
    ['its copy has a key that can be used', [part({ key: 'gone' }), part()], true, true],
    ['one of two datastores has none', [part(), part({ sourceId: 'b', key: 'gone' })], true, false],
  ] as const)
    it(`${why}: ${want}`, () => assert.equal(isVerified({ complete, parts }, KEYS), want))
})

describe('the age of the last verified point', () => {
  it('is that of the newest, and counts from the first policy while there is none', () => {
    assert.equal(ageOf([point([part()]), point([part({ takenAt: NOW - DAY })])]), HOUR)
    assert.equal(ageOf([point([part({ key: 'gone' })]), point([part({ takenAt: NOW - DAY })])]), DAY)
    assert.equal(ageOf([]), 3 * DAY)
  })

  it('is not made younger by what is dated in the future, or not there yet', () => {
    assert.equal(ageOf([point([part({ takenAt: NOW + DAY })])]), 3 * DAY)
    for (const state of ['pending', 'failed', 'deleting'] satisfies SnapshotState[])
      assert.equal(ageOf([point([part({ state })])]), 3 * DAY, state)
  })

  it('is told of every datastore, and the highest of all; of none where not everything was seen', () => {
    const input = planInput(policyOf(NIGHTLY), NOW, [HERMES, QUEUE], [], { begun: NOW - 3 * DAY })
    const freshness = freshnessOf(input, [point([part()])], KEYS)
    const told = { results: [], checks: [], refused: undefined, plan: Object({ digest: '' }) }
    const ages = figuresOf({ ...told, freshness }, 'w').map(({ figures }) => figures['SnapshotAgeHours'])
    assert.deepEqual(ages, [72, 1, 72])
    for (const nothing of [undefined, []])
      assert.equal(figuresOf({ ...told, freshness: nothing }, 'w')[0]?.figures['SnapshotAgeHours'], undefined)
  })
})
