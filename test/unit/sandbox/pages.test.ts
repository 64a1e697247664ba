import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { page } from '#sandbox/aws/pages.ts'

const refuse = (): never => {
  throw new Error('refused')
}

describe('pages of a listing', () => {
  it('hold everything once, in order, whatever their size and limit', () => {
    const sizes = { size: fc.integer({ min: 1, max: 9 }), limit: fc.option(fc.integer({ min: 1, max: 9 })) }
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.record(sizes), (all, { size, limit }) => {
        const found: number[] = []
        let token: string | undefined
        do {
          const { items, next } = page(all, size, token, refuse, {
            limit: limit ?? undefined,
            repeats: false,
          })
          assert.ok(items.length <= Math.min(size, limit ?? size))
          found.push(...items)
          token = next
        } while (token !== undefined)
        assert.deepEqual(found, all)
      }),
    )
  })

  it('that repeat lead to the same next one for ever', () => {
    const paging = { limit: 2, repeats: true }
    const first = page([1, 2, 3], undefined, undefined, refuse, paging)
    const second = page([1, 2, 3], undefined, first.next, refuse, paging)
    assert.deepEqual([first.items, second.items], [[1, 2], [3]])
    assert.equal(second.next, first.next)
  })

  it('have tokens that nobody makes up', () => {
    assert.throws(() => page([1], 1, 'x', refuse), /refused/)
  })
})
