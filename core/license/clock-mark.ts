import type { Ms } from '#core/clock.ts'

/**
 * The latest time that was ever known here: a clock that is set back behind it is not believed.
 *
 * Two kinds of knowledge are kept apart. What the vendor signed is proof, and stays. What this computer's clock said may
 * be wrong: a reading far ahead counts only once it has lasted, and proof sets it right.
 */
export interface ClockMark {
  /** The latest signed moment. */
  readonly proved: Ms
  /** The latest reading of the own clock that was believed. */
  readonly read: Ms
  /** The first and the last of the readings that have been far ahead of both. */
  readonly ahead?: { readonly since: Ms; readonly last: Ms } | undefined
}

const HOUR: Ms = 3_600_000
/** A clock that is this much behind is suspect; less is a zone, a sleep, a late correction. */
export const BACKWARD_TOLERANCE: Ms = 24 * HOUR
/** A reading that is this much ahead has to last as long before it counts. */
export const FORWARD_TOLERANCE: Ms = 7 * 24 * HOUR

export const NO_MARK: ClockMark = { proved: 0, read: 0 }

export function highWater({ proved, read }: ClockMark): Ms {
  return Math.max(proved, read)
}

/** The mark after the clock read `now`. */
export function markReading(mark: ClockMark, now: Ms): ClockMark {
  const { proved, read, ahead } = mark
  const high = highWater(mark)
  // Nothing is known yet: there is nothing to be ahead of.
  if (high === 0 || now <= high + FORWARD_TOLERANCE) return { proved, read: Math.max(read, now) }
  const goesOn = ahead !== undefined && now >= ahead.since && now <= ahead.last + FORWARD_TOLERANCE
  if (!goesOn) return { proved, read, ahead: { since: now, last: now } }
  if (now - ahead.since < FORWARD_TOLERANCE)
    return { proved, read, ahead: { since: ahead.since, last: Math.max(ahead.last, now) } }
  return { proved, read: now }
}

/**
 * The mark after the vendor has signed `moment`. `isFresh`: as the answer to a request of ours, so it is the present,
 * and a clock that had been far ahead of it was wrong.
 */
export function markProof(mark: ClockMark, moment: Ms, isFresh: boolean): ClockMark {
  const proved = Math.max(mark.proved, moment)
  if (isFresh && mark.read > moment + FORWARD_TOLERANCE) return { proved, read: moment }
  return { ...mark, proved }
}

/** The time to judge by: never earlier than what is known, and whether the clock is too far behind that. */
export function judgeClock(mark: ClockMark, now: Ms): { readonly at: Ms; readonly suspect: boolean } {
  const high = highWater(mark)
  return { at: Math.max(now, high), suspect: now < high - BACKWARD_TOLERANCE }
}
