import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorCode, PgctlError } from '#core/errors.ts'
import { DEFAULT_IDLE_LIMIT, decideResume, type Loss, RESUME_PATIENCE } from '#core/ssm/resume-policy.ts'

const MINUTE = 60_000
const error = new PgctlError('session-lost', 'the data channel was lost', { why: 'no pong' })

/** A loss half an hour into a session that was used a second ago. */
function loss(change: Partial<Loss> = {}): Loss {
  const now = { mono: 1_800_000, wall: 1_801_800_000 }
  return {
    attempt: 1,
    error,
    now,
    lostAt: now,
    started: { mono: 0, wall: 1_800_000_000 },
    lastActivity: now.wall - 1_000,
    limits: { idle: 20 * MINUTE, maximum: undefined },
    chance: 0.5,
    ...change,
  }
}

describe('decideResume', { timeout: 5_000 }, () => {
  it('comes back at once, and more slowly at each failure', () => {
    assert.deepEqual(decideResume(loss()), { do: 'resume', wait: 25 })
    const waits = [2, 3, 4, 5, 6, 7, 8].map((attempt) => {
      const decision = decideResume(loss({ attempt, chance: 0 }))
      return decision.do === 'resume' && decision.wait
    })
    assert.deepEqual(waits, [20, 40, 80, 160, 320, 500, 500])
  })

  const wall = loss().now.wall
  const rows: { why: string; change: Partial<Loss>; code: ErrorCode | 'resume' }[] = [
    { why: 'just below the idle limit', change: { lastActivity: wall - 20 * MINUTE + 1 }, code: 'resume' },
    { why: 'at the idle limit', change: { lastActivity: wall - 20 * MINUTE }, code: 'session-ended' },
    { why: 'never used, older than the limit', change: { lastActivity: undefined }, code: 'session-ended' },
    {
      why: 'an unknown limit is the default',
      change: { limits: undefined, lastActivity: wall - DEFAULT_IDLE_LIMIT },
      code: 'session-ended',
    },
    {
      why: 'a longer limit holds',
      change: { limits: { idle: 60 * MINUTE, maximum: undefined }, lastActivity: wall - 50 * MINUTE },
      code: 'resume',
    },
    {
      why: 'a laptop slept through the limit: the wall clock saw it',
      change: { now: { mono: 1_800_100, wall: wall + 8 * 60 * MINUTE } },
      code: 'session-ended',
    },
    {
      why: 'a laptop slept for less: the tries begin now',
      change: { now: { mono: 1_800_100, wall: wall + 10 * MINUTE } },
      code: 'resume',
    },
    {
      why: 'at the maximum',
      change: { limits: { idle: 20 * MINUTE, maximum: 30 * MINUTE } },
      code: 'session-ended',
    },
    {
      why: 'before the maximum',
      change: { limits: { idle: 20 * MINUTE, maximum: 31 * MINUTE } },
      code: 'resume',
    },
    {
      why: 'the gateway is gone for good',
      change: { attempt: 30, lostAt: { mono: 1_800_000 - RESUME_PATIENCE, wall: 0 } },
      code: 'session-lost',
    },
    ...(
      [
        'credentials-expired',
        'permission-denied',
        'session-ended',
        'stream-url-refused',
      ] satisfies ErrorCode[]
    ).map((code) => ({
      why: `another try would only meet ${code} again`,
      change: { attempt: 2, error: new PgctlError(code, 'no') },
      code,
    })),
    {
      why: 'a throttled try is no refusal',
      change: { attempt: 2, error: new PgctlError('throttled', 'slow down') },
      code: 'resume',
    },
  ]
  for (const { why, change, code } of rows) {
    it(`${why}: ${code}`, () => {
      const decision = decideResume(loss(change))
      assert.equal(decision.do === 'end' ? decision.error.code : 'resume', code)
    })
  }

  it('says what failed last when it gives up', () => {
    const decision = decideResume(
      loss({ attempt: 9, lostAt: { mono: 1_800_000 - RESUME_PATIENCE, wall: 0 } }),
    )
    assert.ok(decision.do === 'end')
    assert.equal(decision.error.why, 'no pong')
    assert.match(decision.error.message, /120 s/)
  })
})
