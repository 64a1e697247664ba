import { digits, idOf } from './ids.ts'
import { tagsOf, type World, type WorldSubnet } from './installation.ts'

/** What stands around the subnets of an installation: all of it follows from its name and its zones. */

export type Tags = Readonly<Record<string, string>>

export interface RouteTable {
  readonly id: string
  readonly tags: Tags
  /** The one of the VPC itself, which holds for subnets that name no other. */
  readonly main: boolean
  readonly subnetIds: readonly string[]
  readonly routes: readonly Route[]
}

export interface Route {
  readonly to: string
  readonly via: 'local' | { readonly gatewayId: string } | { readonly natGatewayId: string }
}

export interface NatGateway {
  readonly id: string
  readonly tags: Tags
  readonly subnet: WorldSubnet
  readonly allocation: ElasticAddress
  readonly privateAddress: string
}

export interface ElasticAddress {
  readonly allocationId: string
  readonly associationId: string
  readonly tags: Tags
  readonly address: string
  /** The interface of who uses it. */
  readonly interfaceId: string
}

export interface VpcEndpoint {
  readonly id: string
  readonly tags: Tags
  readonly service: string
  readonly type: 'Gateway' | 'Interface'
}

export interface SecurityGroup {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly tags: Tags
  readonly inbound: readonly Rule[]
}

/** Who may come in, and to which ports: a range of addresses, or the members of a group. */
export interface Rule {
  readonly from: number
  readonly to: number
  readonly source: { readonly cidr: string } | { readonly groupId: string }
}

/** The part of an installation that a security group is for. */
export type GroupPurpose = 'bastion' | 'cluster' | 'load-balancer' | 'postgres' | 'redis' | 'kafka'

export const EVERYWHERE = '0.0.0.0/0'

export function internetGatewayId({ workspace }: World): string {
  return idOf('igw', `${workspace}-internet-gw`)
}

export function groupIdOf({ workspace }: World, purpose: GroupPurpose): string {
  return idOf('sg', `${workspace}-${purpose}`)
}

/** The subnet that holds `address`. */
export function subnetOf({ network }: World, address: string): WorldSubnet {
  const start = address.slice(0, address.lastIndexOf('.'))
  const found = network.subnets.find(({ cidr }) => cidr.startsWith(`${start}.`))
  if (found === undefined) throw new Error(`no subnet of ${network.vpcId} holds ${address}`)
  return found
}

export function subnetsOf({ network }: World, kind: WorldSubnet['kind']): WorldSubnet[] {
  return network.subnets.filter((subnet) => subnet.kind === kind)
}

export function natGateways(world: World): NatGateway[] {
  const subnets = subnetsOf(world, 'public').slice(0, world.network.nat === 'single' ? 1 : undefined)
  return subnets.map((subnet, i) => {
    const suffix = world.network.nat === 'single' ? '' : `-${subnet.zone}`
    const name = `${world.workspace}-nat-gw${suffix}`
    const addressName = `${world.workspace}-gw-eip${suffix}`
    return {
      id: idOf('nat', name),
      tags: tagsOf(world, name),
      subnet,
      allocation: {
        allocationId: idOf('eipalloc', addressName),
        associationId: idOf('eipassoc', addressName),
        tags: tagsOf(world, addressName),
        // 203.0.113.0/24 is set aside for documentation: it leads nowhere.
        address: `203.0.113.${(Number.parseInt(digits(world.workspace, 2), 16) % 200) + 10 + i}`,
        interfaceId: idOf('eni', name),
      },
      privateAddress: subnet.cidr.replace('.0/24', '.7'),
    }
  })
}

export function routeTables(world: World): RouteTable[] {
  const { workspace, network } = world
  const local: Route = { to: network.cidr, via: 'local' }
  const gateways = natGateways(world)
  const [s3] = vpcEndpoints(world)
  const zones = gateways.map((gateway) => ({
    gateway,
    suffix: gateways.length === 1 ? '' : `-${gateway.subnet.zone}`,
    subnets: subnetsOf(world, 'private').filter(
      ({ zone }) => gateways.length === 1 || zone === gateway.subnet.zone,
    ),
  }))
  const table = (name: string, subnets: readonly WorldSubnet[], ...routes: Route[]): RouteTable => ({
    id: idOf('rtb', `${workspace}-${name}`),
    tags: name === 'main' ? {} : tagsOf(world, `${workspace}-${name}`),
    main: name === 'main',
    subnetIds: subnets.map(({ subnetId }) => subnetId),
    routes: [local, ...routes],
  })
  return [
    table('main', []),
    table('public-route-table', subnetsOf(world, 'public'), {
      to: EVERYWHERE,
      via: { gatewayId: internetGatewayId(world) },
    }),
    ...zones.map(({ gateway, suffix, subnets }) =>
      table(
        `private-route-table${suffix}`,
        subnets,
        { to: EVERYWHERE, via: { natGatewayId: gateway.id } },
        { to: PREFIX_LIST, via: { gatewayId: s3?.id ?? '' } },
      ),
    ),
  ]
}

/** S3's addresses in a region, as route tables name them. */
export const PREFIX_LIST = 'pl-6ea54007'

/** The way to S3, and those that a bastion without a way out needs for its sessions. */
export function vpcEndpoints(world: World): VpcEndpoint[] {
  const named = (part: string, service: string, type: VpcEndpoint['type']): VpcEndpoint => ({
    id: idOf('vpce', `${world.workspace}-${part}-endpoint`),
    tags: tagsOf(world, `${world.workspace}-${part}-endpoint`),
    service: `com.amazonaws.${world.region}.${service}`,
    type,
  })
  return [
    named('s3', 's3', 'Gateway'),
    named('ssm', 'ssm', 'Interface'),
    named('ssmmessages', 'ssmmessages', 'Interface'),
    named('ec2messages', 'ec2messages', 'Interface'),
  ]
}

export function securityGroups(world: World): SecurityGroup[] {
  const { workspace, network } = world
  const group = (purpose: GroupPurpose, description: string, ...inbound: Rule[]): SecurityGroup => ({
    id: groupIdOf(world, purpose),
    name: `${workspace}-${purpose}`,
    description,
    tags: tagsOf(world, `${workspace}-${purpose}`),
    inbound,
  })
  const within = { cidr: network.cidr }
  const nodes = { groupId: groupIdOf(world, 'cluster') }
  const bastion = { groupId: groupIdOf(world, 'bastion') }
  const port = (number: number, source: Rule['source']): Rule => ({ from: number, to: number, source })
  return [
    {
      id: idOf('sg', `${workspace}-default`),
      name: 'default',
      description: 'default VPC security group',
      tags: {},
      inbound: [],
    },
    group('bastion', 'Nobody comes in: sessions are opened from inside'),
    group('cluster', 'The nodes among themselves, and their API', port(443, bastion), {
      from: 0,
      to: 65_535,
      source: nodes,
    }),
    group(
      'load-balancer',
      'The public entrance',
      port(80, { cidr: EVERYWHERE }),
      port(443, { cidr: EVERYWHERE }),
    ),
    group('postgres', 'Postgres from inside', port(5432, within)),
    group('redis', 'Redis from inside', port(6379, within)),
    ...(world.kafka === undefined
      ? []
      : [group('kafka', 'Kafka from inside', { from: 9092, to: 9098, source: within })]),
  ]
}
