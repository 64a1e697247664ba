import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Keep } from '#core/snapshots/policy.ts'
import { applyRetention, type Kept, type Retained } from '#core/snapshots/retention.ts'
import { Zone } from '#core/snapshots/zone.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-11-25T12:00Z')
const BERLIN = new Zone('Europe/Berlin')

const NOTHING: Keep = {
  last: 0,
  hourly: 0,
  daily: 0,
  weekly: 0,
  monthly: 0,
  yearly: 0,
  relative: 'newest',
  tags: [],
  minimum: 1,
}

function taken(at: string, more: Partial<Retained> = {}): Retained {
  return { name: at, takenAt: Date.parse(at), complete: true, ours: true, tags: {}, ...more }
}

function kept(snapshots: readonly Retained[], keep: Partial<Keep>, now = NOW): string[] {
  return names(applyRetention(snapshots, { ...NOTHING, ...keep }, BERLIN, now))
}

function names(verdicts: readonly Kept<Retained>[]): string[] {
  return verdicts.filter(({ keep }) => keep).map(({ snapshot }) => snapshot.name)
}

describe('applyRetention, case by case', () => {
  const days = ['25', '24', '23', '20', '17', '16', '15'].map((day) => taken(`2026-11-${day}T01:30Z`))

  it('an empty bucket uses up nothing', () => {
    assert.deepEqual(
      kept(days, { daily: 5 }),
      ['25', '24', '23', '20', '17'].map((day) => `2026-11-${day}T01:30Z`),
    )
  })

  it('weeks begin on Monday, and the newest of each is kept', () => {
    assert.deepEqual(kept(days, { weekly: 3 }), [
      '2026-11-25T01:30Z',
      '2026-11-20T01:30Z',
      '2026-11-15T01:30Z',
    ])
  })

  it('a rule that could keep more keeps the oldest', () => {
    assert.deepEqual(kept(days, { monthly: 2 }), ['2026-11-25T01:30Z', '2026-11-15T01:30Z'])
    assert.deepEqual(kept(days, { monthly: 1 }), ['2026-11-25T01:30Z'])
  })

  it("days are those of the policy's zone", () => {
    const night = [taken('2026-11-24T23:30Z'), taken('2026-11-24T22:30Z'), taken('2026-11-24T00:30Z')]
    assert.deepEqual(kept(night, { daily: 2 }), ['2026-11-24T23:30Z', '2026-11-24T22:30Z'])
  })

  it('a span counts back from the newest complete one, or from now where the policy says so', () => {
    const old = [taken('2026-11-10T00:00Z'), taken('2026-11-09T12:00Z'), taken('2026-11-07T00:00Z')]
    assert.deepEqual(kept(old, { within: 2 * DAY }), ['2026-11-10T00:00Z', '2026-11-09T12:00Z'])
    assert.deepEqual(kept(old, { within: 2 * DAY, relative: 'now' }), ['2026-11-10T00:00Z'])
  })

  it('what is pending satisfies no rule and is never deleted', () => {
    const pending = taken('2026-11-25T02:00Z', { complete: false })
    assert.deepEqual(kept([pending, ...days], { last: 1 }), ['2026-11-25T02:00Z', '2026-11-25T01:30Z'])
  })

  it('tags: one list is all of its tags, several lists are any of them', () => {
    const tagged = [
      taken('2026-11-25T01:30Z'),
      taken('2026-11-03T01:30Z', { tags: { release: '7', kind: 'big' } }),
      taken('2026-11-02T01:30Z', { tags: { release: '8' } }),
      taken('2026-11-01T01:30Z', { tags: { kind: 'big' } }),
    ]
    assert.deepEqual(kept(tagged, { tags: [['release=7', 'kind'], ['release=8']] }), [
      '2026-11-25T01:30Z',
      '2026-11-03T01:30Z',
      '2026-11-02T01:30Z',
    ])
  })

  it('pins and holds are honoured; a hold that has passed, or cannot be read, is told apart', () => {
    const held = (tags: Record<string, string>) =>
      kept([taken('2026-11-25T01:30Z'), taken('2026-11-01T01:30Z', { tags })], { last: 1 }).length === 2
    assert.ok(held({ hold: '' }))
    assert.ok(held({ 'hold-until': '2026-11-25' }), 'through its last day')
    assert.ok(!held({ 'hold-until': '2026-11-24' }))
    assert.ok(held({ 'hold-until': '1 Jan' }))
  })

  it('every verdict has a reason, and a delete names the rules', () => {
    const [, second] = applyRetention(days, { ...NOTHING, last: 1, daily: 1 }, BERLIN, NOW)
    assert.deepEqual(second?.reasons, ['no rule keeps it: last 1, daily 1, at least 1'])
    const [first] = applyRetention(days, { ...NOTHING, last: 1, daily: 7 }, BERLIN, NOW)
    assert.deepEqual(first?.reasons, [
      'the newest',
      'one of the 1 complete ones that always remain',
      'one of the last (1 of 1)',
      'the newest of its day (1 of 7)',
    ])
  })
})

