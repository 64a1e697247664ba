import { digits } from '#sandbox/worlds/ids.ts'
import { tagsOf, type World, type WorldSubnet } from '#sandbox/worlds/installation.ts'
import { PREFIX_LIST, type Route, type RouteTable, routeTables } from '#sandbox/worlds/network.ts'
import type { XmlValue } from '../xml.ts'
import { type Listing, tagSet } from './ec2-listing.ts'

/** An installation's network, its subnets and their routes, as EC2 lists them. */

const PAGE = { least: 5, most: 1000 } as const

export const vpcs: Listing<World> = {
  set: 'vpcSet',
  parameter: 'VpcId',
  prefix: 'vpc',
  notFound: 'InvalidVpcID.NotFound',
  malformed: 'InvalidVpcID.Malformed',
  page: PAGE,
  rows: (world) => [world],
  id: ({ network }) => network.vpcId,
  tags: (world) => tagsOf(world, `${world.workspace}-vpc`),
  filters: {
    'vpc-id': ({ network }) => network.vpcId,
    cidr: ({ network }) => network.cidr,
    'cidr-block-association.cidr-block': ({ network }) => network.cidr,
    'is-default': () => 'false',
    isDefault: () => 'false',
    state: () => 'available',
    'owner-id': ({ account }) => account,
  },
  describe: (world) => ({
    vpcId: world.network.vpcId,
    ownerId: world.account,
    state: 'available',
    cidrBlock: world.network.cidr,
    cidrBlockAssociationSet: [
      {
        associationId: `vpc-cidr-assoc-0${digits(world.network.vpcId, 16)}`,
        cidrBlock: world.network.cidr,
        cidrBlockState: { state: 'associated' },
      },
    ],
    dhcpOptionsId: `dopt-0${digits(world.region, 16)}`,
    instanceTenancy: 'default',
    isDefault: false,
    tagSet: tagSet(vpcs.tags(world)),
  }),
}

/** A subnet with its installation, whose name its tags bear. */
interface SubnetRow {
  readonly subnet: WorldSubnet
  readonly world: World
}

export const subnets: Listing<SubnetRow> = {
  set: 'subnetSet',
  parameter: 'SubnetId',
  prefix: 'subnet',
  notFound: 'InvalidSubnetID.NotFound',
  malformed: 'InvalidSubnetID.Malformed',
  page: PAGE,
  rows: (world) => world.network.subnets.map((subnet) => ({ subnet, world })),
  id: ({ subnet }) => subnet.subnetId,
  tags: ({ subnet, world }) => ({
    ...tagsOf(world, subnet.name),
    [`kubernetes.io/cluster/${world.cluster.name}`]: 'shared',
    [`kubernetes.io/role/${subnet.kind === 'public' ? 'elb' : 'internal-elb'}`]: '1',
  }),
  filters: {
    'subnet-id': ({ subnet }) => subnet.subnetId,
    'vpc-id': ({ world }) => world.network.vpcId,
    'availability-zone': ({ subnet, world }) => `${world.region}${subnet.zone}`,
    'cidr-block': ({ subnet }) => subnet.cidr,
    'map-public-ip-on-launch': ({ subnet }) => String(subnet.kind === 'public'),
    state: () => 'available',
  },
  describe: (row) => ({
    subnetId: row.subnet.subnetId,
    subnetArn: `arn:aws:ec2:${row.world.region}:${row.world.account}:subnet/${row.subnet.subnetId}`,
    state: 'available',
    ownerId: row.world.account,
    vpcId: row.world.network.vpcId,
    cidrBlock: row.subnet.cidr,
    ipv6CidrBlockAssociationSet: [],
    availableIpAddressCount: 231,
    availabilityZone: `${row.world.region}${row.subnet.zone}`,
    availabilityZoneId: `${row.world.region.replace(/^(..)-(.).*-(\d)$/, '$1$2$3')}-az${'abc'.indexOf(row.subnet.zone) + 1}`,
    defaultForAz: false,
    mapPublicIpOnLaunch: row.subnet.kind === 'public',
    assignIpv6AddressOnCreation: false,
    tagSet: tagSet(subnets.tags(row)),
  }),
}

export const routeTableListing: Listing<RouteTable> = {
  set: 'routeTableSet',
  parameter: 'RouteTableId',
  prefix: 'rtb',
  notFound: 'InvalidRouteTableID.NotFound',
  malformed: 'InvalidRouteTableID.Malformed',
  page: { least: 5, most: 100 },
  rows: routeTables,
  id: ({ id }) => id,
  tags: ({ tags }) => tags,
  filters: {
    'route-table-id': ({ id }) => id,
    'vpc-id': (_, { network }) => network.vpcId,
    'association.main': ({ main }) => String(main),
    'association.subnet-id': ({ subnetIds }) => subnetIds,
    'route.destination-cidr-block': ({ routes }) => routes.map(({ to }) => to),
  },
  describe: (table, world) => ({
    routeTableId: table.id,
    vpcId: world.network.vpcId,
    ownerId: world.account,
    routeSet: table.routes.map(describeRoute),
    associationSet: table.main
      ? [association(table.id, table.id, { main: true })]
      : table.subnetIds.map((subnetId) => association(table.id, subnetId, { main: false, subnetId })),
    propagatingVgwSet: [],
    tagSet: tagSet(table.tags),
  }),
}

function describeRoute({ to, via }: Route): XmlValue {
  const destination = to === PREFIX_LIST ? { destinationPrefixListId: to } : { destinationCidrBlock: to }
  if (via === 'local')
    return { ...destination, gatewayId: 'local', state: 'active', origin: 'CreateRouteTable' }
  return { ...destination, ...via, state: 'active', origin: 'CreateRoute' }
}

function association(routeTableId: string, what: string, fields: Record<string, XmlValue>): XmlValue {
  return {
    routeTableAssociationId: `rtbassoc-0${digits(what, 16)}`,
    routeTableId,
    ...fields,
    associationState: { state: 'associated' },
  }
}
