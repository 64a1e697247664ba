import type {
  NatGateway as DescribedNat,
  Route as DescribedRoute,
  RouteTable as DescribedRouteTable,
  Subnet as DescribedSubnet,
  EC2Client,
  Vpc,
} from '@aws-sdk/client-ec2'
import type { AwsConnection } from '#core/aws/clients.ts'
import { ec2Client, nameIn } from '#core/aws/ec2-client.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import type {
  ElasticAddress,
  InternetGateway,
  NatGateway,
  Network,
  Route,
  RouteTable,
  Subnet,
  VpcEndpoint,
} from '#core/installation/network.ts'

/** The parts of a network, each with the call that reads it. Names may be patterns with `*`, as EC2's filters take. */

type Ec2 = typeof import('@aws-sdk/client-ec2')
type Page<Item> = { readonly items: readonly Item[] | undefined; readonly next: string | undefined }

/** Reads all pages of one list of EC2. */
function listEc2<Described, Item>(
  action: string,
  what: string,
  fetch: (
    sdk: Ec2,
    client: EC2Client,
    token: string | undefined,
    options: ReturnType<typeof abortedBy>,
  ) => Promise<Page<Described>>,
  translate: (described: Described) => Item[],
) {
  return (connection: AwsConnection, signal: AbortSignal | undefined): Promise<Item[]> =>
    connection.call({ action, purpose: `look for ${what}` }, signal, async () => {
      const sdk = await import('@aws-sdk/client-ec2')
      const client = await ec2Client(connection)
      const described = await readPages(
        what,
        (token) => fetch(sdk, client, token, abortedBy(signal)),
        (page) => page,
      )
      return described.flatMap(translate)
    })
}

export const DESCRIBE_VPCS = 'ec2:DescribeVpcs'

/** The VPCs of that name, or with that id. */
export function describeVpcs(
  connection: AwsConnection,
  which: { readonly name: string } | { readonly id: string },
  signal?: AbortSignal,
): Promise<Pick<Network, 'id' | 'name' | 'ranges'>[]> {
  const Filters =
    'name' in which ? [{ Name: 'tag:Name', Values: [which.name] }] : [{ Name: 'vpc-id', Values: [which.id] }]
  const what = `the VPC ${'name' in which ? which.name : which.id}`
  return listEc2(
    DESCRIBE_VPCS,
    what,
    async (sdk, client, NextToken, options) => {
      const page = await client.send(new sdk.DescribeVpcsCommand({ Filters, NextToken }), options)
      return { items: page.Vpcs, next: page.NextToken }
    },
    toVpc,
  )(connection, signal)
}

function toVpc({ VpcId: id, Tags, CidrBlock, CidrBlockAssociationSet = [] }: Vpc) {
  if (id === undefined) return []
  const more = CidrBlockAssociationSet.filter(
    ({ CidrBlockState }) => CidrBlockState?.State !== 'disassociated',
  )
  const ranges = new Set(
    [CidrBlock, ...more.map((each) => each.CidrBlock)].filter((range) => range !== undefined),
  )
  return [{ id, name: nameIn(Tags), ranges: [...ranges] }]
}

export const DESCRIBE_SUBNETS = 'ec2:DescribeSubnets'

export const describeSubnets = (vpcId: string) =>
  listEc2(
    DESCRIBE_SUBNETS,
    `the subnets of ${vpcId}`,
    async (sdk, client, NextToken, options) => {
      const input = { Filters: inVpc(vpcId), NextToken }
      const page = await client.send(new sdk.DescribeSubnetsCommand(input), options)
      return { items: page.Subnets, next: page.NextToken }
    },
    toSubnet,
  )

function toSubnet({
  SubnetId: id,
  Tags,
  AvailabilityZone,
  CidrBlock,
}: DescribedSubnet): Omit<Subnet, 'kind'>[] {
  return id === undefined ? [] : [{ id, name: nameIn(Tags), zone: AvailabilityZone, range: CidrBlock }]
}

export const DESCRIBE_ROUTE_TABLES = 'ec2:DescribeRouteTables'

export const describeRouteTables = (vpcId: string) =>
  listEc2(
    DESCRIBE_ROUTE_TABLES,
    `the route tables of ${vpcId}`,
    async (sdk, client, NextToken, options) => {
      const input = { Filters: inVpc(vpcId), NextToken }
      const page = await client.send(new sdk.DescribeRouteTablesCommand(input), options)
      return { items: page.RouteTables, next: page.NextToken }
    },
    toRouteTable,
  )

