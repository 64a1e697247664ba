import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readPages } from '#core/aws/pages.ts'
import { isPgctlError } from '#core/errors.ts'

interface Page {
  readonly items: readonly number[] | undefined
  readonly next: string | undefined
}

/** Reads `pages` as a service would tell them; a token is the number of its page. */
async function readAll(pages: readonly Page[]): Promise<{ items: number[]; asked: (string | undefined)[] }> {
  const asked: (string | undefined)[] = []
  const items = await readPages(
    'things',
    async (token) => {
      asked.push(token)
      return pages[Number(token ?? 0)] as Page
    },
    (page) => page,
  )
  return { items, asked }
}

describe('a list in pages', () => {
  it('is every item of every page, in order, each page asked for once', async () => {
    const pages = fc.array(fc.option(fc.array(fc.integer()), { nil: undefined }), {
      minLength: 1,
      maxLength: 30,
    })
    await fc.assert(
      fc.asyncProperty(pages, fc.constantFrom(undefined, ''), async (contents, end) => {
        const { items, asked } = await readAll(
          contents.map((items, at) => ({ items, next: at + 1 < contents.length ? String(at + 1) : end })),
        )
        assert.deepEqual(
          items,
          contents.flatMap((each) => each ?? []),
        )
        assert.equal(asked.length, contents.length)
      }),
    )
  })

  it('is an error, and no hang, wherever a page leads back to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.nat(), async (count, seed) => {
        // The last page leads back to one that a token has led to.
        const back = String(1 + (seed % count))
        const pages = Array.from({ length: count + 1 }, (_, at) => ({
          items: [at],
          next: at === count ? back : String(at + 1),
        }))
        await assert.rejects(readAll(pages), (error) => isPgctlError(error, 'protocol-violation'))
      }),
    )
  })
})
