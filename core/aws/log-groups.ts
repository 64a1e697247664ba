import type { CloudWatchLogsClient, PutLogEventsCommandOutput } from '@aws-sdk/client-cloudwatch-logs'
import type { AuditSink, Refused } from '#core/audit/sink.ts'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy, clientPerConnection, orNone } from '#core/aws/sdk-client.ts'
import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'

const clientOf = clientPerConnection<CloudWatchLogsClient>(async (settings) => {
  const { CloudWatchLogsClient } = await import('@aws-sdk/client-cloudwatch-logs')
  return new CloudWatchLogsClient(settings)
})

/** The lines of a log group since a moment. */
export function readLogGroup(
  connection: AwsConnection,
  group: string,
  since: Ms,
  signal?: AbortSignal,
): Promise<string[]> {
  const call = { action: 'logs:FilterLogEvents', purpose: `read the log group ${group}`, resource: group }
  return connection.call(call, signal, async () => {
    const { FilterLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs')
    const client = await clientOf(connection)
    const events = await readPages(
      `events of ${group}`,
      (nextToken) =>
        client.send(
          new FilterLogEventsCommand({ logGroupName: group, startTime: since, nextToken }),
          abortedBy(signal),
        ),
      (page) => ({ items: page.events, next: page.nextToken }),
    )
    return events.flatMap(({ message }) => message ?? [])
  })
}

/** A stream of a log group, which is made when it is not there; the group is somebody else's to make. */
export function createLogStream(connection: AwsConnection, group: string, stream: string): AuditSink {
  const make = async (signal: AbortSignal): Promise<void> => {
    const call = { action: 'logs:CreateLogStream', purpose: `make the log stream ${stream}`, resource: group }
    const made = await connection.call(call, signal, async () => {
      const { CreateLogStreamCommand } = await import('@aws-sdk/client-cloudwatch-logs')
      const client = await clientOf(connection)
      const names = { logGroupName: group, logStreamName: stream }
      // Two that start at once, or a start after the first: it is there, which is all that is wanted.
      const answer = client.send(new CreateLogStreamCommand(names), abortedBy(signal)).catch(orIsThere)
      return await orNone(answer, 'ResourceNotFoundException')
    })
    if (made === undefined) throw noGroup(group)
  }
  return {
    async put(events, signal) {
      const call = {
        action: 'logs:PutLogEvents',
        purpose: `write to the log group ${group}`,
        resource: group,
      }
      const send = () =>
        connection.call(call, signal, async () => {
          const { PutLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs')
          const client = await clientOf(connection)
          const logEvents = events.map(({ at, message }) => ({ timestamp: at, message }))
          const batch = { logGroupName: group, logStreamName: stream, logEvents }
          return await orNone(
            client.send(new PutLogEventsCommand(batch), abortedBy(signal)),
            'ResourceNotFoundException',
          )
        })
      const answer = await send()
      if (answer !== undefined) return refusedOf(answer, events.length)
      await make(signal)
      const again = await send()
      if (again === undefined) throw noGroup(group)
      return refusedOf(again, events.length)
    },
  }
}

function orIsThere(error: unknown): object {
  if ((error as Error).name === 'ResourceAlreadyExistsException') return {}
  throw error
}

/** The ends are behind the last event that they are about, the start is the first one's. */
function refusedOf({ rejectedLogEventsInfo: refused }: PutLogEventsCommandOutput, count: number): Refused {
  return {
    tooOld: Math.max(refused?.tooOldLogEventEndIndex ?? 0, refused?.expiredLogEventEndIndex ?? 0),
    tooNew: count - (refused?.tooNewLogEventStartIndex ?? count),
  }
}

function noGroup(group: string): PgctlError {
  return new PgctlError('target-unknown', `there is no log group ${group}`, {
    why: 'it is the one that the launch template of this bastion names for its audit log',
    next: 'deploy the stack of the bastion anew, which makes it: pgctl bastion deploy --plan',
  })
}
