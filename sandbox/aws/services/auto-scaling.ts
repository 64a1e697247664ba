import type { Sizes } from '#sandbox/bastion-group.ts'
import type { WorldInstance, WorldState } from '#sandbox/world-state.ts'
import { idOf } from '#sandbox/worlds/ids.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { subnetOf, type Tags } from '#sandbox/worlds/network.ts'
import { AwsError } from '../aws-error.ts'
import { queryDialect } from '../dialects/query.ts'
import { filtersIn, listIn } from '../query-input.ts'
import { type QueryPages, queryPage } from '../query-pages.ts'
import type { AwsService, Call, Input } from '../service.ts'
import { many, type XmlValue } from '../xml.ts'
import { groupArn, groupOperations } from './auto-scaling-groups.ts'
import { zoneOf } from './ec2-instances.ts'

const PAGES: QueryPages = {
  size: 'MaxRecords',
  token: 'NextToken',
  least: 1,
  most: 100,
  badToken: 'InvalidNextToken',
  badSize: 'ValidationError',
}

interface Group {
  readonly name: string
  readonly sizes: Sizes
  readonly tags: Tags
  readonly template: string
  readonly version: string
  readonly instances: readonly WorldInstance[]
}

/** Auto Scaling with the bastion's group of one, and the nodes'. */
export function createAutoScaling(state: WorldState): AwsService {
  return {
    name: 'autoscaling',
    dialect: queryDialect('2011-01-01', 'http://autoscaling.amazonaws.com/doc/2011-01-01/'),
    operations: {
      DescribeAutoScalingGroups: {
        resources: () => [],
        run: (input, call) => describeGroups(input, call, state),
      },
      ...groupOperations(state),
    },
  }
}

function groupsOf(world: World, state: WorldState): Group[] {
  const instances = state.instances(world).filter(({ state: is }) => is !== 'terminated')
  const { name } = world.bastion
  const group = state.groupOf(world)
  const nodes = `eks-${world.workspace}-ondemand`
  const own: Group[] = [
    {
      name,
      sizes: group.sizes,
      tags: group.tags,
      template: name,
      version: group.version,
      instances: instances.filter(({ purpose }) => purpose === 'bastion'),
    },
  ]
  return [
    ...(state.knobsOf(world).bastion === 'missing' ? [] : own),
    {
      name: nodes,
      sizes: { minimum: world.nodes.length, maximum: 2 * world.nodes.length, desired: world.nodes.length },
      tags: {
        'eks:cluster-name': world.cluster.name,
        'eks:nodegroup-name': `${world.workspace}-ondemand`,
        [`k8s.io/cluster-autoscaler/${world.cluster.name}`]: 'owned',
        [`kubernetes.io/cluster/${world.cluster.name}`]: 'owned',
      },
      template: nodes,
      version: '1',
      instances: instances.filter(({ purpose }) => purpose === 'cluster'),
    },
  ]
}

function describeGroups(input: Input, call: Call, state: WorldState): object {
  const { world } = call
  const names = listIn(input, 'AutoScalingGroupNames.member')
  const filters = filtersIn(input, 'Filters.member', 'Values.member')
  const found = (world === undefined ? [] : groupsOf(world, state))
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .filter(({ tags }) => filters.every(({ name, values }) => passes(tags, name, values)))
  const { items, next } = queryPage(found, input, call, PAGES)
  return {
    AutoScalingGroups: many(
      'member',
      items.map((group) => describe(group, world as World)),
    ),
    NextToken: next,
  }
}

function passes(tags: Tags, filter: string, values: readonly string[]): boolean {
  if (filter === 'tag-key') return values.some((key) => Object.hasOwn(tags, key))
  if (filter === 'tag-value') return values.some((value) => Object.values(tags).includes(value))
  if (filter.startsWith('tag:')) return values.includes(tags[filter.slice('tag:'.length)] ?? '')
  throw new AwsError('ValidationError', `Filter type ${filter} is not correct`)
}

function describe(group: Group, world: World): XmlValue {
  const template = {
    LaunchTemplateId: idOf('lt', group.template),
    LaunchTemplateName: group.template,
    Version: group.version,
  }
  const subnets = [...new Set(group.instances.map(({ address }) => subnetOf(world, address)))]
  return {
    AutoScalingGroupName: group.name,
    AutoScalingGroupARN: groupArn(world.region, world.account, group.name),
    LaunchTemplate: template,
    MinSize: group.sizes.minimum,
    MaxSize: group.sizes.maximum,
    DesiredCapacity: group.sizes.desired,
    DefaultCooldown: 300,
    AvailabilityZones: many(
      'member',
      [...new Set(subnets.map(({ zone }) => `${world.region}${zone}`))].sort(),
    ),
    VPCZoneIdentifier: subnets.map(({ subnetId }) => subnetId).join(','),
    LoadBalancerNames: many('member', []),
    TargetGroupARNs: many('member', []),
    HealthCheckType: 'EC2',
    HealthCheckGracePeriod: 300,
    CreatedTime: '2026-03-02T10:02:31.214Z',
    Instances: many(
      'member',
      group.instances.map((instance) => ({
        InstanceId: instance.instanceId,
        InstanceType: instance.type,
        AvailabilityZone: zoneOf(world, instance.address),
        LifecycleState: instance.state === 'pending' ? 'Pending' : 'InService',
        HealthStatus: ['running', 'pending'].includes(instance.state) ? 'Healthy' : 'Unhealthy',
        LaunchTemplate: { ...template, Version: String(instance.version) },
        ProtectedFromScaleIn: false,
      })),
    ),
    SuspendedProcesses: many('member', []),
    EnabledMetrics: many('member', []),
    Tags: many(
      'member',
      Object.entries(group.tags).map(([Key, Value]) => ({
        ResourceId: group.name,
        ResourceType: 'auto-scaling-group',
        Key,
        Value,
        PropagateAtLaunch: true,
      })),
    ),
    TerminationPolicies: many('member', ['Default']),
    NewInstancesProtectedFromScaleIn: false,
    ServiceLinkedRoleARN: `arn:aws:iam::${world.account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`,
  }
}