const someCount = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant('all' as const))
const someKeep: fc.Arbitrary<Keep> = fc.record({
  last: fc.integer({ min: 0, max: 6 }),
  hourly: someCount,
  daily: someCount,
  weekly: someCount,
  monthly: someCount,
  yearly: someCount,
  within: fc.option(
    fc.integer({ min: 1, max: 60 }).map((days) => days * DAY),
    { nil: undefined },
  ),
  relative: fc.constantFrom('newest' as const, 'now' as const),
  tags: fc.constantFrom([], [['a']], [['a', 'b=1'], ['c']]),
  minimum: fc.integer({ min: 1, max: 4 }),
}) as fc.Arbitrary<Keep>

const someTags = fc.constantFrom(
  {},
  {},
  {},
  { a: '' },
  { b: '1', a: 'x' },
  { hold: '' },
  { 'hold-until': '2027-01-01' },
)
const someSnapshots = fc
  .array(
    fc.record({
      hoursAgo: fc.integer({ min: -48, max: 24 * 500 }),
      complete: fc.boolean(),
      ours: fc.constantFrom(true, true, true, false),
      tags: someTags,
      dated: fc.constantFrom(true, true, true, true, false),
    }),
    { maxLength: 40 },
  )
  .map((list) =>
    list.map(
      ({ hoursAgo, dated, ...rest }, index): Retained => ({
        ...rest,
        name: `s${index}`,
        takenAt: dated ? NOW - hoursAgo * HOUR : undefined,
      }),
    ),
  )

describe('applyRetention, always', () => {
  const runs = { numRuns: 400 }
  const sum = (snapshots: readonly Retained[], keep: Keep) =>
    new Set(names(applyRetention(snapshots, keep, BERLIN, NOW)))

  it('has exactly one verdict for each, with a reason', () => {
    fc.assert(
      fc.property(someSnapshots, someKeep, (snapshots, keep) => {
        const verdicts = applyRetention(snapshots, keep, BERLIN, NOW)
        assert.deepEqual(new Set(verdicts.map(({ snapshot }) => snapshot)), new Set(snapshots))
        assert.ok(verdicts.every(({ reasons }) => reasons.length > 0))
      }),
      runs,
    )
  })

  it('never deletes the newest, what is foreign, pending, dated in the future, held, or below the minimum', () => {
    fc.assert(
      fc.property(someSnapshots, someKeep, (snapshots, keep) => {
        const deleted = applyRetention(snapshots, keep, BERLIN, NOW).filter((verdict) => !verdict.keep)
        const usable = snapshots.filter(
          ({ complete, ours, takenAt }) => complete && ours && takenAt !== undefined && takenAt <= NOW,
        )
        const newest = Math.max(...usable.map(({ takenAt }) => takenAt as number))
        for (const { snapshot } of deleted) {
          assert.ok(usable.includes(snapshot))
          assert.ok((snapshot.takenAt as number) <= newest && snapshot.tags['hold'] === undefined)
          assert.equal(snapshot.tags['hold-until'], undefined)
        }
        assert.ok(usable.length - deleted.length >= Math.min(usable.length, keep.minimum))
      }),
      runs,
    )
  })

  it('is done when it is done: what remains is kept by a second run', () => {
    fc.assert(
      fc.property(someSnapshots, someKeep, (snapshots, keep) => {
        const first = sum(snapshots, keep)
        const remaining = snapshots.filter(({ name }) => first.has(name))
        assert.deepEqual(sum(remaining, keep), first)
      }),
      runs,
    )
  })

  it('does not depend on the order of the listing', () => {
    fc.assert(
      fc.property(someSnapshots, someKeep, fc.integer(), (snapshots, keep, seed) => {
        const shuffled = [...snapshots].sort((a, b) => hash(a.name, seed) - hash(b.name, seed))
        assert.deepEqual(sum(shuffled, keep), sum(snapshots, keep))
      }),
      runs,
    )
  })

  const rules = [
    'last',
    'hourly',
    'daily',
    'weekly',
    'monthly',
    'yearly',
    'minimum',
    'within',
    'tags',
  ] as const

  it('keeping more never deletes more', () => {
    fc.assert(
      fc.property(
        someSnapshots,
        someKeep,
        fc.constantFrom(...rules),
        fc.integer({ min: 1, max: 5 }),
        (snapshots, keep, rule, more) => {
          const less = sum(snapshots, keep)
          for (const name of less)
            assert.ok(sum(snapshots, widened(keep, rule, more)).has(name), `${rule} loses ${name}`)
        },
      ),
      runs,
    )
  })
})

function widened(keep: Keep, rule: keyof Keep, more: number): Keep {
  const value = keep[rule]
  if (rule === 'tags') return { ...keep, tags: [...keep.tags, ['c']] }
  if (rule === 'within') return { ...keep, within: (keep.within ?? 0) + more * DAY }
  return value === 'all' ? keep : { ...keep, [rule]: (value as number) + more }
}

function hash(text: string, seed: number): number {
  let value = seed
  for (const letter of text) value = Math.imul(value ^ letter.charCodeAt(0), 0x01000193)
  return value
}
