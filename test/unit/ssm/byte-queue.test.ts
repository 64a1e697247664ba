import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ByteQueue } from '#core/ssm/byte-queue.ts'
import { boxed } from '../../support/boxed.ts'

describe('ByteQueue', { timeout: 10_000 }, () => {
  it('gives out what came in, however both were cut, and counts what it holds', () => {
    const property = fc.property(
      fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 30 }),
      (chunks, cuts) => {
        const queue = new ByteQueue()
        for (const chunk of chunks) queue.push(chunk)
        const all = Buffer.concat(chunks)
        const taken: Uint8Array[] = []
        for (let i = 0; queue.size > 0; i++) {
          const most = cuts[i % cuts.length] as number
          const before = queue.size
          const piece = queue.take(most)
          assert.equal(piece.length, Math.min(most, before))
          assert.equal(queue.size, before - piece.length)
          taken.push(piece)
        }
        assert.equal(Buffer.compare(Buffer.concat(taken), all), 0)
        assert.equal(queue.take(5).length, 0)
      },
    )
    fc.assert(property, boxed(300, 4_000))
  })

  it('copies nothing where one chunk holds what is asked for', () => {
    const queue = new ByteQueue()
    const chunk = Uint8Array.of(1, 2, 3)
    queue.push(chunk)
    assert.equal(queue.take(2).buffer, chunk.buffer)
  })

  it('forgets what is left when it is cleared', () => {
    const queue = new ByteQueue()
    queue.push(Uint8Array.of(1, 2, 3))
    queue.take(1)
    queue.clear()
    queue.push(Uint8Array.of(9))
    assert.deepEqual([...queue.take(5)], [9])
  })
})
