import type { EC2Client, Instance } from '@aws-sdk/client-ec2'
import type { AwsConnection } from '#core/aws/clients.ts'
import { isPgctlError } from '#core/errors.ts'
import type { InstanceState } from '#core/installation/inventory.ts'

/** A virtual machine as EC2 describes it. */
export interface Machine {
  readonly id: string
  readonly name: string | undefined
  readonly state: InstanceState
  readonly launchedAt: number | undefined
  readonly privateAddress: string | undefined
  readonly publicAddress: string | undefined
  /** The name of its instance profile. */
  readonly role: string | undefined
}

/** Which machines: by the tag `Name`, or one by its id. */
type MachineSelection = { readonly name: string } | { readonly id: string }

export const DESCRIBE_INSTANCES = 'ec2:DescribeInstances'

/** The machines of a selection, terminated ones left out; none where there are none. */
export async function describeMachines(
  connection: AwsConnection,
  selection: MachineSelection,
  signal?: AbortSignal,
): Promise<Machine[]> {
  const what = 'id' in selection ? selection.id : selection.name
  const call = { action: DESCRIBE_INSTANCES, purpose: `look for the instance ${what}` }
  try {
    const instances = await connection.call(call, signal, () => listInstances(connection, selection, signal))
    return instances.flatMap(toMachine)
  } catch (error) {
    if (isPgctlError(error, 'bastion-missing')) return []
    throw error
  }
}

async function listInstances(
  { settings }: AwsConnection,
  selection: MachineSelection,
  signal: AbortSignal | undefined,
): Promise<Instance[]> {
  const { EC2Client, paginateDescribeInstances } = await import('@aws-sdk/client-ec2')
  const client: EC2Client = new EC2Client(settings)
  const input =
    'id' in selection
      ? { InstanceIds: [selection.id] }
      : { Filters: [{ Name: 'tag:Name', Values: [selection.name] }] }
  const pages = paginateDescribeInstances(
    { client },
    input,
    signal === undefined ? {} : { abortSignal: signal },
  )
  const instances: Instance[] = []
  for await (const page of pages)
    for (const reservation of page.Reservations ?? []) instances.push(...(reservation.Instances ?? []))
  return instances
}

function toMachine(instance: Instance): Machine[] {
  const { InstanceId: id, State, Tags, LaunchTime, IamInstanceProfile } = instance
  const state = toState(State?.Name)
  if (id === undefined || state === undefined) return []
  return [
    {
      id,
      name: Tags?.find((tag) => tag.Key === 'Name')?.Value,
      state,
      launchedAt: LaunchTime?.getTime(),
      privateAddress: instance.PrivateIpAddress || undefined,
      publicAddress: instance.PublicIpAddress || undefined,
      role: IamInstanceProfile?.Arn?.split('/').at(-1),
    },
  ]
}

/** A terminated machine is listed for an hour, and is nothing any more. */
function toState(name: string | undefined): InstanceState | undefined {
  switch (name) {
    case 'pending':
    case 'running':
    case 'stopping':
    case 'stopped':
    case 'shutting-down':
      return name
    case 'terminated':
      return undefined
    default:
      return 'unread'
  }
}
