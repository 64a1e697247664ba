import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { renderLimits, renderSessionLife, renderSessionWarning } from '#cli/render/session.ts'
import { PgctlError } from '#core/errors.ts'

const MINUTE = 60_000

describe('what a person in a shell is told of its session', () => {
  it('a loss and its end', () => {
    const error = new PgctlError('session-lost', 'the data channel was lost\u001b[2J')
    assert.equal(
      renderSessionLife({ type: 'reconnecting', error }),
      '[pgctl: the data channel was lost\\x1b[2J; bringing it back]',
    )
    assert.equal(
      renderSessionLife({ type: 'resumed', downFor: 1_234 }),
      '[pgctl: back after 1.2 s, nothing was lost]',
    )
  })

  it('an agent that is not heard, and one that is heard again', () => {
    assert.match(renderSessionWarning({ code: 'unresponsive', silentFor: 10_400 }) ?? '', /nothing for 10 s/)
    assert.match(renderSessionWarning({ code: 'responsive', silentFor: 61_000 }) ?? '', /again after 61 s/)
    assert.equal(renderSessionWarning({ code: 'readers-caught-up' }), undefined)
  })

  it('when the policy ends it', () => {
    const now = new Date(2026, 10, 23, 13, 20).getTime()
    assert.equal(
      renderLimits({ idle: 20 * MINUTE, maximum: 60 * MINUTE }, now),
      'this session ends at 14:20, or after 20 min without traffic',
    )
    assert.equal(
      renderLimits({ idle: 20 * MINUTE, maximum: undefined }, now),
      'this session ends after 20 min without traffic',
    )
  })
})
