import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KeyState } from '#core/snapshots/key-api.ts'
import type { PlanInput } from '#core/snapshots/plan.ts'
import type { RecoveryPoint } from '#core/snapshots/points.ts'
import { type Check, keysOf, verifyPoints } from '#core/snapshots/verify.ts'
import {
  DAY,
  HOUR,
  NIGHTLY,
  ourSnapshot,
  planInput,
  policyOf,
  sourceOf,
} from '../../support/snapshot-scene.ts'

/** Slots are at 01:30 UTC. */
const NOW = Date.parse('2026-11-25T14:00Z')
const HERMES = sourceOf('rds-instance', 'hermes')

function point(takenAt: number, complete: boolean | undefined, key?: string): RecoveryPoint {
  const part = {
    sourceId: 'rds-instance/x',
    name: 'n',
    region: 'eu-central-1',
    state: 'available',
    takenAt,
    key,
  }
  return {
    ...{ id: `pt-${takenAt}`, set: 'nightly', slot: 's', parts: [part as RecoveryPoint['parts'][number]] },
    ...{ missing: [], complete, skewSeconds: 0, takenAt, restorable: { kind: 'beyond', at: NOW } },
  }
}

function failures(
  points: readonly RecoveryPoint[],
  more: Partial<PlanInput> = {},
  keys = new Map<string, KeyState>(),
) {
  const input = { ...planInput(policyOf(NIGHTLY), NOW, [HERMES], []), ...more }
  return verifyPoints(input, points, keys)
    .filter(({ passed }: Check) => !passed)
    .map(({ says }) => says)
}

describe('verifyPoints', () => {
  it('passes a set whose newest complete point is of the slot that should be through', () => {
    assert.deepEqual(failures([point(NOW - 12 * HOUR, true)]), [])
  })

  it('fails a set without a complete point, and does not take an unknown one for complete', () => {
    for (const points of [[], [point(NOW - HOUR, false)], [point(NOW - HOUR, undefined)]])
      assert.match(failures(points)[0] ?? '', /^there is no complete recovery point/)
  })

  it('fails one that is too old, and gives the newest slot its time', () => {
    assert.match(
      failures([point(NOW - 36 * HOUR, true)])[0] ?? '',
      /the slot Europe.Berlin 2026-11-25T02:30 1 has none/,
    )
    assert.deepEqual(failures([point(NOW - 36 * HOUR, true)], { now: NOW - 6 * HOUR }), [])
  })

  it('fails a snapshot that never gets done, a list that was not read, and a datastore in no set', () => {
    const stuck = ourSnapshot(HERMES, NOW - 7 * HOUR, { state: 'pending' })
    const input = planInput(policyOf(NIGHTLY.replace('[all]', '[redis]')), NOW, [HERMES], [stuck])
    assert.deepEqual(failures([], { ...input, unreadable: ['it was refused'] }), [
      `${stuck.snapshot.name} was asked for 7 h ago and is pending`,
      `no set of the policy has ${HERMES.id}`,
      'it was refused',
    ])
  })

  it('fails where there is nothing to look at: that was no success', () => {
    assert.deepEqual(failures([], { sources: [] }), ['there is no datastore that could be snapshotted'])
    assert.deepEqual(failures([], { sources: [], unreadable: ['it was refused'] }), ['it was refused'])
  })

  it('fails when the key of a point is gone, or nobody may look at it', () => {
    const points = [point(NOW - 12 * HOUR, true, 'k'), point(NOW - 2 * DAY, true, 'k')]
    assert.deepEqual([...keysOf(points)], [['k', 'eu-central-1']])
    const says = (kind: KeyState['kind']) => failures(points, {}, new Map([['k', { kind, says: 'why' }]]))
    assert.deepEqual(says('usable'), [])
    assert.deepEqual(says('unusable'), ['the key k of 2 recovery points cannot be used: why'])
    assert.deepEqual(says('unread'), ['the key k of 2 recovery points could not be looked at: why'])
  })
})
