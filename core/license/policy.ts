import type { Ms } from '#core/clock.ts'
import { type ClockMark, judgeClock } from './clock-mark.ts'
import type { License } from './document.ts'
import type { Revocation } from './revocation.ts'
import type { Verdict } from './verdicts.ts'

/** How long before the end a license is said to be expiring. */
export const EXPIRY_NOTICE: Ms = 30 * 24 * 3_600_000

/** What a genuine license is judged against. */
export interface Circumstances {
  /** The reading of the own clock. */
  readonly now: Ms
  readonly mark: ClockMark
  /** The installation; undefined where it is not known, and then not compared. */
  readonly installation: string | undefined
  readonly product: string
  /** Of this license, if there is one. */
  readonly revocation: Revocation | undefined
}

export interface Assessment {
  readonly verdict: Verdict
  /** The time that was judged by, never earlier than what is known here. */
  readonly at: Ms
  /** The clock is far behind the latest time known here; a reason to look at it, and for nothing else. */
  readonly clockSuspect: boolean
  /** When the verdict changes if nothing else does; undefined when time will not change it. */
  readonly until: Ms | undefined
}

/**
 * What does policy say of a genuine license at `now`? Its own dates and a signed revocation decide, and nothing else:
 * that the vendor could not be asked is no input here.
 */
export function assess(license: License, circumstances: Circumstances): Assessment {
  const { now, mark, installation, product, revocation } = circumstances
  const { at, suspect } = judgeClock(mark, now)
  const say = (verdict: Verdict, until?: Ms): Assessment => ({ verdict, at, clockSuspect: suspect, until })

  const isElsewhere =
    license.installation !== '*' && installation !== undefined && license.installation !== installation
  if (isElsewhere || license.product !== product) return say('wrong-installation')
  if (revocation !== undefined && at >= revocation.effective) return say('revoked')
  const end = license.expires + license.grace
  if (at >= end) return say('expired')
  if (at >= license.expires) return say('grace', end)
  if (at < license.notBefore) return say('not-yet-valid', license.notBefore)
  const expiring = license.expires - EXPIRY_NOTICE
  if (revocation !== undefined)
    return say('revocation-pending', Math.min(revocation.effective, license.expires))
  if (at >= expiring) return say('expiring', license.expires)
  if (suspect) return say('clock-suspect', Math.min(expiring, license.refreshBy))
  if (at >= license.refreshBy) return say('refresh-due', expiring)
  return say('valid', Math.min(expiring, license.refreshBy))
}
