import type { Session } from '@aws-sdk/client-ssm'
import type { AwsConnection } from '#core/aws/clients.ts'
import { describeSessions } from '#core/aws/describe-sessions.ts'
import type { RecordedSession, SessionHistory } from '#core/ssm/session-history.ts'

const STATES = { active: 'Active', ended: 'History' } as const

/** What Session Manager remembers. */
export function createSessionHistory(connection: AwsConnection): SessionHistory {
  return {
    async list(which, signal) {
      const list = `${which} sessions`
      const listing = { state: STATES[which], list, purpose: `list the ${list}` }
      const sessions = await describeSessions(connection, listing, signal)
      return sessions.flatMap(toSession).sort((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0))
    },
  }
}

function toSession(session: Session): RecordedSession[] {
  const { SessionId: id, Owner, Target, DocumentName, StartDate, EndDate, Status, Reason } = session
  if (id === undefined) return []
  return [
    {
      id,
      owner: Owner ?? '',
      target: Target ?? '',
      document: DocumentName || undefined,
      startedAt: StartDate?.getTime(),
      endedAt: EndDate?.getTime(),
      status: (Status ?? 'unknown').toLowerCase(),
      reason: Reason || undefined,
    },
  ]
}
