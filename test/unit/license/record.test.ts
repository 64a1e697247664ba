import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readAnswer } from '#core/license/answer.ts'
import { judgeGenuine } from '#core/license/genuine.ts'
import { assess } from '#core/license/policy.ts'
import {
  EMPTY_RECORD,
  type LicenseRecord,
  noteReading,
  type Taken,
  takeText,
  trustOf,
} from '#core/license/record.ts'
import { LEAST_NOTICE } from '#core/license/revocation.ts'
import { digestOf } from '#core/license/seal.ts'
import { standingOf } from '#core/license/standing.ts'
import { seal } from '#sandbox/vendor/keys.ts'
import {
  BEGINS,
  DAY,
  ENDS,
  FIRST,
  INSTALLATION,
  issue,
  keyList,
  LICENSE,
  PRODUCT,
  revocation,
  SECOND,
  STRANGER,
  seconds,
  severityOf,
  TRUST,
  utc,
} from '../../support/licenses.ts'

const NOW = utc('2026-01-10T00:00:00')
const REVOKED_SINCE = utc('2026-02-01T00:00:00')

const taking = (changes: object = {}) => ({
  base: TRUST,
  now: NOW,
  installation: INSTALLATION,
  product: PRODUCT,
  by: 'answer' as const,
  ...changes,
})

function take(record: LicenseRecord, text: string, changes: object = {}) {
  return takeText(record, text, taking(changes))
}

/** Takes several in order, each at its own moment. */
function taken(...steps: ReadonlyArray<readonly [text: string, now?: number]>): LicenseRecord {
  return steps.reduce((record, [text, now = NOW]) => take(record, text, { now }).record, EMPTY_RECORD)
}

const standing = (record: LicenseRecord, now = NOW) =>
  standingOf(record, { base: TRUST, now, installation: INSTALLATION, product: PRODUCT })

function succession({ taken }: { readonly taken: Taken }): string {
  if (taken.kind !== 'document') return taken.kind === 'refused' ? taken.verdict : taken.kind
  return taken.succession.kind === 'newer' ? taken.succession.chain : taken.succession.kind
}

describe('taking a document', () => {
  const first = issue()
  const record = taken([first])
  const rows: ReadonlyArray<readonly [why: string, text: string, succession: string, replaces: boolean]> = [
    ['the very same', first, 'same', false],
    ['the next one', issue({ seq: 2, prev: digestOf(first) }), 'follows', true],
    ['a later one: the installation was restored from a backup', issue({ seq: 9 }), 'skips', true],
    ['the next number behind another document', issue({ seq: 2, prev: digestOf('x') }), 'differs', true],
    ['the same number on another document', issue({ tier: 'basic' }), 'conflict', false],
    ['another license, by an answer', issue({ lic: 'lic-other', seq: 5 }), 'other-license', false],
    ['another installation', issue({ seq: 2, inst: `ins-${'00'.repeat(16)}` }), 'wrong-installation', false],
    ['a stranger', issue({ seq: 2 }, STRANGER), 'tampered', false],
    ['garbage', 'pgl1.x', 'unreadable', false],
    ['an answer out of its place', seal('answer', FIRST, {}), 'unreadable', false],
    [
      'a date before its key',
      issue({ seq: 2, iss_at: seconds(utc('2024-01-01T00:00:00')) }),
      'tampered',
      false,
    ],
  ]
  for (const [why, text, expected, replaces] of rows)
    it(`${why}: ${expected}`, () => {
      const result = take(record, text)
      assert.equal(succession(result), expected)
      assert.equal(result.record.documents[0]?.text, replaces ? text : first)
    })

  it('a lower number is superseded, and a replay changes nothing', () => {
    const third = taken([first], [issue({ seq: 3 })])
    const replayed = take(third, first)
    assert.equal(succession(replayed), 'superseded')
    assert.equal(replayed.record, third)
  })

  it('another license is taken from a person', () => {
    const other = issue({ lic: 'lic-other' })
    assert.equal(take(record, other, { by: 'person' }).record.documents[0]?.text, other)
  })

  it('one that has not begun leaves the place to the one before it', () => {
    const next = issue({ seq: 2, nbf: seconds(ENDS), exp: seconds(ENDS + 365 * DAY) })
    const both = take(record, next).record
    assert.equal(standing(both).license?.sequence, 1)
    assert.equal(standing(both, ENDS + DAY).license?.sequence, 2)
  })

  it('a damaged copy shows as damaged, and the copy before it counts', () => {
    const both = taken([first], [issue({ seq: 2 })])
    const [newest, ...rest] = both.documents
    const damaged = {
      ...both,
      documents: [{ text: `${newest?.text.slice(0, -1)}!`, firstSeen: NOW }, ...rest],
    }
    const { verdict, license, fault } = standing(damaged)
    assert.deepEqual([verdict, license?.sequence], ['valid', 1])
    assert.match(fault ?? '', /base64url/)
  })

  it('where all copies are damaged it is unreadable, and never expired', () => {
    const cut = { ...record, documents: [{ text: first.slice(0, 40), firstSeen: NOW }] }
    assert.equal(standing(cut, ENDS + 900 * DAY).verdict, 'unreadable')
    assert.equal(standing(EMPTY_RECORD).verdict, 'absent')
  })
})

