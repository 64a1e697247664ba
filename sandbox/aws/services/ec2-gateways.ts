import type { WorldState } from '#sandbox/world-state.ts'
import { tagsOf, type World } from '#sandbox/worlds/installation.ts'
import {
  type ElasticAddress,
  internetGatewayId,
  type NatGateway,
  natGateways,
  PREFIX_LIST,
  routeTables,
  subnetsOf,
  type VpcEndpoint,
  vpcEndpoints,
} from '#sandbox/worlds/network.ts'
import { type Listing, tagSet } from './ec2-listing.ts'

/** The ways out of an installation's network, as EC2 lists them. */

const PAGE = { least: 5, most: 1000 } as const

export const natGatewayListing: Listing<NatGateway> = {
  set: 'natGatewaySet',
  parameter: 'NatGatewayId',
  prefix: 'nat',
  notFound: 'NatGatewayNotFound',
  malformed: 'NatGatewayMalformed',
  page: PAGE,
  rows: natGateways,
  id: ({ id }) => id,
  tags: ({ tags }) => tags,
  filters: {
    'nat-gateway-id': ({ id }) => id,
    'vpc-id': (_, { network }) => network.vpcId,
    'subnet-id': ({ subnet }) => subnet.subnetId,
    state: () => 'available',
  },
  describe: ({ id, tags, subnet, allocation, privateAddress }, world) => ({
    natGatewayId: id,
    vpcId: world.network.vpcId,
    subnetId: subnet.subnetId,
    state: 'available',
    connectivityType: 'public',
    createTime: '2026-03-02T09:14:07.000Z',
    natGatewayAddressSet: [
      {
        allocationId: allocation.allocationId,
        networkInterfaceId: allocation.interfaceId,
        privateIp: privateAddress,
        publicIp: allocation.address,
        associationId: allocation.associationId,
        isPrimary: true,
        status: 'succeeded',
      },
    ],
    tagSet: tagSet(tags),
  }),
}

export const internetGateways: Listing<World> = {
  set: 'internetGatewaySet',
  parameter: 'InternetGatewayId',
  prefix: 'igw',
  notFound: 'InvalidInternetGatewayID.NotFound',
  malformed: 'InvalidInternetGatewayId.Malformed',
  page: PAGE,
  rows: (world) => [world],
  id: internetGatewayId,
  tags: (world) => tagsOf(world, `${world.workspace}-internet-gw`),
  filters: {
    'internet-gateway-id': internetGatewayId,
    'attachment.vpc-id': ({ network }) => network.vpcId,
    'attachment.state': () => 'available',
    'owner-id': ({ account }) => account,
  },
  describe: (world) => ({
    internetGatewayId: internetGatewayId(world),
    ownerId: world.account,
    attachmentSet: [{ vpcId: world.network.vpcId, state: 'available' }],
    tagSet: tagSet(internetGateways.tags(world)),
  }),
}

/** The addresses of the NAT gateways, and of a bastion that was given one. */
export function addresses(state: WorldState): Listing<ElasticAddress & { readonly instanceId?: string }> {
  return {
    set: 'addressesSet',
    parameter: 'AllocationId',
    prefix: 'eipalloc',
    notFound: 'InvalidAllocationID.NotFound',
    malformed: 'InvalidAllocationID.Malformed',
    rows: (world) => [
      ...natGateways(world).map(({ allocation }) => allocation),
      ...state.bastionAddresses(world),
    ],
    id: ({ allocationId }) => allocationId,
    tags: ({ tags }) => tags,
    filters: {
      'allocation-id': ({ allocationId }) => allocationId,
      'association-id': ({ associationId }) => associationId,
      domain: () => 'vpc',
      'public-ip': ({ address }) => address,
      'instance-id': ({ instanceId }) => instanceId ?? [],
      'network-interface-id': ({ interfaceId }) => interfaceId,
    },
    describe: (row, world) => ({
      publicIp: row.address,
      allocationId: row.allocationId,
      domain: 'vpc',
      instanceId: row.instanceId,
      associationId: row.associationId,
      networkInterfaceId: row.interfaceId,
      networkInterfaceOwnerId: world.account,
      publicIpv4Pool: 'amazon',
      networkBorderGroup: world.region,
      tagSet: tagSet(row.tags),
    }),
  }
}

export const endpoints: Listing<VpcEndpoint> = {
  set: 'vpcEndpointSet',
  parameter: 'VpcEndpointId',
  prefix: 'vpce',
  notFound: 'InvalidVpcEndpointId.NotFound',
  malformed: 'InvalidVpcEndpointId.Malformed',
  page: { least: 1, most: 1000 },
  rows: vpcEndpoints,
  id: ({ id }) => id,
  tags: ({ tags }) => tags,
  filters: {
    'vpc-endpoint-id': ({ id }) => id,
    'vpc-endpoint-type': ({ type }) => type,
    'vpc-endpoint-state': () => 'available',
    'vpc-id': (_, { network }) => network.vpcId,
    'service-name': ({ service }) => service,
  },
  describe: ({ id, tags, service, type }, world) => ({
    vpcEndpointId: id,
    vpcEndpointType: type,
    vpcId: world.network.vpcId,
    serviceName: service,
    state: 'available',
    routeTableIdSet:
      type === 'Interface'
        ? []
        : routeTables(world)
            .filter(({ routes }) => routes.some(({ to }) => to === PREFIX_LIST))
            .map((table) => table.id),
    subnetIdSet: type === 'Interface' ? subnetsOf(world, 'private').map(({ subnetId }) => subnetId) : [],
    privateDnsEnabled: type === 'Interface',
    requesterManaged: false,
    creationTimestamp: '2026-03-02T09:15:40.000Z',
    ownerId: world.account,
    tagSet: tagSet(tags),
  }),
}
