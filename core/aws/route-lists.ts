import type {
  InternetGateway as DescribedInternetGateway,
  NatGateway as DescribedNat,
  Route as DescribedRoute,
  RouteTable as DescribedRouteTable,
} from '@aws-sdk/client-ec2'
import { nameIn } from '#core/aws/ec2-client.ts'
import { type Ec2List, inVpc } from '#core/aws/ec2-list.ts'
import type { InternetGateway, NatGateway, Route, RouteTable } from '#core/installation/network.ts'

/** The ways out of a network, and which of them its subnets take. */

export function routeTablesIn(vpcId: string): Ec2List<RouteTable> {
  return {
    action: 'ec2:DescribeRouteTables',
    what: `the route tables of ${vpcId}`,
    fetch: async (sdk, client, NextToken, options) => {
      const input = { Filters: inVpc(vpcId), NextToken }
      const page = await client.send(new sdk.DescribeRouteTablesCommand(input), options)
      return { items: page.RouteTables?.flatMap(toRouteTable), next: page.NextToken }
    },
  }
}

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

export function natGatewaysIn(vpcId: string): Ec2List<NatGateway> {
  return {
    action: 'ec2:DescribeNatGateways',
    what: `the NAT gateways of ${vpcId}`,
    fetch: async (sdk, client, NextToken, options) => {
      const input = { Filter: inVpc(vpcId), NextToken }
      const page = await client.send(new sdk.DescribeNatGatewaysCommand(input), options)
      return { items: page.NatGateways?.flatMap(toNatGateway), next: page.NextToken }
    },
  }
}

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

export function internetGatewaysOf(vpcId: string): Ec2List<InternetGateway> {
  return {
    action: 'ec2:DescribeInternetGateways',
    what: `the internet gateway of ${vpcId}`,
    fetch: async (sdk, client, NextToken, options) => {
      const input = { Filters: [{ Name: 'attachment.vpc-id', Values: [vpcId] }], NextToken }
      const page = await client.send(new sdk.DescribeInternetGatewaysCommand(input), options)
      return { items: page.InternetGateways?.flatMap(toInternetGateway), next: page.NextToken }
    },
  }
}

function toInternetGateway({ InternetGatewayId: id, Tags }: DescribedInternetGateway): InternetGateway[] {
  return id === undefined ? [] : [{ id, name: nameIn(Tags) }]
}
