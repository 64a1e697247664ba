import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type DeleteAction, makePlan, type Plan, type PlanInput } from '#core/snapshots/plan.ts'
import type { Snapshot } from '#core/snapshots/snapshot.ts'
import {
  DAY,
  foreignSnapshot,
  HOUR,
  NIGHTLY,
  ourSnapshot,
  planInput,
  policyOf,
  REGION,
  sourceOf,
} from '../../support/snapshot-scene.ts'

/** Ten minutes after the slot of 02:30 in Berlin. */
const NOW = Date.parse('2026-11-25T01:40Z')
const POLICY = policyOf(NIGHTLY)
const HERMES = sourceOf('rds-instance', 'hermes')
const QUEUE = sourceOf('cache-cluster', 'redis-queue')

/** `count` nightly ones, the newest of yesterday. */
function nights(count: number, source = HERMES, more: Partial<Snapshot> = {}) {
  return Array.from({ length: count }, (_, index) =>
    ourSnapshot(source, Date.parse('2026-11-24T01:30Z') - index * DAY, more),
  )
}

function deletes(plan: Plan): DeleteAction[] {
  return plan.actions.filter((action) => action.kind === 'delete')
}

function daysOf(plan: Plan): string[] {
  return deletes(plan).map(({ name }) => name.slice(6, 14))
}

describe('what a plan makes', () => {
  it('the snapshot of the slot that is due, of every datastore, with one point', () => {
    const { actions } = makePlan(planInput(POLICY, NOW, [HERMES, QUEUE], []))
    assert.deepEqual(
      actions.map((action) => action.kind === 'create' && [action.source.id, action.shelf, action.node]),
      [
        ['paragon-acme-1-hermes', 'rds-instances', undefined],
        ['paragon-acme-1-redis-queue', 'caches', 'paragon-acme-1-redis-queue'],
      ],
    )
    const [first, second] = actions.map((action) => (action.kind === 'create' ? action : assert.fail()))
    assert.match(first?.name ?? '', /^pgctl-202611250230-[0-9a-f]{12}$/)
    assert.equal(first?.tags['pgctl:point'], second?.tags['pgctl:point'])
    assert.equal(first?.tags['pgctl:slot'], 'Europe/Berlin 2026-11-25T02:30 1')
    assert.equal(first?.because, 'the slot Europe/Berlin 2026-11-25T02:30 1 of nightly is due')
  })

  it('nothing where it is there, in whatever state', () => {
    const [create] = makePlan(planInput(POLICY, NOW, [HERMES], [])).actions
    assert.ok(create?.kind === 'create')
    for (const state of ['pending', 'available', 'unknown'] as const) {
      const there = foreignSnapshot(HERMES, NOW, { name: create.name, state })
      assert.deepEqual(makePlan(planInput(POLICY, NOW, [HERMES], [{ snapshot: there }])).actions, [])
    }
  })

  for (const [why, source, more] of [
    ['its status is modifying', { status: 'modifying' }, {}],
    ['its backup window is open', { windows: [{ what: 'backup', span: '01:00-02:00' }] }, {}],
    ['holds 100 manual snapshots of rds-instances, and 100 is the most', {}, { full: 100 }],
  ] as const)
    it(`it waits, and says so: ${why}`, () => {
      const hermes = sourceOf('rds-instance', 'hermes', source)
      const others = Array.from({ length: 'full' in more ? more.full : 0 }, (_, index) => ({
        snapshot: foreignSnapshot(sourceOf('rds-instance', `other-${index}`), NOW - DAY),
      }))
      const plan = makePlan(planInput(POLICY, NOW, [hermes], others))
      assert.deepEqual(plan.actions, [])
      assert.ok(plan.notices[0]?.includes(why), plan.notices[0])
    })

  it('the last free place is given once', () => {
    const others = Array.from({ length: 99 }, (_, index) => ({
      snapshot: foreignSnapshot(sourceOf('rds-instance', `other-${index}`), NOW - DAY),
    }))
    const zeus = sourceOf('rds-instance', 'zeus')
    assert.equal(makePlan(planInput(POLICY, NOW, [HERMES, zeus], others)).actions.length, 1)
  })

  it('a slot that nobody began in time is missed, and never made late', () => {
    const plan = makePlan(planInput(POLICY, NOW + 5 * HOUR, [HERMES], []))
    assert.deepEqual(plan.actions, [])
    assert.match(plan.notices[0] ?? '', /was missed: it could begin within 240 min/)
  })

  it('a datastore in no set is told of', () => {
    const some = policyOf(NIGHTLY.replace('[all]', '[redis]'))
    assert.match(makePlan(planInput(some, NOW, [HERMES], [])).notices[0] ?? '', /in no set of the policy/)
  })

  const COPIED = `${NIGHTLY}    copy: { region: eu-west-1, key: alias/away }\n`
  const away = { shelf: 'rds-instances', region: 'eu-west-1', snapshots: [], missing: undefined } as const
  it('a copy of the newest complete one, once', () => {
    const own = nights(3, HERMES, { arn: 'arn:aws:rds:eu-central-1:1:snapshot:x', key: 'arn:key' })
    const input = planInput(policyOf(COPIED), NOW, [HERMES], own)
    const plan = makePlan({ ...input, listings: [...input.listings, away] })
    const [copy, ...rest] = plan.actions.filter(({ kind }) => kind === 'copy')
    assert.ok(copy?.kind === 'copy' && rest.length === 0)
    assert.deepEqual([copy.name, copy.region, copy.key], [own[0]?.snapshot.name, 'eu-west-1', 'alias/away'])
    const there = { ...(own[0] as (typeof own)[0]).snapshot, region: 'eu-west-1' }
    const after = makePlan({ ...input, listings: [...input.listings, { ...away, snapshots: [there] }] })
    assert.deepEqual(
      after.actions.filter(({ kind }) => kind === 'copy'),
      [],
    )
  })
  it('no copy of what is encrypted without a key there, and none of a cache; both are told', () => {
    const own = nights(1, HERMES, { arn: 'arn:aws:rds:eu-central-1:1:snapshot:x', key: 'arn:key' })
    const policy = policyOf(COPIED.replace(', key: alias/away', ''))
    const input = planInput(policy, NOW, [HERMES, QUEUE], own)
    const { notices } = makePlan({ ...input, listings: [...input.listings, away] })
    assert.ok(notices.some((notice) => notice.includes('names no key in eu-west-1')))
    assert.ok(notices.some((notice) => notice.includes('a cache has no copies in other regions')))
  })
})

