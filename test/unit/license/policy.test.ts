import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { highWater, judgeClock, markProof, markReading, NO_MARK } from '#core/license/clock-mark.ts'
import type { License } from '#core/license/document.ts'
import { entitlementsAt } from '#core/license/entitlements.ts'
import { judgeGenuine } from '#core/license/genuine.ts'
import { assess } from '#core/license/policy.ts'
import type { Revocation } from '#core/license/revocation.ts'
import { VERDICTS, type Verdict } from '#core/license/verdicts.ts'
import {
  BEGINS,
  DAY,
  ENDS,
  INSTALLATION,
  issue,
  LICENSE,
  PRODUCT,
  seconds,
  TRUST,
  utc,
} from '../../support/licenses.ts'

function licenseOf(changes: object = {}): License {
  const judged = judgeGenuine(issue(changes), TRUST, undefined)
  assert.ok(judged.kind === 'genuine', JSON.stringify(judged))
  return judged.license
}

function circumstances(now: number, changes: object = {}) {
  return {
    now,
    mark: NO_MARK,
    installation: INSTALLATION,
    product: PRODUCT,
    revocation: undefined,
    ...changes,
  }
}

const NOTICE: Revocation = {
  license: LICENSE,
  issuedAt: utc('2026-06-01T00:00:00'),
  effective: utc('2026-09-01T00:00:00'),
  reason: '',
}

describe('policy', () => {
  const rows: ReadonlyArray<readonly [at: string, verdict: Verdict, why: string]> = [
    ['2025-12-31T23:59:59.999', 'not-yet-valid', 'it begins with the year'],
    ['2026-01-01T00:00:00', 'valid', 'its first moment'],
    ['2026-01-31T23:59:59.999', 'valid', 'the last moment before a fresh one is due'],
    ['2026-02-01T00:00:00', 'refresh-due', 'due, and that is all that it is'],
    ['2026-12-01T23:59:59.999', 'refresh-due', 'eleven months without the vendor'],
    ['2026-12-02T00:00:00', 'expiring', 'thirty days before the end'],
    ['2026-12-31T23:59:59.999', 'expiring', 'the last moment of the contract'],
    ['2027-01-01T00:00:00', 'grace', 'the end'],
    ['2027-01-14T23:59:59.999', 'grace', 'the last moment of fourteen days'],
    ['2027-01-15T00:00:00', 'expired', 'and over'],
  ]
  for (const [at, verdict, why] of rows)
    it(`says ${verdict} at ${at}: ${why}`, () =>
      assert.equal(assess(licenseOf(), circumstances(utc(at))).verdict, verdict))

  it('says until when each of them holds, to the millisecond', () => {
    for (const [at, verdict] of rows) {
      const { until } = assess(licenseOf(), circumstances(utc(at)))
      if (until === undefined) continue
      assert.equal(assess(licenseOf(), circumstances(until - 1)).verdict, verdict, at)
      assert.notEqual(assess(licenseOf(), circumstances(until)).verdict, verdict, at)
    }
  })

  it('ends on a leap day when the document says so', () => {
    const license = licenseOf({ exp: seconds(utc('2028-02-29T00:00:00')), grace_days: 1 })
    assert.equal(assess(license, circumstances(utc('2028-02-28T23:59:59.999'))).verdict, 'expiring')
    assert.equal(assess(license, circumstances(utc('2028-02-29T23:59:59.999'))).verdict, 'grace')
    assert.equal(assess(license, circumstances(utc('2028-03-01T00:00:00'))).verdict, 'expired')
  })

  it('knows another installation and another product, and any where it is for any', () => {
    const now = utc('2026-01-02T00:00:00')
    const verdict = (license: License, changes: object) =>
      assess(license, circumstances(now, changes)).verdict
    assert.equal(verdict(licenseOf(), { installation: `ins-${'cd'.repeat(16)}` }), 'wrong-installation')
    assert.equal(verdict(licenseOf(), { product: 'another' }), 'wrong-installation')
    assert.equal(verdict(licenseOf({ inst: '*' }), { installation: `ins-${'cd'.repeat(16)}` }), 'valid')
    assert.equal(verdict(licenseOf(), { installation: undefined }), 'valid')
  })

  it('gives notice of a revocation, and ends by it on its day', () => {
    const verdict = (at: string) =>
      assess(licenseOf(), circumstances(utc(at), { revocation: NOTICE })).verdict
    assert.equal(verdict('2026-08-31T23:59:59.999'), 'revocation-pending')
    assert.equal(verdict('2026-09-01T00:00:00'), 'revoked')
  })

  it('judges by the latest time known when the clock is set back, and warns instead of punishing', () => {
    const mark = markReading(markProof(NO_MARK, BEGINS, false), BEGINS + 5 * DAY)
    const judged = assess(licenseOf(), circumstances(BEGINS - 300 * DAY, { mark }))
    assert.equal(judged.verdict, 'clock-suspect')
    assert.equal(judged.at, BEGINS + 5 * DAY)
    assert.ok(VERDICTS[judged.verdict].stands)
  })

  it('cannot be made younger by setting the clock back', () => {
    const mark = markProof(NO_MARK, ENDS + 20 * DAY, true)
    const judged = assess(licenseOf(), circumstances(BEGINS + DAY, { mark }))
    assert.deepEqual([judged.verdict, judged.clockSuspect], ['expired', true])
  })

  it('a clock that is a day slow is no reason to say anything', () => {
    const mark = markProof(NO_MARK, BEGINS, false)
    assert.equal(assess(licenseOf(), circumstances(BEGINS - DAY / 2, { mark })).verdict, 'valid')
  })

  it('never gets better as time goes on (property)', () => {
    const order: Verdict[] = ['not-yet-valid', 'valid', 'refresh-due', 'expiring', 'grace', 'expired']
    const moment = fc.integer({ min: BEGINS - 60 * DAY, max: ENDS + 60 * DAY })
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        const [early, late] = [Math.min(a, b), Math.max(a, b)].map((at) =>
          order.indexOf(assess(licenseOf(), circumstances(at)).verdict),
        ) as [number, number]
        assert.ok(early <= late)
      }),
    )
  })

  it('only an end that the vendor has signed holds up an upgrade', () => {
    const held = Object.entries(VERDICTS).filter(([, { upgrades }]) => !upgrades)
    assert.deepEqual(
      held.map(([verdict]) => verdict),
      ['expired', 'revoked'],
    )
  })
})

