import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redirectionOf, shardOf, slotOf } from '#sandbox/datastores/redis-slots.ts'

const NODE = { shard: 0, isPrimary: true, primaries: ['one.example', 'two.example'], port: 6379 }
const words = (...texts: string[]) => texts.map((text) => Buffer.from(text))

describe('the slots of keys', () => {
  // The first is of the specification's own text, the others were asked of a Redis 7.0.15.
  for (const [key, slot] of [
    ['123456789', 12_739],
    ['foo', 12_182],
    ['bar', 5_061],
    ['world', 9_059],
    ['b', 3_300],
    ['{bar}.more', 5_061],
    ['x{bar}{foo}', 5_061],
  ] as const)
    it(`${key} is in ${slot}`, () => assert.equal(slotOf(Buffer.from(key)), slot))

  it('are shared by the shards in order', () =>
    assert.deepEqual(
      [0, 8_191, 8_192, 16_383].map((slot) => shardOf(slot, 2)),
      [0, 0, 1, 1],
    ))

  it('lead a command to the node that has them, and one of several to none', () => {
    assert.equal(redirectionOf(NODE, 'GET', words('bar')), undefined)
    assert.deepEqual(redirectionOf(NODE, 'GET', words('foo')), { error: 'MOVED 12182 two.example:6379' })
    assert.deepEqual(redirectionOf({ ...NODE, isPrimary: false }, 'GET', words('bar')), {
      error: 'MOVED 5061 one.example:6379',
    })
    assert.deepEqual(redirectionOf(NODE, 'MGET', words('foo', 'bar')), {
      error: "CROSSSLOT Keys in request don't hash to the same slot",
    })
    assert.equal(redirectionOf(NODE, 'PING', words('foo')), undefined)
  })
})
