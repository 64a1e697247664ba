import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy, clientPerConnection } from '#core/aws/sdk-client.ts'
import type { Ms } from '#core/clock.ts'

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
