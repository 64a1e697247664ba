import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PortSession } from '#core/ssm/port-session.ts'
import { scaled } from '../../support/boxed.ts'
import { runSeeds, seedsOf } from '../../support/link-simulator.ts'
import { simulatePortSession } from '../../support/port-simulation.ts'

const makeClient = (random: (length: number) => Uint8Array) =>
  new PortSession({ sessionId: 'simulated', targetId: 'i-0a1b2c3d4e5f60718', random })

/*
 * Our port session against the sandbox agent's engine, which share no queue, over a network that loses, repeats,
 * reorders and cuts. `SEED=n` runs one seed.
 */
describe('simulated port sessions', { timeout: 120_000 }, () => {
  it('lose no byte of many connections, over 700 bad networks', () => {
    let refused = 0
    let bytes = 0
    runSeeds(seedsOf(1, 700), (seed) => {
      const result = simulatePortSession({ seed, multiplexed: true, makeClient })
      refused += result.refused
      bytes += result.uploaded + result.downloaded
    })
    if (process.env['SEED'] !== undefined) return
    assert.ok(refused > scaled(700) / 7, `only ${refused} connections were refused`)
    assert.ok(bytes > scaled(700) * 70_000, `only ${bytes} bytes went over`)
  })

  it('lose no byte of one raw stream, over 200 bad networks', () => {
    runSeeds(seedsOf(10_000, 200), (seed) => simulatePortSession({ seed, multiplexed: false, makeClient }))
  })

  it('survive an agent that stalls under uploads, over 60 bad networks', () => {
    const stall = { bytesPerSecond: 100_000, buffer: 24_000, pause: 1_500 }
    runSeeds(seedsOf(20_000, 60), (seed) =>
      simulatePortSession({ seed, multiplexed: true, makeClient, stall }),
    )
  })

  it('are the same every time for the same seed', () => {
    const once = simulatePortSession({ seed: 42, multiplexed: true, makeClient })
    assert.deepEqual(simulatePortSession({ seed: 42, multiplexed: true, makeClient }), once)
    assert.notDeepEqual(simulatePortSession({ seed: 43, multiplexed: true, makeClient }), once)
  })

  it('say which seed failed', () => {
    const fail = () => {
      throw new Error('lost')
    }
    assert.throws(() => runSeeds([7], fail), /SEED=7 failed: lost/)
  })
})
