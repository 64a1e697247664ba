import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { acceptedEvents } from '#sandbox/aws/services/log-batch.ts'

/** What the log service says of a batch, as its documentation and its errors do. */

const NOW = Date.UTC(2026, 10, 23, 10)
const HOUR = 3_600_000
const at = (timestamp: number, message = 'x') => ({ timestamp, message })

describe('a batch of log events', () => {
  const refused: [what: string, batch: unknown, why: RegExp][] = [
    ['none', [], /logEvents.*constraint/],
    ['no list', undefined, /logEvents.*constraint/],
    ['too many', Array.from({ length: 10_001 }, () => at(NOW)), /constraint/],
    ['nothing in one', [at(NOW, '')], /logEvents\.0\.message/],
    ['no order', [at(NOW), at(NOW - 1)], /must be in chronological order\./],
    ['more than a day', [at(NOW - 25 * HOUR), at(NOW)], /cannot span more than 24 hours\./],
    [
      'too many bytes',
      [at(NOW, 'ü'.repeat(524_276))],
      /^Upload too large: 1048578 bytes exceeds limit of 1048576$/,
    ],
  ]
  for (const [what, batch, why] of refused)
    it(`is refused with ${what}`, () =>
      assert.throws(() => acceptedEvents(batch, NOW), { code: 'InvalidParameterException', message: why }))

  it('is taken up to its limits', () => {
    const full = [at(NOW, 'ü'.repeat(524_275))]
    assert.equal(acceptedEvents(full, NOW).accepted.length, 1)
    assert.equal(acceptedEvents([at(NOW - 24 * HOUR), at(NOW)], NOW).rejected, undefined)
  })

  it('is taken but for what is too old and too far ahead, which is told by where it is', () => {
    const [old, older] = [NOW - 15 * 24 * HOUR, NOW - 16 * 24 * HOUR]
    const { accepted, rejected } = acceptedEvents([at(older), at(old), at(NOW), at(NOW + 3 * HOUR)], NOW)
    assert.deepEqual(accepted, [at(NOW)])
    assert.deepEqual(rejected, { tooNewLogEventStartIndex: 3, tooOldLogEventEndIndex: 2 })
  })
})
