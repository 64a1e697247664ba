import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LineSplitter } from '#core/logs/line-splitter.ts'
import { joinSplitLine, SPLIT_FROM } from '#core/logs/split-line.ts'

const PIECES = [8 * 1024, 16 * 1024] as const
const at = (nanoseconds: number, second = '39') =>
  `2026-11-23T07:32:${second}.${String(nanoseconds).padStart(9, '0')}Z `

/** As a runtime that splits writes it, and a kubelet that prints every stamp. */
function written(text: Buffer, piece: number, stampOf: (index: number) => string = at): Buffer {
  const parts = [Buffer.from(stampOf(0)), text.subarray(0, piece)]
  for (let from = piece; from < text.length; from += piece)
    parts.push(Buffer.from(stampOf(from / piece)), text.subarray(from, from + piece))
  return Buffer.concat(parts)
}

const textOf = (length: number, unit = 'ž日x👩‍💻') => Buffer.from(unit.repeat(length)).subarray(0, length)

describe('a line that a runtime has split', () => {
  for (const piece of PIECES)
    for (const length of [1, piece - 1, piece, piece + 1, 2 * piece, 2 * piece + 1, 9 * piece + 100])
      it(`of ${length} bytes in pieces of ${piece} is joined, whichever character a seam is in`, () =>
        assert.deepEqual(
          joinSplitLine(written(textOf(length), piece)),
          Buffer.concat([Buffer.from(at(0)), textOf(length)]),
        ))

  const untouched: ReadonlyArray<[why: string, line: Buffer]> = [
    ['a stamp that is not at a seam is the program’s', written(textOf(40_000), 16 * 1024 - 1)],
    [
      'a stamp that is earlier than its piece is the program’s',
      written(textOf(40_000), 16 * 1024, (n) => at(9 - n)),
    ],
    [
      'so is one of another time',
      written(textOf(40_000), 16 * 1024, (n) => (n === 0 ? at(0) : `2027${at(0).slice(4)}`)),
    ],
    ['a long line without seams is whole', written(textOf(40_000), 50_000)],
    ['a line without a stamp is not of the runtime', textOf(40_000)],
  ]
  for (const [why, line] of untouched) it(why, () => assert.deepEqual(joinSplitLine(line), line))

  it('is joined in any zone and with as many digits as the node writes', () => {
    const stamps = ['2026-11-23T08:32:39+01:00 ', '2026-11-23T08:32:39.5+01:00 ', '2026-11-23T07:32:40Z ']
    const text = textOf(40_000)
    assert.deepEqual(
      joinSplitLine(written(text, 16 * 1024, (n) => stamps[n] as string)),
      Buffer.concat([Buffer.from(stamps[0] as string), text]),
    )
  })
})

describe('any log of a runtime that splits', () => {
  const line = fc.record({
    length: fc.oneof(fc.nat(300), fc.nat(70_000), fc.constantFrom(8_191, 8_192, 16_384, 16_385, 32_768)),
    unit: fc.constantFrom('x', 'ž', '日本', '👩‍💻', ' ', '\\', '2026-11-23T07:32:39.000000000Z '),
  })

  it('gives its lines as they were written, and never two as one, wherever the bytes are cut', () =>
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(...PIECES),
        fc.array(fc.nat(400_000), { maxLength: 8 }),
        (lines, piece, cuts) => {
          const texts = lines.map(({ length, unit }) => textOf(length, unit))
          // What looks like a seam already would be one: the stamp that a program writes there cannot be told apart.
          fc.pre(
            texts.every(
              (text) => joinSplitLine(Buffer.concat([Buffer.from(at(0)), text])).length === text.length + 31,
            ),
          )
          const bytes = Buffer.concat(
            texts.map((text) => Buffer.concat([written(text, piece), Buffer.from('\n')])),
          )
          const splitter = new LineSplitter(1024 * 1024, { from: SPLIT_FROM, mend: joinSplitLine })
          const shown: string[] = []
          let from = 0
          for (const cut of [
            ...cuts.filter((each) => each < bytes.length).sort((a, b) => a - b),
            bytes.length,
          ]) {
            shown.push(...splitter.push(bytes.subarray(from, cut)))
            from = cut
          }
          assert.deepEqual(
            shown,
            texts.map((text) => `${at(0)}${text.toString('utf8')}`),
          )
        },
      ),
      { numRuns: 60 },
    ))
})
