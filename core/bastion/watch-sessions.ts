import type { Ms } from '#core/clock.ts'
import type { LifeAction } from './actions.ts'
import type { SessionRecord } from './control.ts'
import type { LifeState, Watched } from './life-state.ts'
import type { LifePolicy } from './policy.ts'
import type { Signals } from './signals.ts'
import { describeSpan } from './spans.ts'

/**
 * Sessions that nobody is at: one whose client is gone, or one behind which nothing runs on the bastion. Its person is
 * warned first, and it is ended only after the notice.
 */
export function watchSessions(
  state: LifeState,
  { sessions, activity }: Signals,
  policy: LifePolicy,
  step: Ms,
): { readonly watched: readonly Watched[]; readonly actions: readonly LifeAction[] } {
  // What is not known ends nobody's session, and forgets nothing.
  if (!sessions.known) return { watched: state.watched, actions: [] }
  const actions: LifeAction[] = []
  const watched = sessions.value.flatMap((session): Watched[] => {
    const why = reasonOf(session, activity)
    if (why === undefined) return []
    const before = state.watched.find((each) => each.session === session.id && each.why === why)
    const seenFor = (before?.seenFor ?? 0) + (before === undefined ? 0 : step)
    const told = before?.warned ?? false
    const says = `${CLAUSES[why]} for ${describeSpan(seenFor)}`
    if (told && seenFor >= policy.abandonedAfter + policy.notice)
      actions.push({ kind: 'end-session', session: session.id, why: says })
    else if (!told && seenFor >= policy.abandonedAfter)
      actions.push({
        kind: 'warn-session',
        session: session.id,
        why: `${says}: it is ended in ${describeSpan(policy.notice)}`,
      })
    return [{ session: session.id, why, seenFor, warned: told || seenFor >= policy.abandonedAfter }]
  })
  return { watched, actions }
}

const CLAUSES: Readonly<Record<Watched['why'], string>> = {
  disconnected: 'its client has been gone',
  abandoned: 'nothing has run for it on the bastion',
}

/** Abandoned needs every signal: the service takes it for connected, the bastion knows no program and no socket. */
function reasonOf(session: SessionRecord, activity: Signals['activity']): Watched['why'] | undefined {
  if (session.status === 'disconnected') return 'disconnected'
  if (!activity.known || activity.value.machine !== session.machine) return undefined
  const { sessions, connections } = activity.value
  return connections === 0 && !sessions.includes(session.id) ? 'abandoned' : undefined
}
