import type { Instant, Ms } from '#core/clock.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'

/**
 * When the account's policy ends a session, so that nobody is surprised. The policy is the customer's: all this does
 * is to tell it in time. (Whether a session that lost its connection may be resumed is `core/ssm/resume-policy.ts`.)
 */
export interface SessionSpan {
  readonly limits: SessionLimits
  readonly started: Instant
  /** The last moment at which the session carried data. */
  readonly lastActivity: Instant
}

export interface SessionEnd {
  readonly because: 'maximum' | 'idle'
  /** From now; never below 0. */
  readonly remaining: Ms
  /** On the wall clock. */
  readonly at: Ms
}

const MINUTE: Ms = 60_000

/** How long before an end to speak of it; half of a limit that is shorter than twice that. */
const NOTICE: Readonly<Record<SessionEnd['because'], Ms>> = { maximum: 5 * MINUTE, idle: 2 * MINUTE }

/** All ends in sight, the nearest first. */
export function findEnds(span: SessionSpan, now: Instant): SessionEnd[] {
  const { limits, started, lastActivity } = span
  const ends = [endAfter('idle', limits.idle, lastActivity, now)]
  if (limits.maximum !== undefined) ends.push(endAfter('maximum', limits.maximum, started, now))
  return ends.sort((a, b) => a.remaining - b.remaining)
}

/**
 * Watches one session's limits: tells each end once, shortly before it comes. An idle end is told once for each
 * stretch of silence.
 */
export class SessionEndWatch {
  readonly #limits: SessionLimits
  readonly #started: Instant
  #lastActivity: Instant
  #told = new Set<SessionEnd['because']>()

  constructor(limits: SessionLimits, started: Instant) {
    this.#limits = limits
    this.#started = started
    this.#lastActivity = started
  }

  /** The session has carried data up to `at`; calls with the same moment are one. */
  activity(at: Instant): void {
    if (at.mono <= this.#lastActivity.mono) return
    this.#lastActivity = at
    this.#told.delete('idle')
  }

  /** The ends to speak of now, each given once. */
  poll(now: Instant): SessionEnd[] {
    const due = this.#ends(now).filter(
      (end) => !this.#told.has(end.because) && end.remaining <= this.#noticeOf(end),
    )
    for (const { because } of due) this.#told.add(because)
    return due
  }

  /**
   * How long until `poll` may have something to say, undefined when it never will. An idle end that was told is
   * looked at again when it is due, as the session may have spoken meanwhile.
   */
  nextPoll(now: Instant): Ms | undefined {
    const waits = this.#ends(now).map((end) => {
      if (!this.#told.has(end.because)) return end.remaining - this.#noticeOf(end)
      return end.because === 'idle' ? end.remaining : 0
    })
    const coming = waits.filter((wait) => wait > 0)
    return coming.length > 0 ? Math.min(...coming) : undefined
  }

  #ends(now: Instant): SessionEnd[] {
    return findEnds({ limits: this.#limits, started: this.#started, lastActivity: this.#lastActivity }, now)
  }

  #noticeOf({ because }: SessionEnd): Ms {
    return Math.min(NOTICE[because], (this.#limits[because] ?? 0) / 2)
  }
}

function endAfter(because: SessionEnd['because'], limit: Ms, since: Instant, now: Instant): SessionEnd {
  const remaining = Math.max(0, limit - elapsed(since, now))
  return { because, remaining, at: now.wall + remaining }
}

/** A computer's sleep shows on the wall clock alone, and a wall clock that was set back must not lengthen a session. */
function elapsed(since: Instant, now: Instant): Ms {
  return Math.max(now.mono - since.mono, now.wall - since.wall)
}