describe('keys', () => {
  const bySecond = issue({ seq: 2, iss_at: seconds(utc('2026-03-02T00:00:00')) }, SECOND)
  const revoking = (keep: string[] = []) =>
    keyList({ revoked: [{ kid: FIRST.kid, since: seconds(REVOKED_SINCE), keep }] })

  it('the root may add one, and what the old one signed stays', () => {
    const record = taken([issue()], [keyList()], [bySecond])
    assert.equal(standing(record, utc('2026-03-03T00:00:00')).license?.sequence, 2)
    assert.equal(standing(taken([issue()], [keyList()])).verdict, 'valid')
  })

  it('before its list is here, its signature is a stranger’s', () =>
    assert.equal(succession(take(taken([issue()]), bySecond)), 'tampered'))

  it('a list by anyone else is refused, and an older list changes nothing', () => {
    const record = taken([issue()], [keyList({ seq: 5 })])
    assert.equal(succession(take(record, keyList({ seq: 9 }, FIRST))), 'tampered')
    assert.equal(take(record, keyList({ seq: 4 })).record, record)
    assert.equal(trustOf(record, TRUST).sequence, 5)
  })

  it('of a revoked key, documents that were seen before stay valid', () => {
    const record = taken([issue()], [revoking()])
    assert.equal(standing(record, utc('2026-05-01T00:00:00')).verdict, 'refresh-due')
  })

  it('a thief who backdates gains nothing: what was not here before does not count', () => {
    const backdated = issue({ seq: 7 })
    const record = taken([issue()], [revoking()])
    assert.equal(succession(take(record, backdated, { now: utc('2026-05-01T00:00:00') })), 'key-revoked')
    const clockSetBack = take(record, backdated, { now: BEGINS - 900 * DAY })
    assert.equal(succession(clockSetBack), 'key-revoked')
  })

  it('one that came after the theft and before the list is dropped, and the one before it counts', () => {
    const forged = issue({ seq: 7 })
    const record = taken(
      [issue()],
      [forged, utc('2026-02-10T00:00:00')],
      [revoking(), utc('2026-03-01T00:00:00')],
    )
    const { license, fault } = standing(record, utc('2026-03-02T00:00:00'))
    assert.equal(license?.sequence, 1)
    assert.match(fault ?? '', /other hands/)
  })

  it('what the root lists stays valid, though it is new here', () => {
    const listed = issue({ seq: 7 })
    const record = taken([revoking([digestOf(listed)])], [listed, utc('2026-05-01T00:00:00')])
    assert.equal(standing(record, utc('2026-05-01T00:00:00')).license?.sequence, 7)
  })

  it('no later list takes a revocation back', () => {
    const record = taken([revoking()], [keyList({ seq: 3 })])
    assert.deepEqual(
      trustOf(record, TRUST).revoked.map(({ kid }) => kid),
      [FIRST.kid],
    )
  })
})

describe('a revocation', () => {
  const seenAt = utc('2026-08-30T00:00:00')

  it('is refused from a stranger and for another license', () => {
    const record = taken([issue()])
    assert.equal(succession(take(record, revocation({}, STRANGER))), 'tampered')
    assert.equal(succession(take(record, revocation({ lic: 'lic-other' }))), 'wrong-installation')
  })

  it('takes effect on its date', () => {
    const record = taken([issue()], [revocation()])
    assert.equal(standing(record, utc('2026-08-31T00:00:00')).verdict, 'revocation-pending')
    assert.equal(standing(record, utc('2026-09-01T00:00:00')).verdict, 'revoked')
  })

  it('gives the least notice, however it is dated', () => {
    const record = taken([issue()], [revocation({ effective: seconds(BEGINS) }), seenAt])
    assert.equal(standing(record, seenAt + LEAST_NOTICE - 1).verdict, 'revocation-pending')
    assert.equal(standing(record, seenAt + LEAST_NOTICE).verdict, 'revoked')
  })

  it('handed in again, it still counts from the first time', () => {
    const text = revocation({ effective: seconds(BEGINS) })
    const record = taken([issue()], [text, seenAt], [text, seenAt + 10 * DAY])
    assert.equal(standing(record, seenAt + LEAST_NOTICE).verdict, 'revoked')
  })

  it('is taken back by a document that is issued after it', () => {
    const renewed = issue({ seq: 2, iss_at: seconds(utc('2026-07-01T00:00:00')) })
    const record = taken([issue()], [revocation()], [renewed])
    assert.equal(standing(record, utc('2026-09-02T00:00:00')).verdict, 'refresh-due')
  })
})

