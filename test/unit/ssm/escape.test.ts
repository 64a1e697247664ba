import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type EscapeState, watchForEscape } from '#core/ssm/escape.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

describe('the way out of a session that does not answer', () => {
  const rows: Array<{ typed: string; from: EscapeState; sent: string; leave: boolean; why: string }> = [
    { typed: '~.', from: 'line-start', sent: '', leave: true, why: 'the escape itself' },
    {
      typed: 'ls\r~.rest',
      from: 'line-start',
      sent: 'ls\r',
      leave: true,
      why: 'after a line, and the rest is dropped',
    },
    { typed: 'a~.', from: 'line-start', sent: 'a~.', leave: false, why: 'only at the start of a line' },
    { typed: '~~x', from: 'line-start', sent: '~x', leave: false, why: 'two tildes send one' },
    {
      typed: '~/bin\r',
      from: 'line-start',
      sent: '~/bin\r',
      leave: false,
      why: 'a home folder is typed like this',
    },
    { typed: '.', from: 'tilde', sent: '', leave: true, why: 'keys arrive one at a time' },
    { typed: '~', from: 'line-start', sent: '', leave: false, why: 'a tilde waits for the next key' },
    { typed: '\r', from: 'tilde', sent: '~\r', leave: false, why: 'a held tilde travels before the key' },
    { typed: '~.', from: 'within-line', sent: '~.', leave: false, why: 'in the middle of a line it is text' },
  ]
  for (const { typed, from, sent, leave, why } of rows)
    it(`${JSON.stringify(typed)} from ${from}: ${why}`, () => {
      const result = watchForEscape(from, Buffer.from(typed, 'latin1'))
      assert.equal(text(result.bytes), sent)
      assert.equal(result.leave, leave)
    })

  it('gives the same however the input is cut', () => {
    const keys = fc
      .array(fc.constantFrom('~', '.', '\r', '\n', 'a'), { maxLength: 12 })
      .map((list) => list.join(''))
    fc.assert(
      fc.property(keys, fc.nat(12), (typed, at) => {
        const input = Buffer.from(typed, 'latin1')
        const whole = watchForEscape('line-start', input)
        const first = watchForEscape('line-start', input.subarray(0, at))
        if (first.leave) return assert.equal(whole.leave, true)
        const second = watchForEscape(first.state, input.subarray(at))
        assert.equal(text(first.bytes) + text(second.bytes), text(whole.bytes))
        assert.equal(second.leave, whole.leave)
      }),
    )
  })
})
