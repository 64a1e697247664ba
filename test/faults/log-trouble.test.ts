/**
 * The follower against a cluster that misbehaves in all the ways of the logs stub, one by one and by lot, and over TLS.
 * `PGCTL_FUZZ` says for how much longer than three seconds faults are drawn by lot.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KubeClient } from '#core/kube/client.ts'
import { createAuthority } from '#sandbox/certificates.ts'
import { seededChance } from '#sandbox/kubernetes/log-lines.ts'
import { type FaultOrder, type PlanOptions, planOf, type StreamFault } from '#sandbox/log-stub/plan.ts'
import { expectedLines } from '#sandbox/log-stub/score.ts'
import { startStub } from '#sandbox/log-stub/server.ts'
import { FastClock } from '../support/fast-clock.ts'
import { fuzz } from '../support/fuzz-time.ts'
import { assertWhole, follow, HOUR, LOGS, longest, withCuts } from '../support/log-cuts.ts'
import { type FollowedLogs, followStub } from '../support/log-reading.ts'
import { stubTokens } from '../support/stub-client.ts'

const limits = { timeout: 170_000 }

describe('a cluster that misbehaves in other ways', () => {
  const everyStream = { share: 0.5, times: 1 }
  const cases: { name: string; options: Partial<PlanOptions> }[] = [
    { name: 'files are rotated', options: { faults: [{ kind: 'rotate', ...everyStream, share: 0.8 }] } },
    {
      name: 'requests are throttled while every stream is cut',
      options: {
        faults: [
          { kind: 'throttle', share: 0, times: 9 },
          { kind: 'reset', ...everyStream, share: 0.8 },
        ],
      },
    },
    {
      name: 'the token expires while every stream is cut',
      options: {
        faults: [
          { kind: 'token', share: 0, times: 1 },
          { kind: 'reset', ...everyStream, share: 0.8 },
        ],
      },
    },
    {
      name: 'the watch expires, and then containers restart',
      options: {
        faults: [
          { kind: 'expire', share: 0, times: 1 },
          { kind: 'restart', ...everyStream },
        ],
      },
    },
    { name: "the nodes' clocks are apart by many seconds", options: { skew: 30 } },
    {
      name: 'stamps run backwards, and every stream is cut',
      options: { backwards: 4, faults: [{ kind: 'reset', ...everyStream, share: 0.7 }] },
    },
    {
      name: 'twenty lines bear one stamp, and every stream is cut among them',
      options: { together: 20, faults: [{ kind: 'reset', ...everyStream, share: 0.7 }] },
    },
    {
      name: 'lines come twice by themselves, and every stream is cut',
      options: { repeated: 3, faults: [{ kind: 'reset', ...everyStream, share: 0.7 }] },
    },
  ]
  for (const { name, options } of cases)
    it(`loses and doubles nothing when ${name}`, limits, async () => {
      const plan = planOf({ ...LOGS, ...options })
      const expected = expectedLines(plan)
      const got = await follow(plan, expected)
      // A file that begins anew after the line last seen may have held more: that is told as a doubt, not as a loss.
      const rotated = name.includes('rotated')
      if (rotated) assert.equal(got.summary.holeCount, LOGS.pods)
      assertWhole(expected, rotated ? { ...got, summary: { ...got.summary, holes: [] } } : got, name)
    })

  it('notices a dead stream although the look at its newest line falls silent, too', limits, async () => {
    const plan = planOf({ ...LOGS, pods: 1 })
    const length = plan.pods[0]?.runs[0]?.stamped.bytes.length ?? 0
    const faults = [0.9, 1 - 3 / length].map(
      (share): StreamFault => ({ kind: 'stall', run: 0, at: Math.floor(share * length) }),
    )
    const stalled = { ...plan, pods: plan.pods.map((pod) => ({ ...pod, faults })) }
    const expected = expectedLines(plan)
    assertWhole(expected, await follow(stalled, expected), 'a silent probe')
  })

  it('loses and doubles nothing whatever comes together, by lot', limits, async () => {
    const seeds = await fuzz(async (seed) => {
      const options = optionsByLot(seed)
      const plan = planOf(options)
      const expected = expectedLines(plan)
      const got = await follow(plan, expected, seed)
      const has = (kind: FaultOrder['kind']) => options.faults.some((fault) => fault.kind === kind)
      // A follower that cannot learn of a restart for many seconds shows what it can read, the new run's lines, and
      // has to doubt that they are all.
      const told = !(has('restart') && (has('throttle') || has('expire')))
      const inOrder = told ? expected : expected.map((line) => ({ ...line, pod: `${line.pod} ${line.run}` }))
      const what = `seed ${seed}: ${JSON.stringify(options)}`
      assertWhole(inOrder, has('rotate') || !told ? withoutHoles(got) : got, what)
    })
    assert.ok(seeds > 0)
  })
})

function withoutHoles(got: FollowedLogs): FollowedLogs {
  return { ...got, summary: { ...got.summary, holes: [] } }
}

const KINDS: readonly FaultOrder['kind'][] = [
  'reset',
  'reset',
  'fin',
  'end',
  'stall',
  'rotate',
  'restart',
  'throttle',
  'token',
  'expire',
]

function optionsByLot(seed: number): PlanOptions {
  const chance = seededChance(seed)
  const under = (most: number) => Math.floor(chance() * most)
  const pods = 1 + under(5)
  const faults = Array.from({ length: under(8) }, (): FaultOrder => {
    const kind = KINDS[under(KINDS.length)] as FaultOrder['kind']
    return {
      kind,
      pod: chance() < 0.7 ? `api-${under(pods)}` : undefined,
      share: chance(),
      times: 1 + under(6),
    }
  })
  const needsLast = faults.some(({ kind }) => kind === 'rotate' || kind === 'stall')
  return {
    ...LOGS,
    pods,
    seed,
    faults,
    lines: 20 + under(300),
    step: 1 + under(600_000_000),
    history: chance(),
    skew: under(3) * under(20),
    together: 1 + under(3) * under(12),
    backwards: under(2) * (3 + under(7)),
    // Where the newest line is a twin of the one last seen, nobody can tell that it is another line.
    repeated: needsLast ? 0 : under(2) * (3 + under(7)),
    stallFor: chance() < 0.5 ? undefined : 1 + under(60_000),
  }
}

describe('a stream that breaks at many bytes of a log, over TLS', () => {
  /** A prime, so that the places in a line differ. */
  const STRIDE = 191

  for (const kind of ['reset', 'fin', 'end', 'stall'] as const)
    it(`loses and doubles nothing (${kind})`, limits, async () => {
      const plan = planOf(LOGS)
      const expected = expectedLines(plan)
      const authority = await createAuthority()
      const tls = await authority.issue({ names: ['localhost'] })
      for (let offset = 0; offset < longest(plan); offset += STRIDE) {
        const clock = new FastClock()
        await using stub = await startStub({ plan: withCuts(plan, kind, offset), tls })
        const access = {
          server: `https://127.0.0.1:${stub.port}`,
          tlsServerName: 'localhost',
          ca: authority.certificate,
          token: stubTokens(stub.world),
        }
        await using client = new KubeClient(access, clock)
        const bounds = { lines: expected.length, quiet: 5_000, patience: HOUR }
        assertWhole(expected, await followStub(client, clock, bounds, Math.random), `byte ${offset}`)
      }
    })
})
