/** The network of an installation, as its cloud describes it; names are tags, and say nothing of what a thing does. */

export interface Network {
  readonly id: string
  readonly name: string | undefined
  /** Address ranges: `10.0.0.0/16`. */
  readonly ranges: readonly string[]
  readonly subnets: readonly Subnet[]
  readonly routeTables: readonly RouteTable[]
  readonly natGateways: readonly NatGateway[]
  readonly internetGateways: readonly InternetGateway[]
  readonly elasticAddresses: readonly ElasticAddress[]
  readonly endpoints: readonly VpcEndpoint[]
}

export interface Subnet {
  readonly id: string
  readonly name: string | undefined
  readonly zone: string | undefined
  readonly range: string | undefined
  /** `public` where its route table leads to an internet gateway; `unread` where route tables could not be read. */
  readonly kind: 'public' | 'private' | 'unread'
}

export interface RouteTable {
  readonly id: string
  readonly name: string | undefined
  /** Whether it holds for subnets that have none of their own. */
  readonly main: boolean
  readonly subnetIds: readonly string[]
  readonly routes: readonly Route[]
}

export interface Route {
  /** A range of addresses, or the id of a list of them. */
  readonly to: string
  /** The id of what it leads to (`igw-…`, `nat-…`), or `local`. */
  readonly via: string
  /** False where what it leads to is gone. */
  readonly active: boolean
}

export interface NatGateway {
  readonly id: string
  readonly name: string | undefined
  /** The provider's own word: `available`, `pending`, `failed`… */
  readonly state: string
  readonly subnetId: string | undefined
  /** Whether it is in every zone of the network, and in no subnet. */
  readonly regional: boolean
  readonly publicAddresses: readonly string[]
}

export interface InternetGateway {
  readonly id: string
  readonly name: string | undefined
}

export interface ElasticAddress {
  readonly id: string
  readonly name: string | undefined
  readonly address: string
  /** The instance or network interface that uses it; undefined for one that nothing uses. */
  readonly usedBy: string | undefined
}

export interface VpcEndpoint {
  readonly id: string
  readonly name: string | undefined
  /** `com.amazonaws.eu-central-1.s3`. */
  readonly service: string
  readonly type: string
  readonly state: string
}

export interface LoadBalancer {
  readonly name: string
  /** `application`, `network` or `gateway`. */
  readonly type: string
  readonly internetFacing: boolean
  readonly host: string | undefined
  readonly state: string
  readonly zones: readonly string[]
}

export interface SecurityGroup {
  readonly id: string
  readonly name: string | undefined
  readonly inbound: readonly InboundRule[]
}

/** Who may open a connection, and to which ports. */
export interface InboundRule {
  /** `tcp`, `udp`, `icmp`, a protocol's number, or `all`. */
  readonly protocol: string
  /** The first and the last port; undefined where all are meant. */
  readonly ports: readonly [number, number] | undefined
  /** Address ranges, ids of security groups and of lists of ranges. */
  readonly sources: readonly string[]
}

/** A group that starts machines and replaces those that fail. */
export interface ScalingGroup {
  readonly name: string
  readonly minimum: number
  readonly maximum: number
  readonly desired: number
  readonly zones: readonly string[]
  readonly instances: readonly string[]
  /** What it has been told not to do: `Launch`, `ReplaceUnhealthy`… */
  readonly suspended: readonly string[]
}

const EVERYWHERE = new Set(['0.0.0.0/0', '::/0'])

/** Whether a range is the whole internet. */
export function isEverywhere(range: string): boolean {
  return EVERYWHERE.has(range)
}

/**
 * Subnets with the kind that their route tables give them: a subnet's own table, else the main one. What is called
 * public need not be; `undefined` tables were not read.
 */
export function classifySubnets(
  subnets: readonly Omit<Subnet, 'kind'>[],
  tables: readonly RouteTable[] | undefined,
): Subnet[] {
  return subnets.map((subnet) => ({ ...subnet, kind: kindOf(subnet.id, tables) }))
}

function kindOf(subnetId: string, tables: readonly RouteTable[] | undefined): Subnet['kind'] {
  if (tables === undefined) return 'unread'
  const table =
    tables.find(({ subnetIds }) => subnetIds.includes(subnetId)) ?? tables.find(({ main }) => main)
  if (table === undefined) return 'unread'
  return table.routes.some(leadsToInternet) ? 'public' : 'private'
}

/** An internet gateway for outgoing IPv6 alone (`eigw-…`) lets nobody in. */
function leadsToInternet({ via, active }: Route): boolean {
  return active && via.startsWith('igw-')
}
