/** Streams that fall silent at every byte, for ever or until they are cut: found out, and taken up with nothing lost. */

import { describe, it } from 'node:test'
import { planOf } from '#sandbox/log-stub/plan.ts'
import { expectedLines } from '#sandbox/log-stub/score.ts'
import { assertWhole, follow, LOGS, longest, withCuts } from '../support/log-cuts.ts'

const limits = { timeout: 170_000 }

describe('a stream that falls silent at every byte of a log', () => {
  for (const { name, stallFor } of [
    { name: 'for ever', stallFor: undefined },
    { name: 'until it is cut', stallFor: 20_000 },
  ])
    it(`loses and doubles nothing, ${name}`, limits, async () => {
      const plan = { ...planOf(LOGS), stallFor }
      const expected = expectedLines(plan)
      for (let offset = 0; offset < longest(plan); offset++)
        assertWhole(
          expected,
          await follow(withCuts(plan, 'stall', offset), expected, offset),
          `byte ${offset}`,
        )
    })
})
