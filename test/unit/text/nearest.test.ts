import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { damerauLevenshtein, nearest } from '#core/text/nearest.ts'

const NAMES = [
  'grafana',
  'hermes',
  'cerberus',
  'hercules',
  'worker-triggers',
  'worker-crons',
  'zeus',
  'minio',
]

describe('nearest', () => {
  const rows: ReadonlyArray<{ why: string; word: string; want: string[] }> = [
    { why: 'a letter left out', word: 'grafna', want: ['grafana'] },
    { why: 'two letters swapped', word: 'hemres', want: ['hermes'] },
    { why: 'a letter too many', word: 'zeuss', want: ['zeus'] },
    { why: 'case does not count', word: 'HERMES', want: ['hermes'] },
    { why: 'a part of a longer name', word: 'triggers', want: ['worker-triggers'] },
    {
      why: 'its plural',
      word: 'worker-cron',
      want: ['worker-crons'],
    },
    { why: 'nothing is near', word: 'postgres', want: [] },
    { why: 'one letter is near nothing', word: 'x', want: [] },
    { why: 'an empty word is near nothing', word: '', want: [] },
  ]
  for (const { why, word, want } of rows) it(why, () => assert.deepEqual(nearest(word, NAMES), want))

  it('suggests three at most, equals in the order of the alphabet', () => {
    assert.deepEqual(nearest('pod', ['pod4', 'pod2', 'pod1', 'pod3', 'pod1']), ['pod1', 'pod2', 'pod3'])
  })
})

describe('damerauLevenshtein', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 })

  it('is zero for equals, symmetric, and at most the longer length', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = damerauLevenshtein(a, b)
        assert.equal(distance === 0, a === b)
        assert.equal(distance, damerauLevenshtein(b, a))
        assert.ok(distance <= Math.max(a.length, b.length))
        assert.ok(distance >= Math.abs(a.length - b.length))
      }),
      { numRuns: 500 },
    )
  })

  it('counts one for one slip, a swap of neighbours included', () => {
    fc.assert(
      fc.property(word, fc.nat(8), (text, where) => {
        const at = Math.min(where, text.length)
        assert.equal(damerauLevenshtein(text, `${text.slice(0, at)}z${text.slice(at)}`), 1)
        const swapped = text.slice(0, at) + (text[at + 1] ?? '') + (text[at] ?? '') + text.slice(at + 2)
        assert.ok(damerauLevenshtein(text, swapped) <= 1)
      }),
      { numRuns: 500 },
    )
  })
})
