import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IMPLICIT_SLEEP, SleepWatch } from '#cli/supervisor/sleep-watch.ts'
import { ManualClock } from '../../support/manual-clock.ts'

describe('a tunnel that was opened for a command', { timeout: 10_000 }, () => {
  function setUp() {
    const clock = new ManualClock()
    const closed: number[] = []
    const watch = new SleepWatch(clock, (id) => closed.push(id))
    return { clock, closed, watch }
  }

  it('ends when it has slept for long', () => {
    const { clock, closed, watch } = setUp()
    watch.saw(1, 'asleep')
    clock.advance(IMPLICIT_SLEEP - 1)
    assert.deepEqual(closed, [])
    clock.advance(1)
    assert.deepEqual(closed, [1])
  })

  it('what happens while it sleeps does not put that off; that it wakes does', () => {
    const { clock, closed, watch } = setUp()
    watch.saw(1, 'asleep')
    clock.advance(IMPLICIT_SLEEP / 2)
    watch.saw(1, 'asleep')
    watch.saw(2, 'asleep')
    watch.saw(2, 'ready')
    clock.advance(IMPLICIT_SLEEP / 2)
    assert.deepEqual(closed, [1])
    assert.equal(clock.pending, 0)
  })

  it('does not while somebody holds it, and the time begins anew after the last of them', () => {
    const { clock, closed, watch } = setUp()
    const [one, other] = [watch.hold([1]), watch.hold([1, 2])]
    watch.saw(1, 'asleep')
    clock.advance(2 * IMPLICIT_SLEEP)
    one[Symbol.dispose]()
    clock.advance(2 * IMPLICIT_SLEEP)
    other[Symbol.dispose]()
    assert.deepEqual(closed, [])
    clock.advance(IMPLICIT_SLEEP)
    assert.deepEqual(closed, [1])
  })

  it('that has ended, or is somebody’s own now, is not ended again', () => {
    const { clock, closed, watch } = setUp()
    const held = watch.hold([1])
    watch.saw(1, 'asleep')
    watch.forget(1)
    held[Symbol.dispose]()
    clock.advance(2 * IMPLICIT_SLEEP)
    assert.deepEqual(closed, [])
  })
})
