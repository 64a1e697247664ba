import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { limitCalls } from '#core/aws/call-limit.ts'
import type { AwsConnection } from '#core/aws/clients.ts'

const CALL = { action: 'ec2:DescribeVpcs', purpose: 'look' }

/** A connection of which only `call` is used. */
const connection = {
  call: (_call: unknown, _signal: unknown, run: () => Promise<unknown>) => run(),
} as AwsConnection

describe('a connection with a limit', () => {
  it('has never more calls under way than it says, loses none, and gives a place back whatever becomes of it', async () => {
    const calls = fc.array(fc.record({ turns: fc.nat(3), fails: fc.boolean() }), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), calls, async (places, wanted) => {
        const limited = limitCalls(connection, places)
        let underWay = 0
        let most = 0
        const outcomes = await Promise.allSettled(
          wanted.map(({ turns, fails }, at) =>
            limited.call(CALL, undefined, async () => {
              most = Math.max(most, ++underWay)
              for (let left = turns; left > 0; left--) await turn()
              underWay--
              if (fails) throw new Error('refused')
              return at
            }),
          ),
        )
        assert.ok(most <= places, `${most} of ${places}`)
        assert.deepEqual(
          outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'failed')),
          wanted.map(({ fails }, at) => (fails ? 'failed' : at)),
        )
        if (wanted.length > places && wanted.every(({ turns }) => turns > 0)) assert.equal(most, places)
      }),
    )
  })
})
