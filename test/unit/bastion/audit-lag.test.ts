import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AuditWord, auditLagOf, describeAuditLag } from '#core/bastion/audit-lag.ts'

const MINUTE = 60_000
const NOW = 1_000 * MINUTE

describe('how far the log group is behind', () => {
  const cases: [what: string, word: AuditWord, behind: number, says: RegExp | undefined][] = [
    ['nothing waits', { at: NOW - 20_000, oldest: null, trouble: null }, 0, undefined],
    ['what has just happened', { at: NOW, oldest: NOW - 3_000, trouble: null }, 3_000, undefined],
    [
      'a refusal',
      { at: NOW - 10_000, oldest: NOW - 12 * MINUTE, trouble: 'permission-denied' },
      12 * MINUTE,
      /^the audit log in the log group is 12 min behind: permission-denied \(/,
    ],
    [
      'a backlog that is being worked off',
      { at: NOW, oldest: NOW - 2 * MINUTE, trouble: null },
      2 * MINUTE,
      /2 min behind \(/,
    ],
    [
      'nobody who carries it, since the machine started or the last word',
      { at: NOW - 30 * MINUTE, oldest: null, trouble: null },
      30 * MINUTE,
      /30 min behind: nothing carries it away/,
    ],
    [
      'nobody who carries what waited already',
      { at: NOW - 5 * MINUTE, oldest: NOW - 9 * MINUTE, trouble: 'throttled' },
      9 * MINUTE,
      /9 min behind: nothing carries it away/,
    ],
    ['a clock that was set back', { at: NOW, oldest: NOW + MINUTE, trouble: null }, 0, undefined],
  ]
  for (const [what, word, behind, says] of cases)
    it(`is told of ${what}`, () => {
      const lag = auditLagOf(word, NOW)
      assert.equal(lag?.behind, behind)
      if (says === undefined) assert.equal(describeAuditLag(lag), undefined)
      else assert.match(describeAuditLag(lag) ?? '', says)
    })

  it('is not known where no log group is named, nor of an image that knows nothing of it', () => {
    for (const word of [null, undefined]) assert.equal(describeAuditLag(auditLagOf(word, NOW)), undefined)
  })
})