describe('an answer', () => {
  const question = { nonce: 'n-1', license: LICENSE, askedAt: NOW }
  const answer = (changes: object = {}, key = FIRST) =>
    seal('answer', key, { nonce: 'n-1', lic: LICENSE, time: seconds(NOW), ...changes })
  const kindOf = (text: string, trust = TRUST) => readAnswer(text, trust, question).kind

  it('is one to this question alone', () => {
    assert.equal(kindOf(answer()), 'answered')
    assert.equal(kindOf(answer({ nonce: 'n-2' })), 'none')
    assert.equal(kindOf(answer({ lic: 'lic-other' })), 'none')
    assert.equal(kindOf(answer({}, STRANGER)), 'none')
    assert.equal(kindOf('{"status":"revoked"}'), 'none')
  })

  it('of another time than ours is told as such', () => {
    assert.equal(kindOf(answer({ time: seconds(NOW) + 600 })), 'answered')
    assert.equal(kindOf(answer({ time: seconds(NOW) + 601 })), 'other-time')
    assert.equal(kindOf(answer({ time: seconds(NOW) - 601 })), 'other-time')
  })

  it('by a revoked key is none', () => {
    const record = taken([keyList({ revoked: [{ kid: FIRST.kid, since: seconds(ENDS), keep: [] }] })])
    assert.equal(kindOf(answer(), trustOf(record, TRUST)), 'none')
  })
})

/**
 * The promise, over everything that may happen: an installation that holds a document is never judged worse than that
 * document's own dates say at the time, whatever outages, replies of others, corruptions, rotations and clocks there are
 * in between.
 */
describe('whatever happens', () => {
  const held = issue()
  const rotation = keyList()
  const moment = fc.integer({ min: -400, max: 800 }).map((days) => BEGINS + days * DAY)
  const event = fc.oneof(
    fc.record({ kind: fc.constant('outage' as const), at: moment }),
    fc.record({
      kind: fc.constant('reply' as const),
      at: moment,
      text: fc.oneof(
        fc.string(),
        fc.constantFrom(
          issue({ seq: 9 }, STRANGER),
          revocation({ effective: seconds(BEGINS) }, STRANGER),
          keyList({ seq: 9 }, STRANGER),
          issue({ seq: 9, exp: seconds(BEGINS) + 1, lic: 'lic-other' }),
          issue({ seq: 9, exp: seconds(BEGINS) + 1, inst: `ins-${'00'.repeat(16)}` }),
          held,
          rotation,
        ),
      ),
    }),
    fc.record({ kind: fc.constant('corrupt-newest' as const), at: moment, cut: fc.nat(400) }),
  )

  it('no sequence of outages, garbage, replays, rotations and damage lowers a verdict below its own dates', () => {
    const own = judgeGenuine(held, TRUST, undefined)
    assert.ok(own.kind === 'genuine')
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), moment, (events, now) => {
        let record = taken([held, BEGINS])
        for (const each of events) {
          if (each.kind === 'outage') record = { ...record, attempt: { at: each.at, outcome: 'timed-out' } }
          else if (each.kind === 'reply') record = take(record, each.text, { now: each.at }).record
          else
            record = {
              ...record,
              documents: [{ text: held.slice(0, each.cut), firstSeen: each.at }, ...record.documents],
            }
        }
        const judged = standing(record, now)
        const alone = assess(own.license, {
          now,
          mark: record.mark,
          installation: INSTALLATION,
          product: PRODUCT,
          revocation: undefined,
        })
        assert.ok(
          severityOf(judged.verdict) <= severityOf(alone.verdict),
          `${judged.verdict} < ${alone.verdict}`,
        )
      }),
      { numRuns: 300 },
    )
  })

  it('a clock that was wrong for less than a week is forgiven, however wrong (property)', () => {
    const reading = fc.record({ hour: fc.integer({ min: 1, max: 6 * 24 }), wrong: fc.boolean() })
    fc.assert(
      fc.property(fc.array(reading), fc.integer({ min: 1, max: 30_000 }), (readings, off) => {
        let record = noteReading(taken([held, BEGINS]), BEGINS)
        for (const { hour, wrong } of readings.toSorted((a, b) => a.hour - b.hour))
          record = noteReading(record, BEGINS + hour * 3_600_000 + (wrong ? off * DAY : 0))
        const now = BEGINS + 7 * DAY
        assert.ok(severityOf(standing(noteReading(record, now), now).verdict) === 0)
      }),
    )
  })
})
