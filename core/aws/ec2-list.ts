import type { EC2Client } from '@aws-sdk/client-ec2'
import type { AwsConnection } from '#core/aws/clients.ts'
import { ec2Client } from '#core/aws/ec2-client.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'

/** One list of EC2: what it is called, and how a page of it is asked for. */
export interface Ec2List<Item> {
  /** As a policy spells it. */
  readonly action: string
  /** Completes "look for": `the subnets of vpc-1`. */
  readonly what: string
  readonly fetch: (
    sdk: typeof import('@aws-sdk/client-ec2'),
    client: EC2Client,
    token: string | undefined,
    options: ReturnType<typeof abortedBy>,
  ) => Promise<{ readonly items: readonly Item[] | undefined; readonly next: string | undefined }>
}

/** Reads all pages of a list. */
export function listEc2<Item>(
  connection: AwsConnection,
  { action, what, fetch }: Ec2List<Item>,
  signal: AbortSignal | undefined,
): Promise<Item[]> {
  return connection.call({ action, purpose: `look for ${what}` }, signal, async () => {
    const sdk = await import('@aws-sdk/client-ec2')
    const client = await ec2Client(connection)
    return await readPages(
      what,
      (token) => fetch(sdk, client, token, abortedBy(signal)),
      (page) => page,
    )
  })
}

/** The filter of what is in a VPC. */
export function inVpc(vpcId: string): { Name: string; Values: string[] }[] {
  return [{ Name: 'vpc-id', Values: [vpcId] }]
}
