import assert from 'node:assert/strict'
import type { Ms } from '#core/clock.ts'
import type { FollowOptions } from '#core/kube/log-follower.ts'
import { seededChance } from '#sandbox/kubernetes/log-lines.ts'
import {
  DEFAULT_PLAN,
  type PlanOptions,
  type StreamFault,
  type StreamFaultKind,
  type WorldPlan,
} from '#sandbox/log-stub/plan.ts'
import { type ExpectedLine, scoreOf } from '#sandbox/log-stub/score.ts'
import { StubWorld } from '#sandbox/log-stub/world.ts'
import { LeapingClock } from './leaping-clock.ts'
import { type FollowedLogs, followStub, readStub } from './log-reading.ts'
import { StubClient } from './stub-client.ts'

export const HOUR: Ms = 3_600_000
const START = Date.UTC(2026, 10, 23, 9) / 1000
/** Two hundred lines of eight pods over six seconds, half of them written when they are first read. */
export const LOGS: PlanOptions = {
  ...DEFAULT_PLAN,
  ...{ start: START, pods: 8, lines: 200, body: 'short', step: 250_000_000 },
}

/** Reads what there is of a plan's pods, once and without a connection. */
export async function readOnce(
  plan: WorldPlan,
  options: Partial<FollowOptions> = {},
  seed = 1,
): Promise<FollowedLogs> {
  const clock = new LeapingClock()
  const world = new StubWorld(plan, clock)
  try {
    return await readStub(new StubClient(world, clock), clock, options, seededChance(seed))
  } finally {
    world.stop()
  }
}

/** Follows a plan's pods without a connection; ends when all lines have come, or an hour of its clock has passed. */
export async function follow(
  plan: WorldPlan,
  expected: readonly ExpectedLine[],
  seed = 1,
): Promise<FollowedLogs> {
  const clock = new LeapingClock()
  const world = new StubWorld(plan, clock)
  try {
    const client = new StubClient(world, clock)
    const bounds = { lines: expected.length, quiet: 15_000, patience: HOUR }
    return await followStub(client, clock, bounds, seededChance(seed))
  } finally {
    world.stop()
  }
}

/** Nothing lost or doubled, each pod's lines in their order, and none out of the order of time that is not marked. */
export function assertWhole(expected: readonly ExpectedLine[], got: FollowedLogs, what: string): void {
  const { lost, doubled, fragments, disordered } = scoreOf(expected, got.texts)
  const faults = { lost, doubled, fragments, disordered, unmarked: got.unmarked, holes: got.summary.holes }
  const none = { lost: 0, doubled: 0, fragments: 0, disordered: 0, unmarked: 0, holes: [] }
  assert.deepEqual(faults, none, what)
  const own = new Set(expected.map(({ stamp, text }) => `${stamp} ${text}`))
  assert.ok(
    got.lines.every((line) => own.has(line)),
    `${what}: a line has another's stamp`,
  )
}

/** The plan with one fault in each pod's log: at another byte in each, and at every byte of each in `offset` turns. */
export function withCuts(plan: WorldPlan, kind: StreamFaultKind, offset: number, run = 0): WorldPlan {
  const pods = plan.pods.map((pod, index) => {
    const length = (pod.runs[run]?.stamped.bytes.length ?? 0) + 1
    const fault: StreamFault = { kind, run, at: (offset + index * 577) % length }
    return { ...pod, faults: [...pod.faults, fault] }
  })
  return { ...plan, pods }
}

export function longest(plan: WorldPlan, run = 0): number {
  return Math.max(...plan.pods.map(({ runs }) => runs[run]?.stamped.bytes.length ?? 0)) + 1
}
