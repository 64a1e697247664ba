import type { Clock, Instant } from '#core/clock.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'
import { type SessionEnd, SessionEndWatch } from '#core/tunnel/ends-at.ts'

export interface SessionWatchOptions {
  readonly limits: SessionLimits
  readonly clock: Clock
  /** When the session last carried data; undefined while it never has. */
  readonly lastActivity: () => Instant | undefined
  readonly tell: (end: SessionEnd) => void
}

/** Tells every end that the account's policy sets to a session that starts now. The returned function stops it. */
export function watchSessionEnds({ limits, clock, lastActivity, tell }: SessionWatchOptions): () => void {
  const watch = new SessionEndWatch(limits, clock.now())
  let cancel = () => {}
  const check = () => {
    const now = clock.now()
    const active = lastActivity()
    if (active !== undefined) watch.activity(active)
    for (const end of watch.poll(now)) tell(end)
    const wait = watch.nextPoll(now)
    if (wait !== undefined) cancel = clock.after(wait, check)
  }
  check()
  return () => cancel()
}
