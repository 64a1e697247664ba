import type { Ms } from '#core/clock.ts'
import { describeLease } from './leases.ts'
import type { LifeState } from './life-state.ts'
import type { LifePolicy } from './policy.ts'
import type { Known, Signals } from './signals.ts'
import { describeSpan } from './spans.ts'

/** Why a bastion counts as used, a clause for each reason; none means that it is idle. */
export interface Use {
  readonly reasons: readonly string[]
  readonly unknownFor: LifeState['unknownFor']
}

/** What is not known counts as use for as long as the policy says, and no longer. */
export function useOf(
  state: LifeState,
  signals: Signals,
  policy: LifePolicy,
  { step, now }: { readonly step: Ms; readonly now: Ms },
): Use {
  const unknownFor = {
    sessions: unknownSpan(state.unknownFor.sessions, signals.sessions, step),
    activity: unknownSpan(state.unknownFor.activity, signals.activity, step),
  }
  const { sessions, activity } = signals
  return {
    unknownFor,
    reasons: [
      ...state.leases.map((lease) => describeLease(lease, now)),
      ...(sessions.known
        ? sessionClauses(sessions.value.length)
        : notKnown('who is on it', sessions.why, unknownFor.sessions, policy)),
      ...(activity.known
        ? activityClauses(activity.value)
        : notKnown('what it does', activity.why, unknownFor.activity, policy)),
    ],
  }
}

function unknownSpan(before: Ms, { known }: Known<unknown>, step: Ms): Ms {
  return known ? 0 : before + step
}

function notKnown(what: string, why: string, span: Ms, { unknownCap }: LifePolicy): string[] {
  const left = unknownCap - span
  return left <= 0
    ? []
    : [`${what} is not known (${why}): that counts as use for another ${describeSpan(left)}`]
}

function sessionClauses(count: number): string[] {
  return count === 0 ? [] : [count === 1 ? 'a session is open' : `${count} sessions are open`]
}

function activityClauses({ connections, programs }: { connections: number; programs: number }): string[] {
  return [
    ...(connections === 0
      ? []
      : [connections === 1 ? 'a connection goes through it' : `${connections} connections go through it`]),
    ...(programs === 0
      ? []
      : [programs === 1 ? "somebody's program runs on it" : `${programs} of people's programs run on it`]),
  ]
}
