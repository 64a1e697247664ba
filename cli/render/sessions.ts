import { describeAge } from '#core/text/age.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { JoinedSession, SessionUse } from '#core/tunnel/join-sessions.ts'
import type { Ended, SessionListing } from '../session-listing.ts'
import type { Paint } from './error.ts'

const USES: Readonly<Record<SessionUse, string>> = {
  here: 'in use here',
  orphan: 'left behind here',
  elsewhere: 'yours, from elsewhere',
  other: "another person's",
  ended: 'ended',
}

/** A session each: its id and whose it is, and below it what for. */
export function renderSessions({ sessions, unreadable }: SessionListing, now: number, paint: Paint): string {
  const orphans = sessions.filter(({ use }) => use === 'orphan').length
  const lines = sessions.flatMap((session) => renderSession(session, now, paint))
  if (sessions.length === 0) lines.push('no sessions')
  if (orphans > 0)
    lines.push('', `${orphans} left behind by a process that is gone; end them: pgctl sessions end --orphans`)
  if (unreadable > 0) lines.push(`${unreadable} entries of this computer's journal cannot be read`)
  return lines.join('\n')
}

function renderSession(session: JoinedSession, now: number, paint: Paint): string[] {
  const { id, use, owner, target, document, startedAt, endedAt, status, reason, pid } = session
  const colour = use === 'orphan' ? 'yellow' : use === 'ended' ? 'dim' : 'bold'
  const began = startedAt === undefined ? '' : `  began ${describeAge(startedAt, now)}`
  const ended = endedAt === undefined ? '' : `, ended ${describeAge(endedAt, now)}`
  return [
    `${paint(colour, neutralise(id))}  ${USES[use]}${pid === undefined ? '' : ` (process ${pid})`}`,
    `  ${neutralise(target)}  ${neutralise(document ?? 'default document')}  ${status}${began}${ended}`,
    `  ${neutralise(owner)}${reason === undefined ? '' : `: ${neutralise(reason)}`}`,
  ]
}

/** What was ended, a line each. */
export function renderEnded(results: readonly Ended[]): string {
  if (results.length === 0) return 'nothing to end'
  return results
    .map(({ id, failure }) =>
      failure === undefined ? `ended ${id}` : `not ended ${id}: ${neutralise(failure.message)}`,
    )
    .join('\n')
}

/** The listing for a program; its fields are listed in `docs/json-output.md`. */
export function sessionsDocument({ sessions, unreadable }: SessionListing): object {
  return {
    sessions: sessions.map(({ startedAt, endedAt, document, reason, pid, ...rest }) => ({
      ...rest,
      document: document ?? null,
      startedAt: timeOf(startedAt),
      endedAt: timeOf(endedAt),
      reason: reason ?? null,
      pid: pid ?? null,
    })),
    unreadable,
  }
}

function timeOf(moment: number | undefined): string | null {
  return moment === undefined ? null : new Date(moment).toISOString()
}
