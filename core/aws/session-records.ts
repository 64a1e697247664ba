import type { Session } from '@aws-sdk/client-ssm'
import { type AwsConnection, withEndpoint } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import { createSessionApi } from '#core/aws/session-api.ts'
import type { SessionRecord, SessionRecords } from '#core/bastion/control.ts'

/** The sessions that Session Manager knows; what goes through their tunnels it does not see. */
export function createSessionRecords(connection: AwsConnection): SessionRecords {
  const { terminate } = createSessionApi(connection)
  return {
    active(machine, signal) {
      const call = { action: 'ssm:DescribeSessions', purpose: `see who is on ${machine}`, resource: machine }
      return connection.call(call, signal, async () => {
        const { DescribeSessionsCommand, SSMClient } = await import('@aws-sdk/client-ssm')
        const client = new SSMClient(withEndpoint(connection.settings, 'ssm'))
        const input = { State: 'Active', Filters: [{ key: 'Target', value: machine }] } as const
        const sessions = await readPages(
          `sessions on ${machine}`,
          (NextToken) =>
            client.send(
              new DescribeSessionsCommand({ ...input, Filters: [...input.Filters], NextToken }),
              abortedBy(signal),
            ),
          ({ Sessions, NextToken }) => ({ items: Sessions, next: NextToken }),
        )
        return sessions.flatMap((session) => toRecord(session, machine))
      })
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
