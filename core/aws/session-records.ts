import type { Session } from '@aws-sdk/client-ssm'
import type { AwsConnection } from '#core/aws/clients.ts'
import { describeSessions } from '#core/aws/describe-sessions.ts'
import { createSessionApi } from '#core/aws/session-api.ts'
import type { SessionRecord, SessionRecords } from '#core/bastion/control.ts'

/** The sessions that Session Manager knows; what goes through their tunnels it does not see. */
export function createSessionRecords(connection: AwsConnection): SessionRecords {
  const { terminate } = createSessionApi(connection)
  return {
    async active(machine, signal) {
      const listing = {
        state: 'Active',
        target: machine,
        list: `sessions on ${machine}`,
        purpose: `see who is on ${machine}`,
      } as const
      const sessions = await describeSessions(connection, listing, signal)
      return sessions.flatMap((session) => toRecord(session, machine))
    },
    end: terminate,
  }
}

/** One that is about to end, or has failed, is none. */
function toRecord(
  { SessionId: id, Status, Owner, StartDate, Reason }: Session,
  machine: string,
): SessionRecord[] {
  if (id === undefined || !['Connected', 'Connecting', 'Disconnected'].includes(Status ?? '')) return []
  return [
    {
      id,
      owner: Owner ?? '',
      machine,
      startedAt: StartDate?.getTime(),
      status: Status === 'Disconnected' ? 'disconnected' : 'connected',
      reason: Reason || undefined,
    },
  ]
}
