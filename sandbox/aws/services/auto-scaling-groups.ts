import type { BastionGroup, Sizes } from '#sandbox/bastion-group.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import { idOf } from '#sandbox/worlds/ids.ts'
import { AwsError } from '../aws-error.ts'
import type { Call, Input, Operation } from '../service.ts'
import type { XmlValue } from '../xml.ts'

/** What changes an Auto Scaling group: sizes, template, tags, and the end of one machine. Only bastions' groups change. */
export function groupOperations(state: WorldState): Readonly<Record<string, Operation>> {
  const of = (input: Input, call: Call) => groupOf(nameIn(input), call, state)
  return {
    UpdateAutoScalingGroup: {
      resources: (input, call) => [arnOf(nameIn(input), call)],
      run(input, call) {
        const group = of(input, call)
        const sizes = sizesIn(input, group)
        const version = versionIn(input, group, call)
        if (version !== undefined) group.version = version
        group.resize(sizes, call.now.wall)
        return {}
      },
    },
    CreateOrUpdateTags: {
      resources: (input, call) => tagsIn(input).map(({ group }) => arnOf(group, call)),
      run(input, call) {
        for (const { group: name, key, value } of tagsIn(input)) {
          const group = groupOf(name, call, state)
          if (key.startsWith('aws:')) throw validation('Tag keys that begin with aws: are reserved')
          group.tags = { ...group.tags, [key]: value }
        }
        return {}
      },
    },
    DeleteTags: {
      resources: (input, call) => tagsIn(input).map(({ group }) => arnOf(group, call)),
      run(input, call) {
        for (const { group: name, key } of tagsIn(input)) {
          const group = groupOf(name, call, state)
          group.tags = Object.fromEntries(Object.entries(group.tags).filter(([each]) => each !== key))
        }
        return {}
      },
    },
    TerminateInstanceInAutoScalingGroup: {
      resources: (_, call) => [call.world === undefined ? '*' : arnOf(call.world.bastion.name, call)],
      run(input, call) {
        const id = String(input['InstanceId'] ?? '')
        const decrement = input['ShouldDecrementDesiredCapacity']
        if (decrement !== 'true' && decrement !== 'false')
          throw validation(
            "Value null at 'shouldDecrementDesiredCapacity' failed to satisfy constraint: Member must not be null",
          )
        const group = call.world === undefined ? undefined : state.groupOf(call.world)
        if (group === undefined || !holds(group, id, call))
          throw validation(`Instance Id not found - No managed instance found for instance ID: ${id}`)
        if (decrement === 'true') {
          const { minimum, maximum, desired } = group.sizes
          if (desired - 1 < minimum)
            throw validation(
              `Currently, desiredSize equals minSize (${minimum}). Terminating instance without replacement will violate group's min size constraint.`,
            )
          group.resize({ minimum, maximum, desired: desired - 1 }, call.now.wall)
        } else group.end(id, call.now.wall)
        return { Activity: activity(id, call) }
      },
    },
  }
}

function holds(group: BastionGroup, id: string, { world }: Call): boolean {
  return (
    (group.hasFirst && id === world?.bastion.instanceId) ||
    group.machines.some(({ instanceId }) => instanceId === id)
  )
}

function activity(id: string, { now, world }: Call): XmlValue {
  return {
    ActivityId: '8b1d5f30-2c47-4e9a-a6d8-71f0c3b95e24',
    AutoScalingGroupName: world?.bastion.name,
    Description: `Terminating EC2 instance: ${id}`,
    Cause: `At ${new Date(now.wall).toISOString()} instance ${id} was taken out of service in response to a user request.`,
    StartTime: new Date(now.wall).toISOString(),
    StatusCode: 'InProgress',
    Progress: 0,
  }
}

function nameIn(input: Input): string {
  return String(input['AutoScalingGroupName'] ?? '')
}

function groupOf(name: string, { world }: Call, state: WorldState): BastionGroup {
  if (world === undefined || name !== world.bastion.name)
    throw validation(`AutoScalingGroup name not found - no such group: ${name}`)
  return state.groupOf(world)
}

/** As the service: a size that is not named stays, and one beyond the others is refused or, for the desired, moved. */
function sizesIn(input: Input, { sizes }: BastionGroup): Sizes {
  const number = (name: string, before: number) => (input[name] === undefined ? before : Number(input[name]))
  const minimum = number('MinSize', sizes.minimum)
  const maximum = number('MaxSize', sizes.maximum)
  if (minimum > maximum) throw validation('Max bound, must be greater than or equal to min bound')
  const asked = input['DesiredCapacity']
  const desired = number('DesiredCapacity', Math.min(Math.max(sizes.desired, minimum), maximum))
  if (asked !== undefined && (desired < minimum || desired > maximum))
    throw validation(
      `New SetDesiredCapacity value ${desired} is ${desired < minimum ? `below min value ${minimum}` : `above max value ${maximum}`} for the AutoScalingGroup.`,
    )
  return { minimum, maximum, desired }
}

function versionIn(input: Input, group: BastionGroup, { world }: Call): string | undefined {
  const version = input['LaunchTemplate.Version']
  const name = input['LaunchTemplate.LaunchTemplateName']
  const id = input['LaunchTemplate.LaunchTemplateId']
  if (version === undefined && name === undefined && id === undefined) return undefined
  const own = world?.bastion.name ?? ''
  if ((name !== undefined && name !== own) || (id !== undefined && id !== idOf('lt', own)))
    throw validation(
      'You must use a valid fully-formed launch template. The specified launch template does not exist',
    )
  const wanted = String(version ?? '$Default')
  if (group.resolve(wanted) === undefined)
    throw validation(
      `You must use a valid fully-formed launch template. Could not find the specified version ${wanted} for the launch template`,
    )
  return wanted
}

interface GroupTag {
  readonly group: string
  readonly key: string
  readonly value: string
}

function tagsIn(input: Input): GroupTag[] {
  const found: GroupTag[] = []
  for (let number = 1; input[`Tags.member.${number}.Key`] !== undefined; number++) {
    const of = (name: string) => String(input[`Tags.member.${number}.${name}`] ?? '')
    if (of('ResourceType') !== 'auto-scaling-group')
      throw validation('ResourceType must be auto-scaling-group')
    found.push({ group: of('ResourceId'), key: of('Key'), value: of('Value') })
  }
  return found
}

export function groupArn(region: string, account: string, name: string): string {
  return `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:4d2c7a10-5b3e-4f8a-9c61-e07d38b2f5a4:autoScalingGroupName/${name}`
}

function arnOf(name: string, { region, caller }: Call): string {
  return groupArn(region, caller.account, name)
}

function validation(message: string): AwsError {
  return new AwsError('ValidationError', message)
}
