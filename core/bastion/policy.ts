import type { Ms } from '#core/clock.ts'
import { parseHours, type Window } from './hours.ts'
import type { Rules } from './life-state.ts'
import { Schedule } from './schedule.ts'

/** What the life of a bastion goes by. Every span is counted over looks, never taken from a clock alone. */
export interface LifePolicy {
  /** How long nobody must have used it before it is stopped; `Infinity` never stops it. */
  readonly idleAfter: Ms
  /** When it is up whether or not somebody uses it; undefined at no time. */
  readonly schedule: Schedule | undefined
  /** How long it must have been idle before a newer image takes its place. */
  readonly refreshIdle: Ms
  /** How long a newer image waits for that, before it takes its place with notice all the same. */
  readonly refreshAfter: Ms
  /** How long what is not known counts as use. */
  readonly unknownCap: Ms
  /** How long a new machine may take until its agent answers. */
  readonly onlineWithin: Ms
  /** How many machines in a row may fail to answer before the group is set to 0. */
  readonly tries: number
  /** How long an agent that has answered may be silent before its machine is replaced. */
  readonly agentLostAfter: Ms
  /** How long a session may be disconnected, or have nothing behind it on the bastion. */
  readonly abandonedAfter: Ms
  /** How long before a session is ended its person is warned. */
  readonly notice: Ms
  /** The longest that somebody may hold the bastion open at a time. */
  readonly leaseMost: Ms
  /** The most that passes between two looks, whatever the clock says. */
  readonly longestStep: Ms
}

const MINUTE: Ms = 60_000
const HOUR: Ms = 60 * MINUTE

export const DEFAULT_LIFE: LifePolicy = {
  idleAfter: 20 * MINUTE,
  schedule: undefined,
  refreshIdle: 5 * MINUTE,
  refreshAfter: 7 * 24 * HOUR,
  unknownCap: 4 * HOUR,
  onlineWithin: 3 * MINUTE,
  tries: 3,
  agentLostAfter: 15 * MINUTE,
  abandonedAfter: 30 * MINUTE,
  notice: 10 * MINUTE,
  leaseMost: 24 * HOUR,
  longestStep: 5 * MINUTE,
}

/** What of a policy is written down, for all who tell what will become of the bastion. */
export function rulesOf({ idleAfter, schedule }: LifePolicy): Rules {
  return { idleAfter: Number.isFinite(idleAfter) ? idleAfter : null, hours: schedule?.text ?? null }
}

/**
 * The policy that looks go by; where they have not said, none by which it would be stopped at a time. Hours that this
 * version cannot read are those of a newer one, and left out.
 */
export function policyOf(rules: Rules | null): LifePolicy {
  const windows = parseHours(rules?.hours ?? '')
  return {
    ...DEFAULT_LIFE,
    idleAfter: rules?.idleAfter ?? Infinity,
    schedule: typeof windows === 'string' ? undefined : scheduleOf(windows),
  }
}

/** A new machine has its time to answer before a window opens. */
export function scheduleOf(windows: readonly Window[]): Schedule | undefined {
  return windows.length === 0 ? undefined : new Schedule(windows, DEFAULT_LIFE.onlineWithin)
}
