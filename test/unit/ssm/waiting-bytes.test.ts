import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { WaitingBytes } from '#core/ssm/waiting-bytes.ts'
import { boxed } from '../../support/boxed.ts'
import { seededBytes } from '../../support/random.ts'

describe('bytes that wait', { timeout: 10_000 }, () => {
  it('come out as they went in, however they are pushed and taken', () => {
    const pieces = fc.array(fc.oneof(fc.constant('take' as const), fc.nat(150_000)), { maxLength: 40 })
    fc.assert(
      fc.property(pieces, (steps) => {
        const waiting = new WaitingBytes()
        const pushed: Uint8Array[] = []
        const taken: Uint8Array[] = []
        const take = () => {
          const bytes = waiting.take()
          if (bytes !== undefined) taken.push(bytes)
          return bytes !== undefined
        }
        const lengthOf = (chunks: Uint8Array[]) => chunks.reduce((sum, { length }) => sum + length, 0)
        for (const step of steps) {
          if (step === 'take') take()
          else {
            const bytes = seededBytes(pushed.length + 1)(step)
            pushed.push(bytes.slice())
            waiting.push(bytes)
            // The caller's own may be used again at once.
            bytes.fill(0)
          }
          assert.equal(waiting.size, lengthOf(pushed) - lengthOf(taken))
        }
        while (take());
        assert.equal(waiting.size, 0)
        assert.ok(Buffer.concat(taken).equals(Buffer.concat(pushed)))
      }),
      boxed(200, 5_000),
    )
  })

  it('of many small messages come out in large pieces', () => {
    const waiting = new WaitingBytes()
    for (let i = 0; i < 10_000; i++) waiting.push(new Uint8Array(1_000))
    let pieces = 0
    while (waiting.take() !== undefined) pieces++
    assert.ok(pieces < 200, String(pieces))
  })

  it('are gone when they are let go', () => {
    const waiting = new WaitingBytes()
    waiting.push(new Uint8Array(10))
    waiting.clear()
    assert.equal(waiting.take(), undefined)
    assert.equal(waiting.size, 0)
  })
})
