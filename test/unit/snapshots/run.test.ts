import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makePlan, type PlanInput } from '#core/snapshots/plan.ts'
import { HANDLING, REFUSAL_REASONS, type RefusalReason } from '#core/snapshots/refusal.ts'
import { type Answer, type RunReport, run, type Step } from '#core/snapshots/run.ts'
import {
  DAY,
  HOUR,
  NIGHTLY,
  ourSnapshot,
  planInput,
  policyOf,
  REGION,
  sourceOf,
} from '../../support/snapshot-scene.ts'

const NOW = Date.parse('2026-11-25T01:40Z')
const HERMES = sourceOf('rds-instance', 'hermes')
const POLICY = policyOf(NIGHTLY)

/** Runs the plan of `input`, answering each step; `record` sees the steps. */
function drive(input: PlanInput, answer: (step: Step) => Answer): { report: RunReport; steps: string[] } {
  const machine = run(makePlan(input), input)
  const steps: string[] = []
  let turn = machine.next()
  while (!turn.done) {
    steps.push(turn.value.kind)
    turn = machine.next(answer(turn.value))
  }
  return { report: turn.value, steps }
}

const refused = (reason: RefusalReason): Answer => ({
  kind: 'refused',
  refusal: { reason, says: `says ${reason}` },
})

describe('run', () => {
  it('writes down what it asks for before it asks', () => {
    const { steps, report } = drive(planInput(POLICY, NOW, [HERMES], []), () => ({ kind: 'accepted' }))
    assert.deepEqual(steps, ['remember-point', 'remember', 'create'])
    assert.deepEqual(
      report.results.map(({ outcome }) => outcome),
      ['started'],
    )
  })

  for (const reason of REFUSAL_REASONS.filter((each) => each !== 'exists'))
    it(`a create that is refused as ${reason} is ${HANDLING[reason]}`, () => {
      const remembered: unknown[] = []
      const { steps, report } = drive(planInput(POLICY, NOW, [HERMES], []), (step) => {
        if (step.kind === 'remember') remembered.push(step.record.refused)
        return step.kind === 'create' ? refused(reason) : undefined
      })
      const tries = steps.filter((kind) => kind === 'create').length
      assert.equal(tries, HANDLING[reason] === 'now' ? 4 : 1)
      assert.equal(steps.filter((kind) => kind === 'pause').length, tries - 1)
      assert.equal(report.results[0]?.outcome, HANDLING[reason] === 'never' ? 'failed' : 'later')
      assert.equal(report.results[0]?.why, `says ${reason}`)
      assert.deepEqual(remembered, HANDLING[reason] === 'never' ? [undefined, reason] : [undefined])
    })

  it('what is there already is adopted where it is ours: of the datastore, or of a node of it', () => {
    const group = sourceOf('cache-group', 'redis-cache')
    for (const [source, want] of [
      [group.id, 'adopted'],
      [`${group.id}-002`, 'adopted'],
      [`${group.id}-sessions`, 'failed'],
      ['another', 'failed'],
    ] as const) {
      const { report } = drive(planInput(POLICY, NOW, [group], []), (step) => {
        if (step.kind === 'create') return refused('exists')
        if (step.kind !== 'list') return undefined
        const [action] = makePlan(planInput(POLICY, NOW, [group], [])).actions
        assert.ok(action?.kind === 'create')
        const { snapshot } = ourSnapshot(group, NOW, { name: action.name, tags: action.tags, source })
        return { shelf: step.shelf, region: step.region, snapshots: [snapshot], missing: undefined }
      })
      assert.equal(report.results[0]?.outcome, want, source)
    }
  })

  it('a storm that passes within the run costs waits, and no more', () => {
    let left = 3
    const { report } = drive(planInput(POLICY, NOW, [HERMES], []), (step) =>
      step.kind === 'create' ? (left-- > 0 ? refused('throttled') : { kind: 'accepted' }) : undefined,
    )
    assert.equal(report.results[0]?.outcome, 'started')
  })

  it('what was refused for good is not asked again in the slot, and the plan says why', () => {
    const input = planInput(POLICY, NOW, [HERMES], [])
    const records = new Map(input.records)
    drive(input, (step) => {
      if (step.kind === 'remember')
        records.set(`${step.record.shelf}/${step.record.region}/${step.record.name}`, step.record)
      return step.kind === 'create' ? refused('key-unusable') : undefined
    })
    const again = makePlan({ ...input, records, now: NOW + HOUR })
    assert.deepEqual(again.actions, [])
    assert.match(again.notices[0] ?? '', /failed for good: key-unusable/)
    assert.equal(
      makePlan({ ...input, records, now: NOW + DAY }).actions.length,
      1,
      'the next slot is another',
    )
  })
})

describe('the deletes of a run', () => {
  const all = Array.from({ length: 6 }, (_, index) => ourSnapshot(HERMES, NOW - HOUR - index * DAY))
  const input = planInput(POLICY, NOW, [HERMES], all)
  const listing = (snapshots: typeof all) => ({
    ...({ shelf: 'rds-instances', region: REGION, missing: undefined } as const),
    snapshots: snapshots.map(({ snapshot }) => snapshot),
  })
  const removing = (fresh: Answer, removal: Answer = { kind: 'accepted' }) =>
    drive(input, (step) =>
      step.kind === 'list' ? fresh : step.kind === 'remove' ? removal : { kind: 'accepted' },
    )
  const outcomes = ({ report }: { report: RunReport }) =>
    report.results.filter(({ action }) => action === 'delete').map(({ outcome, why }) => [outcome, why])

  it('come last, each after a look at a fresh listing', () => {
    const { steps } = removing(listing(all))
    assert.deepEqual(steps.slice(3), ['list', 'remove', 'forget', 'remove', 'forget', 'remove', 'forget'])
  })

  it('what others deleted meanwhile counts: the minimum remains', () => {
    // Four were deleted by hand: two are left, of at least two.
    assert.deepEqual(outcomes(removing(listing([all[0], all[5]] as typeof all))), [
      ['skipped', 'only 1 complete ones would remain, of at least 2'],
      ['deleted', 'it was gone already'],
      ['deleted', 'it was gone already'],
    ])
  })

  it('each delete counts for the guards of the next', () => {
    assert.deepEqual(
      outcomes(removing(listing([all[0], all[3], all[4], all[5]] as typeof all))).map(([outcome]) => outcome),
      ['deleted', 'deleted', 'skipped'],
    )
  })

  it('nothing where the fresh listing is not complete', () => {
    const { steps } = removing({ ...listing(all), missing: 'a page was lost' })
    assert.ok(!steps.includes('remove'))
  })

  it('one whose tags changed since is no longer ours', () => {
    const changed = all.map((each) => ({ ...each, snapshot: { ...each.snapshot, tags: {} } }))
    assert.ok(!removing(listing(changed)).steps.includes('remove'))
  })

  it('one that was pinned since stays', () => {
    const pinned = all.map((each) => ({
      ...each,
      snapshot: { ...each.snapshot, tags: { ...each.snapshot.tags, hold: '' } },
    }))
    assert.ok(!removing(listing(pinned)).steps.includes('remove'))
  })

  it('one that is gone when it is deleted is done; one that is busy is for later', () => {
    assert.deepEqual(outcomes(removing(listing(all), refused('gone')))[0], ['deleted', undefined])
    assert.deepEqual(outcomes(removing(listing(all), refused('snapshot-busy')))[0], [
      'later',
      'says snapshot-busy',
    ])
    assert.deepEqual(outcomes(removing(listing(all), refused('denied')))[0], ['failed', 'says denied'])
  })
})
