import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeAge } from '#core/text/age.ts'

describe('an age for a person', () => {
  const rows = [
    { age: -5_000, text: 'just now', reason: 'the other clock is ahead' },
    { age: 999, text: 'just now', reason: 'below a second' },
    { age: 1_000, text: '1 s ago', reason: 'the first second' },
    { age: 59_999, text: '59 s ago', reason: 'the last second of a minute' },
    { age: 60_000, text: '1 min ago', reason: 'the first minute' },
    { age: 3_600_000, text: '1 h ago', reason: 'the first hour' },
    { age: 50 * 3_600_000, text: '2 d ago', reason: 'days, rounded down' },
  ]
  for (const { age, text, reason } of rows)
    it(`is "${text}": ${reason}`, () => assert.equal(describeAge(1_000_000_000, 1_000_000_000 + age), text))
})
