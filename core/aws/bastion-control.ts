import type { AutoScalingClient, AutoScalingGroup, Instance } from '@aws-sdk/client-auto-scaling'
import type { AwsConnection } from '#core/aws/clients.ts'
import { describeOrigins, type MachineOrigin } from '#core/aws/ec2.ts'
import { describeImage } from '#core/aws/images.ts'
import { templateOf, templateVersionOf } from '#core/aws/launch-templates.ts'
import { describeManagedNodes, type ManagedNode } from '#core/aws/managed-nodes.ts'
import { scalingClient } from '#core/aws/scaling-groups.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import type { BastionControl, BastionGroup, GroupSizes, Machine } from '#core/bastion/control.ts'
import { SIZES_TAG } from '#core/bastion/names.ts'
import { formatSizes, parseSizes } from '#core/bastion/sizes.ts'
import { isPgctlError } from '#core/errors.ts'

/**
 * The Auto Scaling group of a bastion. A machine that is stopped by hand is replaced by its group, so that a bastion is
 * stopped by the group's size; what that was is a tag of the group, where anybody finds it and no table is needed.
 */
export function createBastionControl(connection: AwsConnection, group: string): BastionControl {
  const sdk = () => import('@aws-sdk/client-auto-scaling')
  const call = <T>(
    operation: string,
    purpose: string,
    signal: AbortSignal | undefined,
    run: (client: AutoScalingClient) => Promise<T>,
  ) =>
    connection.call({ action: `autoscaling:${operation}`, purpose, resource: group }, signal, async () =>
      run(await scalingClient(connection)),
    )
  const describe = (signal: AbortSignal | undefined) =>
    call('DescribeAutoScalingGroups', `look at the group ${group}`, signal, async (client) => {
      const { DescribeAutoScalingGroupsCommand } = await sdk()
      const input = { AutoScalingGroupNames: [group] }
      const answer = await client.send(new DescribeAutoScalingGroupsCommand(input), abortedBy(signal))
      return answer.AutoScalingGroups?.find(({ AutoScalingGroupName }) => AutoScalingGroupName === group)
    })
  const tag = (value: string | undefined) => ({
    ...{ ResourceId: group, ResourceType: 'auto-scaling-group', Key: SIZES_TAG, PropagateAtLaunch: false },
    ...(value === undefined ? {} : { Value: value }),
  })
  const remember = (sizes: GroupSizes, signal: AbortSignal | undefined) =>
    call('CreateOrUpdateTags', `note the sizes of ${group}`, signal, async (client) => {
      const { CreateOrUpdateTagsCommand } = await sdk()
      await client.send(new CreateOrUpdateTagsCommand({ Tags: [tag(formatSizes(sizes))] }), abortedBy(signal))
    })
  const forget = (signal: AbortSignal | undefined) =>
    call('DeleteTags', `forget the sizes of ${group}`, signal, async (client) => {
      const { DeleteTagsCommand } = await sdk()
      await client.send(new DeleteTagsCommand({ Tags: [tag(undefined)] }), abortedBy(signal))
    })

  return {
    async look(signal) {
      const found = await describe(signal)
      return found === undefined ? undefined : toGroup(connection, group, found, signal)
    },

    async image(signal) {
      const template = (await describe(signal))?.LaunchTemplate
      const id = template && (await templateOf(connection, template, signal))?.imageId
      return id === undefined ? undefined : describeImage(connection, id, signal)
    },

    async resize(sizes, remembered, signal) {
      // What the sizes were is noted before they change, and forgotten after: a step between leaves it known.
      if (remembered !== undefined) await remember(remembered, signal)
      await call('UpdateAutoScalingGroup', `set the size of ${group}`, signal, async (client) => {
        const { UpdateAutoScalingGroupCommand } = await sdk()
        await client.send(
          new UpdateAutoScalingGroupCommand({
            AutoScalingGroupName: group,
            MinSize: sizes.minimum,
            MaxSize: sizes.maximum,
            DesiredCapacity: sizes.desired,
          }),
          abortedBy(signal),
        )
      })
      // One who may start it and not tag it has started it: the next stop writes the tag anew.
      if (remembered === undefined) await unlessRefused(forget(signal))
    },

    async useTemplate(version, signal) {
      const template = (await describe(signal))?.LaunchTemplate
      await call('UpdateAutoScalingGroup', `set the launch template of ${group}`, signal, async (client) => {
        const { UpdateAutoScalingGroupCommand } = await sdk()
        await client.send(
          new UpdateAutoScalingGroupCommand({
            AutoScalingGroupName: group,
            LaunchTemplate: { LaunchTemplateId: template?.LaunchTemplateId, Version: version },
          }),
          abortedBy(signal),
        )
      })
    },

    async replace(machine, signal) {
      await call(
        'TerminateInstanceInAutoScalingGroup',
        `replace the instance ${machine}`,
        signal,
        async (client) => {
          const { TerminateInstanceInAutoScalingGroupCommand } = await sdk()
          await client.send(
            new TerminateInstanceInAutoScalingGroupCommand({
              InstanceId: machine,
              ShouldDecrementDesiredCapacity: false,
            }),
            abortedBy(signal),
          )
        },
      )
    },
  }
}

async function toGroup(
  connection: AwsConnection,
  name: string,
  group: AutoScalingGroup,
  signal: AbortSignal | undefined,
): Promise<BastionGroup> {
  const { MinSize = 0, MaxSize = 0, DesiredCapacity = 0, Tags, LaunchTemplate, Instances } = group
  const instances = (Instances ?? []).filter(({ LifecycleState }) => !/^Terminat/.test(LifecycleState ?? ''))
  const ids = instances.flatMap(({ InstanceId }) => InstanceId ?? [])
  const [template, origins, nodes] = await Promise.all([
    unlessRefused(templateVersionOf(connection, LaunchTemplate, signal)),
    ids.length === 0 ? [] : unlessRefused(describeOrigins(connection, ids, signal)),
    ids.length === 0 ? [] : unlessRefused(describeManagedNodes(connection, { ids }, signal)),
  ])
  const noted = Tags?.find(({ Key }) => Key === SIZES_TAG)?.Value
  return {
    name,
    sizes: { minimum: MinSize, maximum: MaxSize, desired: DesiredCapacity },
    remembered: noted === undefined ? undefined : parseSizes(noted),
    template,
    machines: instances
      .flatMap((instance) => toMachine(instance, origins, nodes))
      .sort((a, b) => (b.launchedAt ?? Infinity) - (a.launchedAt ?? Infinity)),
  }
}

/** What a caller may not see is not known; it is not absent. */
async function unlessRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isPgctlError(error, 'permission-denied') || isPgctlError(error, 'bastion-missing')) return undefined
    throw error
  }
}

function toMachine(
  { InstanceId: id, LaunchTemplate }: Instance,
  origins: readonly MachineOrigin[] | undefined,
  nodes: readonly ManagedNode[] | undefined,
): Machine[] {
  if (id === undefined) return []
  const origin = origins?.find((each) => each.id === id)
  const node = nodes?.find((each) => each.id === id)
  // The group still has it, and it is gone already.
  if (origins !== undefined && (origin === undefined || origin.state === 'shutting-down')) return []
  return [
    {
      id,
      state: origin?.state ?? 'unread',
      launchedAt: origin?.launchedAt,
      template: LaunchTemplate?.Version,
      imageId: origin?.imageId,
      agent: nodes === undefined ? { kind: 'unread' } : (node?.agent ?? { kind: 'unregistered' }),
    },
  ]
}
