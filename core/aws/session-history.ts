import type { Session } from '@aws-sdk/client-ssm'
import { type AwsConnection, withEndpoint } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import type { RecordedSession, SessionHistory } from '#core/ssm/session-history.ts'

const STATES = { active: 'Active', ended: 'History' } as const

/** What Session Manager remembers. */
export function createSessionHistory(connection: AwsConnection): SessionHistory {
  return {
    async list(which, signal) {
      const call = { action: 'ssm:DescribeSessions', purpose: `list the ${which} sessions` }
      const sessions = await connection.call(call, signal, async () => {
        const { DescribeSessionsCommand, SSMClient } = await import('@aws-sdk/client-ssm')
        const client = new SSMClient(withEndpoint(connection.settings, 'ssm'))
        return await readPages(
          `${which} sessions`,
          (NextToken) =>
            client.send(new DescribeSessionsCommand({ State: STATES[which], NextToken }), abortedBy(signal)),
          ({ Sessions, NextToken }) => ({ items: Sessions, next: NextToken }),
        )
      })
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
