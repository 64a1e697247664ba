/** The same cuts at every byte while a container restarts: the rest of a run is in the log of the previous one. */

import { describe, it } from 'node:test'
import { planOf } from '#sandbox/log-stub/plan.ts'
import { expectedLines } from '#sandbox/log-stub/score.ts'
import { assertWhole, follow, LOGS, longest, withCuts } from '../support/log-cuts.ts'

const limits = { timeout: 170_000 }

describe('a stream that breaks at every byte of a log, while its container restarts', () => {
  const plan = planOf({ ...LOGS, faults: [{ kind: 'restart', share: 0, times: 1 }] })
  const expected = expectedLines(plan)

  for (const run of [0, 1])
    it(`is cut in run ${run}, and nothing of either run is lost or doubled`, limits, async () => {
      for (let offset = 0; offset < longest(plan, run); offset++) {
        const cut = withCuts(plan, 'reset', offset, run)
        assertWhole(expected, await follow(cut, expected, offset), `byte ${offset}`)
      }
    })

  it('is cut, and the answer with the rest of the run ends early in good order', limits, async () => {
    const pods = plan.pods.map((pod) => {
      const live = pod.runs[0]?.stamped.starts[pod.written] ?? 0
      return { ...pod, faults: [{ kind: 'reset', run: 0, at: live + 7 } as const] }
    })
    for (let offset = 0; offset < longest(plan); offset++) {
      const torn = withCuts({ ...plan, pods }, 'end', offset)
      assertWhole(expected, await follow(torn, expected, offset), `byte ${offset}`)
    }
  })
})
