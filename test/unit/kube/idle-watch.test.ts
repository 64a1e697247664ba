import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IdleWatch } from '#core/kube/idle-watch.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** A watch whose probes answer as told, on a clock that is turned by hand. */
function start(...answers: ('current' | 'behind')[]) {
  const clock = new ManualClock()
  const seen = { probes: 0, deaths: 0 }
  const probe = async () => {
    seen.probes += 1
    return answers[seen.probes - 1] ?? 'current'
  }
  const watch = new IdleWatch(clock, probe, () => {
    seen.deaths += 1
  })
  return {
    watch,
    seen,
    clock,
    /** Lets time pass, and a probe's answer arrive. */
    async pass(ms: number) {
      clock.advance(ms)
      await new Promise(setImmediate)
    },
  }
}

describe('IdleWatch', () => {
  it('probes a silent stream, less and less often while it is current', async () => {
    const { watch, seen, pass } = start()
    watch.start()
    await pass(29_999)
    assert.equal(seen.probes, 0)
    await pass(1)
    assert.equal(seen.probes, 1)
    await pass(59_999)
    assert.equal(seen.probes, 1)
    await pass(1)
    assert.equal(seen.probes, 2)
    assert.equal(seen.deaths, 0)
    watch.stop()
  })

  it('gives a stream that is behind a moment to catch up, and then calls it dead', async () => {
    const { watch, seen, pass } = start('behind')
    watch.start()
    await pass(30_000)
    assert.equal(seen.deaths, 0)
    await pass(2_000)
    assert.equal(seen.deaths, 1)
  })

  it('spares a stream that speaks while it is probed or waited for', async () => {
    const { watch, seen, pass } = start('behind')
    watch.start()
    await pass(30_000)
    watch.stop()
    watch.start()
    await pass(29_999)
    assert.equal(seen.deaths, 0)
    assert.equal(seen.probes, 1)
    watch.stop()
  })

  it('does not count silence that is not the stream’s', async () => {
    const { watch, seen, pass, clock } = start('behind')
    watch.start()
    watch.stop()
    await pass(600_000)
    assert.deepEqual(seen, { probes: 0, deaths: 0 })
    assert.equal(clock.pending, 0)
  })

  it('waits only a moment for a stream whose container is over, however often it is told', async () => {
    const { watch, seen, pass } = start()
    watch.start()
    watch.hurry()
    await pass(2_999)
    watch.hurry()
    await pass(1)
    assert.deepEqual(seen, { probes: 0, deaths: 1 })
  })

  it('begins that moment when somebody waits for the stream', async () => {
    const { watch, seen, pass } = start()
    watch.hurry()
    await pass(10_000)
    assert.equal(seen.deaths, 0)
    watch.start()
    await pass(3_000)
    assert.equal(seen.deaths, 1)
  })
})
