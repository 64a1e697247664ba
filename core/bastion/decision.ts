import type { Ms } from '#core/clock.ts'
import type { LifeAction, LifeVerdict } from './actions.ts'
import type { BastionGroup } from './control.ts'
import type { LifeState } from './life-state.ts'
import type { LifePolicy } from './policy.ts'
import type { Signals } from './signals.ts'

/** What a decision is made of, and what it rests on. */

export interface Look {
  readonly state: LifeState
  readonly signals: Signals
  readonly policy: LifePolicy
  /** How much time counts as having passed since the last look. */
  readonly step: Ms
  readonly now: Ms
}

export function verdict(kind: LifeVerdict['kind'], says: string, stale = false): LifeVerdict {
  return { kind, says, stale }
}

/** What the sizes were is kept with the group; where they are remembered already, that stays. */
export function stop({ sizes, remembered }: BastionGroup, why: string): LifeAction {
  const had = sizes.desired > 0 ? sizes : remembered
  return { kind: 'resize', sizes: { ...sizes, minimum: 0, desired: 0 }, remember: had, unlessUsed: true, why }
}
