import { type Decision, describeAction, type LifeAction } from '#core/bastion/actions.ts'
import { decide } from '#core/bastion/decide.ts'
import { hold } from '#core/bastion/leases.ts'
import { FRESH_LIFE, type LifeState, withDone } from '#core/bastion/life-state.ts'
import { DEFAULT_LIFE, type LifePolicy } from '#core/bastion/policy.ts'
import { BastionWorld } from './bastion-world.ts'

const MINUTE = 60_000

/** A bastion that is looked at once a minute, and what was done of it. */
export class BastionWatch {
  readonly world = new BastionWorld()
  state: LifeState = FRESH_LIFE
  policy: LifePolicy = DEFAULT_LIFE
  readonly done: LifeAction[] = []

  look(passed = MINUTE): Decision {
    this.world.now += passed
    const decision = decide(this.state, this.world.signals(), this.policy, this.world.now)
    this.state = withDone(
      decision.state,
      decision.actions.map((action) => ({
        at: this.world.now,
        what: describeAction(action),
        why: action.why,
      })),
    )
    for (const action of decision.actions) {
      this.done.push(action)
      this.world.take(action)
    }
    return decision
  }

  /** Looks for `minutes`; the last decision. */
  for(minutes: number): Decision {
    let last = this.look()
    for (let look = 1; look < minutes; look++) last = this.look()
    return last
  }

  /** Looks once a minute until that moment, with it; the last decision. */
  until(text: string): Decision {
    let last = this.look()
    while (this.world.now < Date.parse(text)) last = this.look()
    return last
  }

  hold(span: number): void {
    this.state = hold(
      this.state,
      { id: 'l-1', owner: 'ada', reason: 'restore of hermes', span },
      this.policy,
      this.world.now,
    )
  }

  get kinds(): string[] {
    return this.done.map(({ kind }) => kind)
  }

  /** What was done, in the words of the history. */
  get words(): string[] {
    return this.done.map(describeAction)
  }
}
