import type { Instance } from '@aws-sdk/client-ec2'
import type { AwsConnection } from '#core/aws/clients.ts'
import { ec2Client, nameIn } from '#core/aws/ec2-client.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
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
  readonly zone: string | undefined
  readonly subnetId: string | undefined
  readonly securityGroups: readonly string[]
  /** The name of the Auto Scaling group that started it. */
  readonly group: string | undefined
}

/** What a machine was made of. */
export interface MachineOrigin extends Machine {
  readonly imageId: string | undefined
}

/** Which machines: by the tag `Name`, or by their ids. */
type MachineSelection =
  | { readonly name: string }
  | { readonly id: string }
  | { readonly ids: readonly string[] }

export const DESCRIBE_INSTANCES = 'ec2:DescribeInstances'

/** The tag that Auto Scaling gives what it starts. */
const GROUP_TAG = 'aws:autoscaling:groupName'

/** The machines of a selection, terminated ones left out; none where there are none. */
export async function describeMachines(
  connection: AwsConnection,
  selection: MachineSelection,
  signal?: AbortSignal,
): Promise<Machine[]> {
  const what =
    'id' in selection ? selection.id : 'ids' in selection ? selection.ids.join(', ') : selection.name
  const call = { action: DESCRIBE_INSTANCES, purpose: `look for the instance ${what}` }
  try {
    const instances = await connection.call(call, signal, () => listInstances(connection, selection, signal))
    return instances.flatMap(toMachine)
  } catch (error) {
    if (isPgctlError(error, 'bastion-missing')) return []
    throw error
  }
}

/** Machines with what they were made of; those that are gone are left out. */
export async function describeOrigins(
  connection: AwsConnection,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<MachineOrigin[]> {
  const call = { action: DESCRIBE_INSTANCES, purpose: `look at the instances ${ids.join(', ')}` }
  const instances = await connection.call(call, signal, () => listInstances(connection, { ids }, signal))
  return instances.flatMap((instance) =>
    toMachine(instance).map((machine) => ({ ...machine, imageId: instance.ImageId })),
  )
}

async function listInstances(
  connection: AwsConnection,
  selection: MachineSelection,
  signal: AbortSignal | undefined,
): Promise<Instance[]> {
  const { DescribeInstancesCommand } = await import('@aws-sdk/client-ec2')
  const client = await ec2Client(connection)
  const input =
    'id' in selection
      ? { InstanceIds: [selection.id] }
      : 'ids' in selection
        ? { InstanceIds: [...selection.ids] }
        : { Filters: [{ Name: 'tag:Name', Values: [selection.name] }] }
  return await readPages(
    'instances',
    (NextToken) => client.send(new DescribeInstancesCommand({ ...input, NextToken }), abortedBy(signal)),
    ({ Reservations = [], NextToken }) => ({
      items: Reservations.flatMap(({ Instances = [] }) => Instances),
      next: NextToken,
    }),
  )
}

function toMachine(instance: Instance): Machine[] {
  const { InstanceId: id, State, Tags, LaunchTime, IamInstanceProfile } = instance
  const state = toState(State?.Name)
  if (id === undefined || state === undefined) return []
  return [
    {
      id,
      name: nameIn(Tags),
      state,
      launchedAt: LaunchTime?.getTime(),
      privateAddress: instance.PrivateIpAddress || undefined,
      publicAddress: instance.PublicIpAddress || undefined,
      role: IamInstanceProfile?.Arn?.split('/').at(-1),
      zone: instance.Placement?.AvailabilityZone || undefined,
      subnetId: instance.SubnetId || undefined,
      securityGroups: (instance.SecurityGroups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
      group: Tags?.find(({ Key }) => Key === GROUP_TAG)?.Value,
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
