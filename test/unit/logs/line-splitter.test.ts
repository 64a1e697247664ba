import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LineSplitter } from '#core/logs/line-splitter.ts'

/** What a splitter gives for bytes cut into chunks at `cuts`. */
function split(bytes: Buffer, cuts: readonly number[], limit = 1_000) {
  const splitter = new LineSplitter(limit)
  const lines: string[] = []
  let from = 0
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const to = Math.min(Math.max(cut, from), bytes.length)
    lines.push(...splitter.push(bytes.subarray(from, to)))
    from = to
  }
  lines.push(...splitter.push(bytes.subarray(from)))
  return { lines, rest: splitter.rest() }
}

describe('LineSplitter', () => {
  const text = 'one\n\ntwo žluť 日本 👩‍💻\r\nlast'

  it('gives the same lines wherever the bytes are cut', () => {
    const bytes = Buffer.from(text)
    for (let cut = 0; cut <= bytes.length; cut++)
      for (let second = cut; second <= bytes.length; second++)
        assert.deepEqual(split(bytes, [cut, second]), {
          lines: ['one', '', 'two žluť 日本 👩‍💻\r'],
          rest: 'last',
        })
  })

  it('holds a character that is cut in two, and shows what is no UTF-8', () => {
    const splitter = new LineSplitter(100)
    assert.deepEqual(splitter.push(Buffer.from([0xc5])), [])
    assert.deepEqual(splitter.push(Buffer.from([0xbe, 0x0a])), ['ž'])
    assert.deepEqual(splitter.push(Buffer.from([0x61, 0xff, 0x62, 0x0a])), ['a\ufffdb'])
    assert.equal(splitter.rest(), undefined)
  })

  it('keeps the beginning of a line over the limit, the same however it came', () => {
    const long = 'x'.repeat(95)
    const bytes = Buffer.from(`a\n${long}\nb\n${'y'.repeat(10)}\n${'z'.repeat(11)}\n`)
    const want = [
      'a',
      `${'x'.repeat(10)}… (85 bytes more)`,
      'b',
      'y'.repeat(10),
      `${'z'.repeat(10)}… (1 bytes more)`,
    ]
    for (let cut = 0; cut <= bytes.length; cut++)
      assert.deepEqual(split(bytes, [cut], 10), { lines: want, rest: undefined }, `cut at ${cut}`)
  })

  it('holds no more than the limit of a line that never ends', () => {
    const splitter = new LineSplitter(1_000)
    for (let count = 0; count < 1_000; count++) splitter.push(Buffer.alloc(997, 0x78))
    assert.equal(splitter.held, 1_000)
    assert.match(splitter.rest() ?? '', /^x{1000}… \(996000 bytes more\)$/)
    assert.equal(splitter.held, 0)
  })

  it('splits as splitting the whole does (property)', () => {
    const line = fc
      .string({ unit: 'binary', maxLength: 20 })
      .filter((text) => !/[\n\ud800-\udfff]/.test(text))
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 12 }), fc.array(fc.nat(300)), (lines, cuts) => {
        const bytes = Buffer.from(lines.join('\n'))
        const { lines: whole, rest } = split(bytes, cuts)
        assert.deepEqual([...whole, rest ?? ''], bytes.toString('utf8').split('\n'))
      }),
      { numRuns: 500 },
    )
  })
})