describe('what a plan deletes', () => {
  it('what no rule keeps, the oldest first, with the reason', () => {
    const plan = makePlan(planInput(POLICY, NOW, [HERMES], nights(5)))
    assert.deepEqual(daysOf(plan), ['20261120', '20261121'])
    assert.equal(deletes(plan)[0]?.because, 'no rule keeps it: daily 3, at least 2')
  })

  it('a run deletes no more than its cap, and says what waits', () => {
    const capped = policyOf(`${NIGHTLY}limits: { deletes: 1 }\n`)
    const plan = makePlan(planInput(capped, NOW, [HERMES], nights(6)))
    assert.deepEqual(daysOf(plan), ['20261119'])
    assert.ok(plan.notices.includes('2 more deletes wait for the next run: a run deletes 1 at most'))
  })

  const table: [why: string, change: Partial<PlanInput>][] = [
    ['an inventory that is not complete', { unreadable: ['rds:DescribeDBInstances was refused'] }],
    [
      'a listing that is not complete',
      { listings: [{ shelf: 'caches', region: REGION, snapshots: [], missing: 'a page was lost' }] },
    ],
    ['a datastore that is gone', { sources: [] }],
    ['no record of ours', { records: new Map() }],
  ]
  for (const [why, change] of table)
    it(`nothing on ${why}`, () => {
      const input = planInput(POLICY, NOW, [HERMES], nights(9))
      const listings = [...input.listings, ...(change.listings ?? [])]
      const plan = makePlan({ ...input, ...change, listings })
      assert.deepEqual(deletes(plan), [])
      assert.equal(plan.verdicts.length, change.records ? 9 : 9)
    })

  it('a datastore that is gone freezes its last copies, and the plan says so', () => {
    const { notices } = makePlan(planInput(POLICY, NOW, [], nights(9)))
    assert.ok(
      notices.some((notice) => notice.includes('is gone: its 9 snapshots')),
      notices.join(),
    )
  })

  it('a snapshot of a node that was replaced since is still one of its group, and of a group that is gone', () => {
    const group = sourceOf('cache-group', 'redis-cache')
    const now = { ...group, nodes: [`${group.id}-002`, `${group.id}-003`] }
    const own = nights(5, group, { source: `${group.id}-001` })
    assert.deepEqual(daysOf(makePlan(planInput(POLICY, NOW, [now], own))), ['20261120', '20261121'])
    const gone = makePlan(planInput(POLICY, NOW, [], own))
    assert.deepEqual(deletes(gone), [])
    assert.match(gone.notices.join(), /cache-group.*redis-cache is gone: its 5 snapshots/)
    // A cache beside it that only has such a name is none of its nodes.
    const other = nights(5, group, { source: `${group.id}-sessions` })
    assert.deepEqual(deletes(makePlan(planInput(POLICY, NOW, [now], other))), [])
  })

  it('tags alone do not make one ours', () => {
    const spoofed = nights(9).map(({ snapshot }) => ({ snapshot }))
    const renamed = nights(9).map(({ snapshot, record }) => ({
      snapshot: { ...snapshot, name: `x${snapshot.name}` },
      record,
    }))
    const moved = nights(9).map(({ snapshot, record }) => ({
      snapshot: { ...snapshot, tags: { ...snapshot.tags, 'pgctl:slot': 'UTC 2020-01-01T00:00 1' } },
      record,
    }))
    for (const all of [spoofed, renamed, moved])
      assert.deepEqual(deletes(makePlan(planInput(POLICY, NOW, [HERMES], all))), [])
  })

  it('a tightened policy waits, and says so', () => {
    const before = policyOf(NIGHTLY.replace('daily: 3', 'daily: 6'))
    const at = (days: number) =>
      makePlan(
        planInput(POLICY, NOW, [HERMES], nights(9), {
          previous: [{ policy: before, until: NOW - days * DAY }],
        }),
      )
    assert.deepEqual(daysOf(at(1)), ['20261116', '20261117', '20261118'], 'what both policies delete goes')
    assert.ok(at(1).notices.some((notice) => notice.startsWith('the rules were tightened: 3 snapshots')))
    assert.equal(
      at(1).verdicts.find(({ name }) => name.includes('20261120'))?.reasons[0],
      'the rules were tightened: it goes on 2026-12-01 at the earliest',
    )
    assert.equal(daysOf(at(7)).length, 6)
  })

  it('a policy of before that cannot be read keeps everything', () => {
    const previous = [{ policy: undefined, until: NOW - DAY }]
    assert.deepEqual(deletes(makePlan(planInput(POLICY, NOW, [HERMES], nights(9), { previous }))), [])
  })

  it('a digest stands for the actions, not for the moment', () => {
    const plan = (now: number, count: number) =>
      makePlan(planInput(POLICY, now, [HERMES], nights(count))).digest
    assert.equal(plan(NOW, 5), plan(NOW + 60_000, 5))
    assert.notEqual(plan(NOW, 5), plan(NOW, 6))
  })
})

