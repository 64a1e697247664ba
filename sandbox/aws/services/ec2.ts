import { WORLD } from '#sandbox/world.ts'
import type { InstanceState, WorldInstance, WorldState } from '#sandbox/world-state.ts'
import { AwsError } from '../aws-error.ts'
import { ec2Dialect } from '../dialects/query.ts'
import { page } from '../pages.ts'
import type { AwsService, Input } from '../service.ts'
import type { XmlValue } from '../xml.ts'
import { passes, readFilters } from './ec2-filters.ts'

const STATE_CODES: Readonly<Record<InstanceState, number>> = {
  pending: 0,
  running: 16,
  stopping: 64,
  stopped: 80,
  terminated: 48,
}

/** EC2 with the world's instances. */
export function createEc2(state: WorldState): AwsService {
  return {
    name: 'ec2',
    dialect: ec2Dialect('2016-11-15'),
    operations: {
      DescribeInstances: {
        resources: () => [],
        run: (input, { caller }) =>
          describeInstances(input, caller.account === WORLD.account ? state.instances() : []),
      },
    },
  }
}

function describeInstances(input: Input, instances: readonly WorldInstance[]): object {
  const ids = Object.entries(input)
    .filter(([key]) => /^InstanceId\.\d+$/.test(key))
    .map(([, value]) => String(value))
  const size = sizeOf(input, ids)
  for (const id of ids) requireKnown(id, instances)
  const filters = readFilters(input)
  const token = input['NextToken'] === undefined ? undefined : String(input['NextToken'])
  const { items, next } = page(instances, size, token, () => {
    throw new AwsError('InvalidPaginationToken', `The token '${token}' is invalid`)
  })
  // As at EC2 the filters work on a page, so that a page may be empty and not be the last.
  const found = items.filter(
    (instance) => (ids.length === 0 || ids.includes(instance.instanceId)) && passes(instance, filters),
  )
  return { reservationSet: found.map(reservation), nextToken: next }
}

function sizeOf(input: Input, ids: readonly string[]): number | undefined {
  if (input['MaxResults'] === undefined) return undefined
  if (ids.length > 0)
    throw new AwsError(
      'InvalidParameterCombination',
      'The parameter instancesSet cannot be used with the parameter maxResults',
    )
  const size = Number(input['MaxResults'])
  if (!Number.isInteger(size) || size < 5 || size > 1000)
    throw new AwsError(
      'InvalidParameterValue',
      `Value ( ${String(input['MaxResults'])} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.`,
    )
  return size
}

function requireKnown(id: string, instances: readonly WorldInstance[]): void {
  if (!/^i-[0-9a-f]{8}([0-9a-f]{9})?$/.test(id))
    throw new AwsError('InvalidInstanceID.Malformed', `Invalid id: "${id}"`)
  if (!instances.some(({ instanceId }) => instanceId === id))
    throw new AwsError('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`)
}

/** Every instance of the world was started on its own, so each has a reservation to itself. */
function reservation(instance: WorldInstance): XmlValue {
  return {
    reservationId: `r-${instance.instanceId.slice(2)}`,
    ownerId: WORLD.account,
    groupSet: [],
    instancesSet: [describe(instance)],
  }
}

function describe(instance: WorldInstance): XmlValue {
  const gone = instance.state === 'terminated'
  const dashed = instance.address.replaceAll('.', '-')
  return {
    instanceId: instance.instanceId,
    imageId: 'ami-0d4c1e2f3a5b69788',
    instanceState: { code: STATE_CODES[instance.state], name: instance.state },
    privateDnsName: gone ? '' : `ip-${dashed}.${WORLD.region}.compute.internal`,
    dnsName: '',
    amiLaunchIndex: 0,
    instanceType: instance.type,
    launchTime: new Date(instance.launched).toISOString(),
    placement: { availabilityZone: `${WORLD.region}a`, tenancy: 'default' },
    monitoring: { state: 'disabled' },
    // A terminated instance keeps its id for an hour, and nothing of its place in the network.
    subnetId: gone ? undefined : WORLD.subnetId,
    vpcId: gone ? undefined : WORLD.vpcId,
    privateIpAddress: gone ? undefined : instance.address,
    architecture: 'arm64',
    // What lets the bastion's agent register; the cluster's nodes have a role of their own, which nobody asks for.
    iamInstanceProfile: gone || !isBastion(instance) ? undefined : INSTANCE_PROFILE,
    tagSet: Object.entries(instance.tags).map(([key, value]) => ({ key, value })),
  }
}

function isBastion({ tags }: WorldInstance): boolean {
  return tags['Name'] === WORLD.bastion.name
}

const INSTANCE_PROFILE = {
  arn: `arn:aws:iam::${WORLD.account}:instance-profile/${WORLD.bastion.role}`,
  id: 'AIPA7SANDBOXBASTION23',
}
