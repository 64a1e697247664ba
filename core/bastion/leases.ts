import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { Lease, LifeState } from './life-state.ts'
import type { LifePolicy } from './policy.ts'
import { describeSpan } from './spans.ts'

/** Leases: somebody holds the bastion open, for a time and a reason. */

export interface LeaseRequest {
  readonly id: string
  readonly owner: string
  readonly reason: string
  readonly span: Ms
}

/** The state with the lease in it; one person's new lease takes the place of their old one. @throws PgctlError `usage` */
export function hold(state: LifeState, request: LeaseRequest, policy: LifePolicy, now: Ms): LifeState {
  const { span, ...rest } = request
  if (span > policy.leaseMost)
    throw new PgctlError('usage', `the bastion cannot be held for ${describeSpan(span)}`, {
      why: `a lease lasts ${describeSpan(policy.leaseMost)} at the most, so that none is forgotten`,
      next: 'hold it for less, and again when that is over',
    })
  const lease: Lease = { ...rest, from: now, until: now + span }
  return { ...state, leases: [...state.leases.filter(({ owner }) => owner !== request.owner), lease] }
}

/** The state without the leases that `which` picks, and those leases. */
export function release(
  state: LifeState,
  which: (lease: Lease) => boolean,
): { readonly state: LifeState; readonly released: readonly Lease[] } {
  const released = state.leases.filter(which)
  return { state: { ...state, leases: state.leases.filter((lease) => !which(lease)) }, released }
}

/** `held by ada for another 2 h ("restore of hermes")`. */
export function describeLease({ owner, reason, until }: Lease, now: Ms): string {
  return `held by ${owner} for another ${describeSpan(until - now)} ("${reason}")`
}