describe('the clock mark', () => {
  it('ignores one reading far ahead, whatever comes after it', () => {
    const before = markReading(NO_MARK, BEGINS)
    const jumped = markReading(before, BEGINS + 20_000 * DAY)
    assert.equal(highWater(jumped), BEGINS)
    const back = markReading(jumped, BEGINS + DAY)
    assert.deepEqual([highWater(back), back.ahead], [BEGINS + DAY, undefined])
  })

  it('believes a clock that has been ahead for a week: the computer had been off', () => {
    const off = [90, 93, 97.5].reduce(
      (mark, days) => markReading(mark, BEGINS + days * DAY),
      markReading(NO_MARK, BEGINS),
    )
    assert.equal(highWater(off), BEGINS + 97.5 * DAY)
  })

  it('is set right by a fresh answer of the vendor, and not by an old document', () => {
    const wrong = { proved: BEGINS, read: BEGINS + 900 * DAY }
    assert.equal(highWater(markProof(wrong, BEGINS + DAY, true)), BEGINS + DAY)
    assert.equal(highWater(markProof(wrong, BEGINS + DAY, false)), BEGINS + 900 * DAY)
  })

  it('what is proved is never taken back (property)', () => {
    const step = fc.record({
      at: fc.integer({ min: 0, max: 4_000 }),
      how: fc.constantFrom('read', 'fresh', 'old'),
    })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        let mark = NO_MARK
        let proved = 0
        for (const { at, how } of steps) {
          mark = how === 'read' ? markReading(mark, at * DAY) : markProof(mark, at * DAY, how === 'fresh')
          if (how !== 'read') proved = Math.max(proved, at * DAY)
          assert.ok(highWater(mark) >= proved)
          assert.ok(judgeClock(mark, 0).at >= proved)
        }
      }),
    )
  })
})

describe('entitlements', () => {
  const NARROW = { ent: { sso: false, 'connected-users': 100 } }

  it('are widened by an earlier document until that one ends', () => {
    const before = licenseOf({ ent: { sso: true, 'connected-users': 5_000, audit: null } })
    const now = licenseOf({ ...NARROW, seq: 2, exp: seconds(ENDS + 365 * DAY) })
    assert.deepEqual(entitlementsAt(now, [before], ENDS - 1), {
      audit: null,
      'connected-users': 5_000,
      sso: true,
    })
    assert.deepEqual(entitlementsAt(now, [before], ENDS), { sso: false, 'connected-users': 100 })
  })

  it('of another license are none of this one', () => {
    const other = licenseOf({ lic: 'lic-other' })
    assert.equal(entitlementsAt(licenseOf(NARROW), [other], BEGINS)['sso'], false)
  })

  it('never narrow by a document that comes (property)', () => {
    const grant = fc.oneof(fc.boolean(), fc.nat(), fc.constant(null))
    const grants = fc.dictionary(fc.constantFrom('a', 'b', 'c'), grant)
    const rank = (value: boolean | number | null | undefined) =>
      value === null ? Infinity : value === undefined ? -1 : Number(value)
    const isOneKind = (a: unknown, b: unknown) =>
      a === undefined || a === null || b === null || typeof a === typeof b
    fc.assert(
      fc.property(grants, grants, (old, renewed) => {
        const license = licenseOf()
        const held = entitlementsAt(
          { ...license, entitlements: renewed },
          [{ ...license, entitlements: old }],
          BEGINS,
        )
        for (const name of ['a', 'b', 'c']) {
          assert.ok(rank(held[name]) >= rank(renewed[name]))
          if (isOneKind(renewed[name], old[name])) assert.ok(rank(held[name]) >= rank(old[name]), name)
        }
      }),
    )
  })
})
