import type { WorldState } from '#sandbox/world-state.ts'
import { idOf } from '#sandbox/worlds/ids.ts'
import { tagsOf, type World } from '#sandbox/worlds/installation.ts'
import { groupIdOf, natGateways, subnetOf, subnetsOf, type Tags } from '#sandbox/worlds/network.ts'
import { type Listing, tagSet } from './ec2-listing.ts'

/** An interface of the network, and what it is of. */
interface InterfaceRow {
  readonly id: string
  readonly description: string
  readonly type: 'interface' | 'lambda' | 'nat_gateway'
  readonly address: string
  readonly subnetId: string
  readonly groupId: string
  readonly instanceId?: string
  readonly tags: Tags
}

/** The network interfaces of an installation: of its instances, its functions and its NAT gateways. */
export function interfaces(state: WorldState): Listing<InterfaceRow> {
  return {
    set: 'networkInterfaceSet',
    parameter: 'NetworkInterfaceId',
    prefix: 'eni',
    notFound: 'InvalidNetworkInterfaceID.NotFound',
    malformed: 'InvalidNetworkInterfaceId.Malformed',
    page: { least: 5, most: 1000 },
    rows: (world) => [...ofInstances(world, state), ...ofFunctions(world), ...ofGateways(world)],
    id: ({ id }) => id,
    tags: ({ tags }) => tags,
    filters: {
      'network-interface-id': ({ id }) => id,
      'vpc-id': (_, { network }) => network.vpcId,
      'subnet-id': ({ subnetId }) => subnetId,
      'interface-type': ({ type }) => type,
      'attachment.instance-id': ({ instanceId }) => instanceId ?? [],
      description: ({ description }) => description,
    },
    describe: ({ id, description, type, address, subnetId, groupId, instanceId, tags }, world) => ({
      networkInterfaceId: id,
      vpcId: world.network.vpcId,
      subnetId,
      description,
      ownerId: world.account,
      status: 'in-use',
      interfaceType: type,
      privateIpAddress: address,
      groupSet: [{ groupId }],
      attachment: {
        attachmentId: `eni-attach-${id.slice(4)}`,
        instanceId,
        instanceOwnerId: instanceId === undefined ? 'amazon-aws' : world.account,
        status: 'attached',
      },
      tagSet: tagSet(tags),
    }),
  }
}

function ofInstances(world: World, state: WorldState): InterfaceRow[] {
  return state.instances(world).map(({ instanceId, address, purpose, tags }) => ({
    id: idOf('eni', instanceId),
    description: '',
    type: 'interface',
    address,
    subnetId: subnetOf(world, address).subnetId,
    groupId: groupIdOf(world, purpose),
    instanceId,
    tags,
  }))
}

function ofFunctions(world: World): InterfaceRow[] {
  const name = `${world.workspace}-license-verify`
  const [subnet] = subnetsOf(world, 'private')
  if (subnet === undefined) return []
  const id = idOf('eni', name)
  const hex = id.slice(4).padEnd(32, '0')
  const uuid = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-')
  return [
    {
      id,
      description: `AWS Lambda VPC ENI-${name}-${uuid}`,
      type: 'lambda',
      address: subnet.cidr.replace('.0/24', '.77'),
      subnetId: subnet.subnetId,
      groupId: groupIdOf(world, 'cluster'),
      tags: tagsOf(world, name),
    },
  ]
}

function ofGateways(world: World): InterfaceRow[] {
  return natGateways(world).map(({ id, subnet, allocation, privateAddress, tags }) => ({
    id: allocation.interfaceId,
    description: `Interface for NAT Gateway ${id}`,
    type: 'nat_gateway',
    address: privateAddress,
    subnetId: subnet.subnetId,
    groupId: groupIdOf(world, 'cluster'),
    tags,
  }))
}
