import type { InstanceInformation, InstanceInformationStringFilter } from '@aws-sdk/client-ssm'
import { type AwsConnection, withEndpoint } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import { isPgctlError } from '#core/errors.ts'
import type { AgentStatus } from '#core/installation/inventory.ts'

/** A machine whose agent has registered with Systems Manager. */
export interface ManagedNode {
  readonly id: string
  readonly privateAddress: string | undefined
  readonly role: string | undefined
  readonly agent: Extract<AgentStatus, { kind: 'registered' }>
}

/** Which nodes: by the tag `Name`, or by their ids. */
type NodeSelection = { readonly name: string } | { readonly ids: readonly string[] }

export const DESCRIBE_INSTANCE_INFORMATION = 'ssm:DescribeInstanceInformation'
const PAGE_SIZE = 50

/** The registered nodes of a selection; none where there are none. */
export async function describeManagedNodes(
  connection: AwsConnection,
  selection: NodeSelection,
  signal?: AbortSignal,
): Promise<ManagedNode[]> {
  const what = 'ids' in selection ? selection.ids.join(', ') : selection.name
  const call = { action: DESCRIBE_INSTANCE_INFORMATION, purpose: `ask for the agent of ${what}` }
  try {
    const nodes = await connection.call(call, signal, () => listNodes(connection, selection, signal))
    return nodes.flatMap(toNode)
  } catch (error) {
    if (isPgctlError(error, 'bastion-missing')) return []
    throw error
  }
}

async function listNodes(
  { settings }: AwsConnection,
  selection: NodeSelection,
  signal: AbortSignal | undefined,
): Promise<InstanceInformation[]> {
  const { DescribeInstanceInformationCommand, SSMClient } = await import('@aws-sdk/client-ssm')
  const client = new SSMClient(withEndpoint(settings, 'ssm'))
  const input = { Filters: [filterOf(selection)], MaxResults: PAGE_SIZE }
  return await readPages(
    'registered agents',
    (NextToken) =>
      client.send(new DescribeInstanceInformationCommand({ ...input, NextToken }), abortedBy(signal)),
    ({ InstanceInformationList, NextToken }) => ({ items: InstanceInformationList, next: NextToken }),
  )
}

function filterOf(selection: NodeSelection): InstanceInformationStringFilter {
  return 'ids' in selection
    ? { Key: 'InstanceIds', Values: [...selection.ids] }
    : { Key: 'tag:Name', Values: [selection.name] }
}

function toNode(information: InstanceInformation): ManagedNode[] {
  const { InstanceId: id, PingStatus, LastPingDateTime, AgentVersion, IPAddress, IamRole } = information
  if (id === undefined) return []
  return [
    {
      id,
      privateAddress: IPAddress || undefined,
      role: IamRole || undefined,
      agent: {
        kind: 'registered',
        ping: toPing(PingStatus),
        lastPing: LastPingDateTime?.getTime(),
        version: AgentVersion || undefined,
      },
    },
  ]
}

function toPing(status: string | undefined): ManagedNode['agent']['ping'] {
  if (status === 'Online') return 'online'
  return status === 'Inactive' ? 'inactive' : 'connection-lost'
}
