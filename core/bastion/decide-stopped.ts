import type { Ms } from '#core/clock.ts'
import type { Decision } from './actions.ts'
import { type BastionGroup, currentOf } from './control.ts'
import { type Look, verdict } from './decision.ts'
import { whyTooOld } from './image-age.ts'
import type { LifeState } from './life-state.ts'
import type { Schedule, Up } from './schedule.ts'
import { describeNext, describeUp } from './schedule-words.ts'
import { runningSizes } from './sizes.ts'

/** What becomes of a group that is at 0: it stays there, but for hours at which it must be up. */
export function ofStopped({ state, signals, policy, now }: Look, group: BastionGroup): Decision {
  const stays = (kind: 'stopped' | 'failed', says: string): Decision => ({
    ...{ state, actions: [] },
    verdict: verdict(kind, says),
  })
  const { schedule } = policy
  const next = schedule?.next(now)
  const says = `its group is at 0${lastStop(state)}${next === undefined ? '' : `; next: ${describeNext(next, now)}`}`
  const up = wantedUp(state, schedule, now)
  if (up === undefined) {
    const hasFailed = schedule?.at(now) !== undefined && state.stopped?.by === 'failure'
    return stays(hasFailed ? 'failed' : 'stopped', says)
  }
  const wanted = describeUp(up, now)
  const old = signals.image.known ? whyTooOld(signals.image.value, now) : undefined
  if (old !== undefined) return stays('failed', `${wanted}, and not started: ${old}`)
  return {
    state: { ...state, tries: 0 },
    actions: [
      { kind: 'resize', sizes: runningSizes(group), remember: undefined, unlessUsed: false, why: wanted },
    ],
    verdict: verdict('starting', `is started: ${wanted}`),
  }
}

/**
 * What a schedule wants now. Whoever has stopped the bastion, and machines that never answered, stand until another
 * window opens: none is tried for ever.
 */
export function wantedUp({ stopped }: LifeState, schedule: Schedule | undefined, now: Ms): Up | undefined {
  const up = schedule?.at(now)
  return up !== undefined && stopped !== null && up.opened <= stopped.at ? undefined : up
}

/** What somebody stops is held by nobody, and stays at 0 until another window opens, or it is started again. */
export function stoppedByHand(state: LifeState, group: BastionGroup, now: Ms): LifeState {
  const machine = currentOf(group)?.id ?? null
  return { ...state, leases: [], stopped: { at: now, by: 'person', machine } }
}

function lastStop({ history }: LifeState): string {
  const last = history.find(({ what }) => what === 'stop')
  return last === undefined ? '' : `: ${last.why}`
}