function toRouteTable(table: DescribedRouteTable): RouteTable[] {
  const { RouteTableId: id, Tags, Associations = [], Routes = [] } = table
  if (id === undefined) return []
  return [
    {
      id,
      name: nameIn(Tags),
      main: Associations.some(({ Main }) => Main === true),
      subnetIds: Associations.flatMap(({ SubnetId }) => SubnetId ?? []),
      routes: Routes.map(toRoute),
    },
  ]
}

function toRoute(route: DescribedRoute): Route {
  const to =
    route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock ?? route.DestinationPrefixListId ?? 'unknown'
  const via =
    route.GatewayId ??
    route.NatGatewayId ??
    route.TransitGatewayId ??
    route.EgressOnlyInternetGatewayId ??
    route.VpcPeeringConnectionId ??
    route.NetworkInterfaceId ??
    route.LocalGatewayId ??
    route.CarrierGatewayId ??
    route.CoreNetworkArn ??
    'unknown'
  return { to, via, active: route.State !== 'blackhole' }
}

export const DESCRIBE_NAT_GATEWAYS = 'ec2:DescribeNatGateways'

export const describeNatGateways = (vpcId: string) =>
  listEc2(
    DESCRIBE_NAT_GATEWAYS,
    `the NAT gateways of ${vpcId}`,
    async (sdk, client, NextToken, options) => {
      const input = { Filter: inVpc(vpcId), NextToken }
      const page = await client.send(new sdk.DescribeNatGatewaysCommand(input), options)
      return { items: page.NatGateways, next: page.NextToken }
    },
    toNatGateway,
  )

/** One that was deleted is listed for an hour. */
function toNatGateway(gateway: DescribedNat): NatGateway[] {
  const { NatGatewayId: id, State = 'unknown', NatGatewayAddresses = [] } = gateway
  if (id === undefined || State === 'deleted') return []
  return [
    {
      id,
      name: nameIn(gateway.Tags),
      state: State,
      subnetId: gateway.SubnetId || undefined,
      regional: gateway.AvailabilityMode === 'regional',
      publicAddresses: NatGatewayAddresses.flatMap(({ PublicIp }) => PublicIp || []),
    },
  ]
}

export const DESCRIBE_INTERNET_GATEWAYS = 'ec2:DescribeInternetGateways'

export const describeInternetGateways = (vpcId: string) =>
  listEc2(
    DESCRIBE_INTERNET_GATEWAYS,
    `the internet gateway of ${vpcId}`,
    async (sdk, client, NextToken, options) => {
      const input = { Filters: [{ Name: 'attachment.vpc-id', Values: [vpcId] }], NextToken }
      const page = await client.send(new sdk.DescribeInternetGatewaysCommand(input), options)
      return { items: page.InternetGateways, next: page.NextToken }
    },
    ({ InternetGatewayId: id, Tags }): InternetGateway[] => (id ? [{ id, name: nameIn(Tags) }] : []),
  )

export const DESCRIBE_VPC_ENDPOINTS = 'ec2:DescribeVpcEndpoints'

export const describeVpcEndpoints = (vpcId: string) =>
  listEc2(
    DESCRIBE_VPC_ENDPOINTS,
    `the VPC endpoints of ${vpcId}`,
    async (sdk, client, NextToken, options) => {
      const input = { Filters: inVpc(vpcId), NextToken }
      const page = await client.send(new sdk.DescribeVpcEndpointsCommand(input), options)
      return { items: page.VpcEndpoints, next: page.NextToken }
    },
    (endpoint): VpcEndpoint[] => {
      const { VpcEndpointId: id, ServiceName: service = 'unknown', VpcEndpointType, State, Tags } = endpoint
      const type = (VpcEndpointType ?? 'unknown').toLowerCase()
      const state = (State ?? 'unknown').toLowerCase()
      return id === undefined ? [] : [{ id, name: nameIn(Tags), service, type, state }]
    },
  )

export const DESCRIBE_ADDRESSES = 'ec2:DescribeAddresses'

/** An elastic address belongs to no network: it is found by its name. The list has no pages. */
export const describeElasticAddresses = (name: string) =>
  listEc2(
    DESCRIBE_ADDRESSES,
    `the elastic addresses ${name}`,
    async (sdk, client, _, options) => {
      const input = { Filters: [{ Name: 'tag:Name', Values: [name] }] }
      const page = await client.send(new sdk.DescribeAddressesCommand(input), options)
      return { items: page.Addresses, next: undefined }
    },
    (each): ElasticAddress[] => {
      const { AllocationId: id, PublicIp: address, InstanceId, NetworkInterfaceId } = each
      if (id === undefined || address === undefined) return []
      return [{ id, name: nameIn(each.Tags), address, usedBy: InstanceId || NetworkInterfaceId || undefined }]
    },
  )

function inVpc(vpcId: string) {
  return [{ Name: 'vpc-id', Values: [vpcId] }]
}
