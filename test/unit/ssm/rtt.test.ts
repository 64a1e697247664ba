import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RoundTrip } from '#core/ssm/rtt.ts'

function sampled(...samples: number[]): RoundTrip {
  const roundTrip = new RoundTrip()
  for (const sample of samples) roundTrip.sample(sample)
  return roundTrip
}

describe('RoundTrip', { timeout: 5_000 }, () => {
  it('waits 200 ms before it knows anything, and on a fast path', () => {
    assert.equal(new RoundTrip().timeout, 200)
    assert.equal(sampled(1, 1, 1, 1).timeout, 200)
  })

  it('smooths with an eighth, and varies with a quarter', () => {
    const roundTrip = sampled(400, 480)
    assert.equal(roundTrip.smoothed, 410)
    // The variation began at half of the first sample: 200, then 200 + (80 − 200) / 4.
    assert.equal(roundTrip.timeout, 410 + 4 * 170)
  })

  it('leaves at least 10 ms over a path that never varies', () => {
    assert.equal(Math.round(sampled(...Array(200).fill(500)).timeout), 510)
  })

  it('doubles at every wait in vain, up to 4 s, until the next sample', () => {
    const roundTrip = new RoundTrip()
    const waits = Array.from({ length: 8 }, () => {
      const { timeout } = roundTrip
      roundTrip.backOff()
      return timeout
    })
    assert.deepEqual(waits, [200, 400, 800, 1600, 3200, 4000, 4000, 4000])
    roundTrip.sample(5)
    assert.equal(roundTrip.timeout, 200)
  })

  it('tells a queue on the way from a long way', () => {
    assert.equal(new RoundTrip().isShort, true)
    assert.equal(sampled(1, ...Array(60).fill(40)).isShort, true, '40 ms are no queue')
    assert.equal(sampled(1, ...Array(60).fill(120)).isShort, false, 'far over the shortest')
    assert.equal(sampled(300, ...Array(60).fill(420)).isShort, true, 'a long way varies by itself')
  })

  it('forgets the old way at a new one', () => {
    const roundTrip = sampled(1, ...Array(60).fill(300))
    roundTrip.restart()
    assert.equal(roundTrip.smoothed, undefined)
    assert.equal(roundTrip.timeout, 200)
    assert.equal(roundTrip.isShort, true)
  })
})
