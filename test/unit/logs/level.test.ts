import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isAtLeast, LEVELS, levelOfName, levelOfNumber } from '#core/logs/level.ts'

describe('levels', () => {
  for (const [name, want] of [
    ['INFO', 'info'],
    ['Warning', 'warn'],
    ['DEBUG3', 'debug'],
    ['err', 'error'],
    ['CRITICAL', 'fatal'],
    ['LOG', 'info'],
    ['constructor', undefined],
    ['toString', undefined],
    ['', undefined],
    ['informed', undefined],
  ] as const)
    it(`"${name}" is ${want}`, () => assert.equal(levelOfName(name), want))

  for (const [number, want] of [
    [10, 'trace'],
    [30, 'info'],
    [35, 'info'],
    [60, 'fatal'],
    [75, 'fatal'],
    [5, undefined],
    [1_000, undefined],
    [Number.NaN, undefined],
  ] as const)
    it(`${number} is ${want}`, () => assert.equal(levelOfNumber(number), want))

  it('are in their order', () => {
    for (const [at, level] of LEVELS.entries())
      for (const [leastAt, least] of LEVELS.entries()) assert.equal(isAtLeast(level, least), at >= leastAt)
  })
})
