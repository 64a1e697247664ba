import type { AutoScalingClient, AutoScalingGroup } from '@aws-sdk/client-auto-scaling'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy, clientPerConnection } from '#core/aws/sdk-client.ts'
import type { ScalingGroup } from '#core/installation/network.ts'

export const DESCRIBE_AUTO_SCALING_GROUPS = 'autoscaling:DescribeAutoScalingGroups'

export const scalingClient = clientPerConnection<AutoScalingClient>(async (settings) => {
  const { AutoScalingClient } = await import('@aws-sdk/client-auto-scaling')
  return new AutoScalingClient(settings)
})

/** The groups with these names; none where there are none. */
export async function describeScalingGroups(
  connection: AwsConnection,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<ScalingGroup[]> {
  const call = {
    action: DESCRIBE_AUTO_SCALING_GROUPS,
    purpose: `look for the Auto Scaling group ${names.join(', ')}`,
  }
  const groups = await connection.call(call, signal, async () => {
    const { DescribeAutoScalingGroupsCommand } = await import('@aws-sdk/client-auto-scaling')
    const client = await scalingClient(connection)
    const input = { AutoScalingGroupNames: [...names] }
    return await readPages(
      'Auto Scaling groups',
      (NextToken) =>
        client.send(new DescribeAutoScalingGroupsCommand({ ...input, NextToken }), abortedBy(signal)),
      ({ AutoScalingGroups, NextToken }) => ({ items: AutoScalingGroups, next: NextToken }),
    )
  })
  return groups.flatMap(toGroup)
}

function toGroup(group: AutoScalingGroup): ScalingGroup[] {
  const { AutoScalingGroupName: name, MinSize = 0, MaxSize = 0, DesiredCapacity = 0 } = group
  if (name === undefined) return []
  return [
    {
      name,
      minimum: MinSize,
      maximum: MaxSize,
      desired: DesiredCapacity,
      zones: group.AvailabilityZones ?? [],
      instances: (group.Instances ?? []).flatMap(({ InstanceId }) => InstanceId ?? []),
      suspended: (group.SuspendedProcesses ?? []).flatMap(({ ProcessName }) => ProcessName ?? []),
    },
  ]
}