describe('a plan, always', () => {
  const someSource = fc.constantFrom(HERMES, QUEUE, sourceOf('rds-instance', 'zeus'))
  const someSnapshots = fc.array(
    fc.record({
      source: someSource,
      daysAgo: fc.integer({ min: -2, max: 60 }),
      kind: fc.constantFrom('ours', 'ours', 'ours', 'spoofed', 'foreign'),
      state: fc.constantFrom(
        'available',
        'available',
        'available',
        'pending',
        'failed',
        'deleting',
        'unknown',
      ),
      held: fc.constantFrom(false, false, false, true),
    }),
    { maxLength: 60 },
  )
  it('leaves the minimum, the newest, the foreign, the future and the unusable; and no more than the cap', () => {
    fc.assert(
      fc.property(
        someSnapshots,
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1, max: 4 }),
        (list, cap, minimum) => {
          const policy = policyOf(
            `${NIGHTLY.replace('minimum: 2', `minimum: ${minimum}`)}limits: { deletes: ${cap} }\n`,
          )
          const all = list.map(({ source, daysAgo, kind, state, held }) => {
            const { snapshot, record } = ourSnapshot(source, NOW - daysAgo * DAY - HOUR, {
              state,
            } as Partial<Snapshot>)
            const tags = { ...(kind === 'foreign' ? {} : snapshot.tags), ...(held ? { hold: '' } : {}) }
            return { snapshot: { ...snapshot, tags }, ...(kind === 'ours' ? { record } : {}) }
          })
          const unique = [
            ...new Map(all.map((each) => [`${each.snapshot.shelf}${each.snapshot.name}`, each])).values(),
          ]
          const plan = makePlan(planInput(policy, NOW, [HERMES, QUEUE], unique))
          const gone = new Set(deletes(plan).map(({ shelf, name }) => `${shelf}${name}`))
          assert.ok(gone.size <= cap && gone.size === deletes(plan).length)
          for (const source of [HERMES, QUEUE]) {
            const usable = unique.filter(
              ({ snapshot, record }) =>
                snapshot.source === source.id &&
                record &&
                snapshot.state === 'available' &&
                (snapshot.takenAt ?? 0) <= NOW,
            )
            const remain = usable.filter(({ snapshot }) => !gone.has(`${snapshot.shelf}${snapshot.name}`))
            assert.ok(remain.length >= Math.min(usable.length, minimum))
            const newest = Math.max(...usable.map(({ snapshot }) => snapshot.takenAt ?? 0))
            assert.ok(usable.length === 0 || remain.some(({ snapshot }) => snapshot.takenAt === newest))
          }
          for (const { snapshot, record } of unique)
            if (gone.has(`${snapshot.shelf}${snapshot.name}`)) {
              assert.ok(record && snapshot.state === 'available' && snapshot.tags['hold'] === undefined)
              assert.ok(
                [HERMES.id, QUEUE.id].includes(snapshot.source) && (snapshot.takenAt ?? NOW + 1) <= NOW,
              )
            }
          assert.ok(plan.verdicts.every(({ reasons }) => reasons.length > 0))
        },
      ),
      { numRuns: 300 },
    )
  })
})
