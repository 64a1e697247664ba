/**
 * Logs that are read once, to their present end, from a server that ends its answers early and in good order, as one
 * does that loses the node: the end of an answer is not the end of the log.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { planOf } from '#sandbox/log-stub/plan.ts'
import { expectedLines } from '#sandbox/log-stub/score.ts'
import { assertWhole, LOGS, longest, readOnce, withCuts } from '../support/log-cuts.ts'

const limits = { timeout: 170_000 }

describe('a log that is read once, and whose answer ends at every byte of it', () => {
  const plan = planOf({ ...LOGS, history: 1 })
  const expected = expectedLines(plan)

  const cases = [
    { name: 'in good order', kinds: ['end'] },
    { name: 'in good order, and the second answer as well', kinds: ['end', 'end'] },
    { name: 'by a broken connection, and the second answer in good order', kinds: ['reset', 'end'] },
  ] as const
  for (const { name, kinds } of cases)
    it(`${name}, and nothing is lost or doubled`, limits, async () => {
      for (let offset = 0; offset < longest(plan); offset++) {
        const torn = kinds.reduce((before, kind, nth) => withCuts(before, kind, offset + 97 * nth), plan)
        assertWhole(expected, await readOnce(torn, {}, offset), `byte ${offset}`)
      }
    })

  it('with many lines of one stamp, some of them twice, and stamps that run backwards', limits, async () => {
    const odd = planOf({ ...LOGS, history: 1, together: 7, repeated: 5, backwards: 4 })
    const lines = expectedLines(odd)
    for (let offset = 0; offset < longest(odd); offset += 3)
      assertWhole(lines, await readOnce(withCuts(odd, 'end', offset), {}, offset), `byte ${offset}`)
  })

  it('and the last lines are those that were asked for', limits, async () => {
    const pods = plan.pods.length
    const stamps = expected.map(({ stamp }) => stamp).sort()
    for (let offset = 0; offset < longest(plan); offset += 7) {
      const { lines } = await readOnce(withCuts(plan, 'end', offset), { tail: 9 }, offset)
      assert.deepEqual(
        lines.map((line) => line.split(' ')[0]),
        stamps.slice(-9),
        `byte ${offset}, ${pods} pods`,
      )
    }
  })
})
