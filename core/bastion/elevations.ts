import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { Elevation, LifeState } from './life-state.ts'
import { describeSpan } from './spans.ts'

/** Rights in the cluster that somebody asks for, and that end by themselves. */

export const ELEVATION_MOST: Ms = 12 * 3_600_000

/** What may be asked for, in the cluster's words and in the provider's. */
export const ELEVATED_ROLES = ['edit', 'admin', 'cluster-admin'] as const
export type ElevatedRole = (typeof ELEVATED_ROLES)[number]

/** The state with the elevation in it, which replaces one of the same rights. @throws PgctlError `usage` */
export function elevate(
  state: LifeState,
  request: Omit<Elevation, 'from' | 'until'> & { readonly span: Ms },
  now: Ms,
): LifeState {
  const { span, ...rest } = request
  if (span > ELEVATION_MOST)
    throw new PgctlError('usage', `rights are not given for ${describeSpan(span)}`, {
      why: `they last ${describeSpan(ELEVATION_MOST)} at the most`,
      next: 'ask for less, and again when that is over',
    })
  const others = state.elevations.filter(
    ({ principal, policy }) => principal !== request.principal || policy !== request.policy,
  )
  return { ...state, elevations: [...others, { ...rest, from: now, until: now + span }] }
}

export function withoutElevation(state: LifeState, id: string): LifeState {
  return { ...state, elevations: state.elevations.filter((each) => each.id !== id) }
}
