/**
 * Logs whose streams break at every byte: nothing lost, nothing doubled, every line in its place. The stub's answers
 * reach the follower without a connection in between; its clock leaps over what nobody needs to wait for.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { planOf } from '#sandbox/log-stub/plan.ts'
import { expectedLines } from '#sandbox/log-stub/score.ts'
import { assertWhole, follow, LOGS, longest, withCuts } from '../support/log-cuts.ts'

const limits = { timeout: 170_000 }

describe('a stream that breaks at every byte of a log', () => {
  const cases = [
    { name: 'is cut', kind: 'reset' },
    { name: 'ends in good order', kind: 'end' },
  ] as const
  for (const { name, kind } of cases)
    it(`${name}, and nothing is lost or doubled`, limits, async () => {
      const plan = planOf(LOGS)
      const expected = expectedLines(plan)
      assert.equal(expected.length, 200)
      const offsets = longest(plan)
      for (let offset = 0; offset < offsets; offset++)
        assertWhole(expected, await follow(withCuts(plan, kind, offset), expected, offset), `byte ${offset}`)
    })
})
