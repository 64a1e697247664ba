import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Instant } from '#core/clock.ts'
import { watchSessionEnds } from '#core/tunnel/session-watch.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const MINUTE = 60_000

describe('watchSessionEnds', { timeout: 10_000 }, () => {
  const watch = (limits: { idle: number; maximum: number | undefined }) => {
    const clock = new ManualClock()
    const told: string[] = []
    const start = clock.now().mono
    let lastActivity: Instant | undefined
    const stop = watchSessionEnds({
      limits,
      clock,
      lastActivity: () => lastActivity,
      tell: ({ because }) => told.push(`${because} at ${(clock.now().mono - start) / MINUTE}`),
    })
    return {
      clock,
      told,
      stop,
      active() {
        lastActivity = clock.now()
      },
    }
  }

  it('tells of each end in time, and then waits for nothing', () => {
    const { clock, told } = watch({ idle: 20 * MINUTE, maximum: 30 * MINUTE })
    clock.advance(60 * MINUTE)
    assert.deepEqual(told, ['idle at 18', 'maximum at 25'])
    assert.equal(clock.pending, 0)
  })

  it('looks again after activity, and counts from that', () => {
    const { clock, told, active } = watch({ idle: 20 * MINUTE, maximum: undefined })
    clock.advance(10 * MINUTE)
    active()
    clock.advance(19 * MINUTE)
    active()
    clock.advance(60 * MINUTE)
    assert.deepEqual(told, ['idle at 28', 'idle at 47'])
  })

  it('stops when it is told to', () => {
    const { clock, told, stop } = watch({ idle: 20 * MINUTE, maximum: undefined })
    stop()
    assert.equal(clock.pending, 0)
    clock.advance(60 * MINUTE)
    assert.deepEqual(told, [])
  })
})
