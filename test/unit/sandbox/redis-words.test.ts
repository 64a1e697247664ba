import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { integerOf, matching } from '#sandbox/datastores/redis-words.ts'

describe('patterns of keys', () => {
  const ROWS: ReadonlyArray<[pattern: string, fits: string[], passes: string[]]> = [
    ['*', ['', 'a', 'a\nb'], []],
    ['bull:*:id', ['bull:a:id', 'bull::id'], ['bull:id', 'xbull:a:id']],
    ['a?c', ['abc', 'a.c'], ['ac', 'abbc']],
    ['a.c', ['a.c'], ['abc']],
    ['[ab]*', ['a', 'bc'], ['c']],
    ['[^a]', ['b'], ['a']],
    ['[a-c]', ['b'], ['d', '-']],
    ['\\*', ['*'], ['a']],
    ['[c-a]', [], ['a', 'b', 'c']],
    ['***', ['', 'a'], []],
  ]
  for (const [pattern, fits, passes] of ROWS)
    it(JSON.stringify(pattern), () => {
      for (const key of fits) assert.ok(matching(pattern)(key), `${key} fits`)
      for (const key of passes) assert.ok(!matching(pattern)(key), `${key} does not fit`)
    })
})

describe('whole numbers', () => {
  for (const [text, value] of [
    ['0', 0],
    ['-12', -12],
    ['1.5', undefined],
    ['', undefined],
    ['9999999999999999', undefined],
  ] as const)
    it(JSON.stringify(text), () => assert.equal(integerOf(Buffer.from(text)), value))
})
