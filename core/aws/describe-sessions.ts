import type { Session } from '@aws-sdk/client-ssm'
import { type AwsConnection, withEndpoint } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'

/** A listing of Session Manager, which remembers thirty days. */
export interface SessionListing {
  readonly state: 'Active' | 'History'
  /** The machine; all of the region unless told. */
  readonly target?: string
  /** What is listed and what for, for errors. */
  readonly list: string
  readonly purpose: string
}

/** The sessions of an account's region, in the service's order. */
export async function describeSessions(
  connection: AwsConnection,
  { state, target, list, purpose }: SessionListing,
  signal: AbortSignal | undefined,
): Promise<Session[]> {
  const call = { action: 'ssm:DescribeSessions', purpose, ...(target !== undefined && { resource: target }) }
  return await connection.call(call, signal, async () => {
    const { DescribeSessionsCommand, SSMClient } = await import('@aws-sdk/client-ssm')
    const client = new SSMClient(withEndpoint(connection.settings, 'ssm'))
    return await readPages(
      list,
      (NextToken) =>
        client.send(
          new DescribeSessionsCommand({
            State: state,
            ...(target !== undefined && { Filters: [{ key: 'Target', value: target }] }),
            NextToken,
          }),
          abortedBy(signal),
        ),
      ({ Sessions, NextToken }) => ({ items: Sessions, next: NextToken }),
    )
  })
}
