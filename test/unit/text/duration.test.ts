import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseDuration } from '#core/text/duration.ts'

describe('parseDuration', () => {
  const rows: ReadonlyArray<[text: string, want: number | undefined, why: string]> = [
    ['90s', 90_000, 'seconds'],
    ['10m', 600_000, 'minutes'],
    ['1h30m', 5_400_000, 'several units'],
    ['2d', 172_800_000, 'days'],
    ['', undefined, 'nothing is no span'],
    ['10', undefined, 'a number alone could be anything'],
    ['0s', undefined, 'no time at all'],
    ['-5m', undefined, 'the future has no logs'],
    ['5 m', undefined, 'one word'],
    ['1.5h', undefined, 'no fractions: 1h30m'],
    ['10M', undefined, 'months or minutes'],
  ]
  for (const [text, want, why] of rows)
    it(`${JSON.stringify(text)}: ${why}`, () => assert.equal(parseDuration(text), want))
})
