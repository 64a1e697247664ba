/** What a fictional installation is made of, as data: one file of this folder describes one. */

export interface World {
  readonly account: string
  readonly region: string
  readonly organization: string
  /** `paragon-ORGANIZATION-HASH`: the name of the VPC, the cluster and the load balancer, and the prefix of the rest. */
  readonly workspace: string
  /** Whether it has the monitors. */
  readonly managed: boolean
  /** Who comes in from another account; undefined where the operator's key is of this one. */
  readonly role: WorldRole | undefined
  readonly network: WorldNetwork
  readonly bastion: WorldBastion
  /** What the auto-scaling group starts while it replaces the bastion. */
  readonly replacement: { readonly instanceId: string; readonly address: string }
  /** The cluster's nodes: instances that are no bastion, so that looking for one has something to pass over. */
  readonly nodes: ReadonlyArray<{ readonly instanceId: string; readonly address: string }>
  readonly cluster: WorldCluster
  readonly pods: readonly WorldPod[]
  readonly databases: readonly WorldDatabase[]
  readonly caches: readonly WorldCache[]
  readonly kafka: WorldKafka | undefined
  readonly buckets: readonly WorldBucket[]
  readonly kmsKeyArn: string
}

export interface WorldRole {
  readonly arn: string
  /** What a caller must present, and from which account it must come. */
  readonly externalId: string
  readonly trusted: string
}

export interface WorldBastion {
  readonly instanceId: string
  readonly name: string
  readonly address: string
  readonly role: string
  readonly agentVersion: string
}

export interface WorldCluster {
  readonly name: string
  /** The name on the API server's certificate; only the bastion can resolve it. */
  readonly host: string
  readonly version: string
}

export type WorldService = 'grafana' | 'hermes' | 'cerberus' | 'payload'

export interface WorldPod {
  readonly name: string
  readonly service: WorldService
  readonly container: string
  /** The pod's address inside the VPC; unique, routable from the bastion. */
  readonly address: string
  readonly restarts: number
}

/** A pod of the service that its name begins with. */
export function pod(name: `${WorldService}-${string}`, address: string, restarts = 0): WorldPod {
  const service = name.slice(0, name.indexOf('-')) as WorldService
  return { name, service, container: service, address, restarts }
}

/** The network's own values; what Terraform derives from them, `network.ts` derives. */
export interface WorldNetwork {
  readonly vpcId: string
  readonly cidr: string
  readonly subnets: readonly WorldSubnet[]
  /** One NAT gateway for all, or one a zone. */
  readonly nat: 'single' | 'zonal'
}

export interface WorldSubnet {
  readonly subnetId: string
  readonly name: string
  readonly kind: 'public' | 'private'
  /** The letter behind the region: `a`. */
  readonly zone: string
  readonly cidr: string
}

/** An RDS instance. */
export interface WorldDatabase {
  readonly id: string
  readonly class: string
  readonly version: string
  /** GiB. */
  readonly storage: number
  readonly multiZone: boolean
  readonly zone: string
  readonly replicaOf?: string
  /** RDS keeps its password by itself, and the product has none of it. */
  readonly keepsPassword?: boolean
  /** IAM authentication is switched on. */
  readonly takesTokens?: boolean
}

/** A cache cluster of one node, or a replication group in cluster mode. */
export type WorldCache =
  | { readonly kind: 'cluster'; readonly id: string; readonly type: string; readonly zone: string }
  | {
      readonly kind: 'group'
      readonly id: string
      readonly type: string
      readonly shards: number
      readonly replicas: number
      /** It asks for the product's password. */
      readonly asksPassword?: boolean
    }

export interface WorldKafka {
  readonly name: string
  readonly version: string
  readonly type: string
  readonly brokers: number
}

export interface WorldBucket {
  readonly name: string
  readonly versioned: boolean
  /** Whether its policy lets everybody read. */
  readonly public: boolean
  /** Days after which versions that are no longer current are deleted. */
  readonly expiresAfter: number | undefined
}

/** The tags that everything of an installation bears. */
export function tagsOf(world: Pick<World, 'organization'>, name: string): Record<string, string> {
  return { Name: name, Environment: 'enterprise', Organization: world.organization, Creator: 'terraform' }
}
