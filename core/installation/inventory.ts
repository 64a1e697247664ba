import type { Ms } from '#core/clock.ts'
import type { PgctlError } from '#core/errors.ts'
import type { Bucket } from '#core/installation/buckets.ts'
import type { ClusterContents } from '#core/installation/cluster-contents.ts'
import type { Datastore } from '#core/installation/datastores.ts'
import type { LoadBalancer, Network, ScalingGroup, SecurityGroup } from '#core/installation/network.ts'

/**
 * What an installation consists of, as far as it could be read.
 *
 * A part that is absent and a part that could not be read are different answers: whatever was refused is listed in
 * `unreadable`, and nothing is concluded from its absence.
 */
export interface Inventory {
  readonly workspace: string
  readonly region: string
  /** Newest first; terminated ones are left out. */
  readonly bastions: readonly Bastion[]
  /** The groups that keep the bastions running. */
  readonly bastionGroups: readonly ScalingGroup[]
  /** Those of the bastions, by id. */
  readonly securityGroups: readonly SecurityGroup[]
  readonly cluster: Cluster | undefined
  readonly network: Network | undefined
  readonly loadBalancers: readonly LoadBalancer[]
  /** By engine and name. */
  readonly datastores: readonly Datastore[]
  /** In the order of the profile. */
  readonly buckets: readonly Bucket[]
  readonly trail: Trail | undefined
  /** What the cluster runs; undefined where nobody has asked it, or could. */
  readonly contents: ClusterContents | undefined
  readonly unreadable: readonly Unreadable[]
}

/** The life of a virtual machine; `unread` where the caller may not ask, or need not. */
export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'unread'

export interface Bastion {
  /** The id that a session is started on (`i-…`, or `mi-…` for a machine outside the cloud). */
  readonly id: string
  readonly name: string | undefined
  readonly state: InstanceState
  /** Wall-clock moment of the last start. */
  readonly launchedAt: Ms | undefined
  readonly privateAddress: string | undefined
  readonly publicAddress: string | undefined
  /** The instance profile or role that lets its agent register. */
  readonly role: string | undefined
  readonly zone: string | undefined
  readonly subnetId: string | undefined
  /** The ids of its security groups. */
  readonly securityGroups: readonly string[]
  /** The name of the group that started it. */
  readonly group: string | undefined
  readonly agent: AgentStatus
}

/** What the session service knows of a bastion's agent. */
export type AgentStatus =
  | {
      readonly kind: 'registered'
      readonly ping: 'online' | 'connection-lost' | 'inactive'
      /** Wall-clock moment of the last ping. */
      readonly lastPing: Ms | undefined
      readonly version: string | undefined
    }
  | { readonly kind: 'unregistered' }
  | { readonly kind: 'unread' }

export interface Cluster {
  readonly name: string
  /** The API server's host name, the one on its certificate. */
  readonly host: string
  readonly port: number
  /** The API server's certificate authority, PEM. */
  readonly ca: string
  readonly version: string | undefined
  /** The provider's own word, in lower case: `active`, `creating`, `updating`, `failed`… */
  readonly status: string
  /** The network that it says it is in. */
  readonly vpcId: string | undefined
  /** The security group of its API and nodes. */
  readonly securityGroup?: string | undefined
  /** From where its API answers on the internet: address ranges, none where it does not; undefined is not known. */
  readonly publicAccess: readonly string[] | undefined
}

/** The audit log of the account's calls. */
export interface Trail {
  readonly name: string
  /** Undefined where it could not be read. */
  readonly logging: boolean | undefined
  readonly allRegions: boolean
  /** The bucket that it writes to. */
  readonly bucket: string | undefined
  /** Whether its files can be proved unchanged. */
  readonly validated: boolean
}

/** The parts that discovery can read, each by an action of its own. */
export type InventoryPart =
  | 'instances'
  | 'agents'
  | 'cluster'
  | 'bastion groups'
  | 'security groups'
  | 'network'
  | 'subnets'
  | 'route tables'
  | 'NAT gateways'
  | 'internet gateways'
  | 'elastic addresses'
  | 'VPC endpoints'
  | 'load balancers'
  | 'postgres'
  | 'redis'
  | 'kafka'
  | 'buckets'
  | 'trail'
  | 'services'

/** A part that could not be read, and the action that was refused or failed. */
export interface Unreadable {
  readonly part: InventoryPart
  /** The provider's name of the call, as a policy spells it: `ec2:DescribeInstances`. */
  readonly action: string
  readonly error: PgctlError
}

/** Whether `part` could not be read, or not in full: what of it is missing is then not known to be absent. */
export function isUnreadable({ unreadable }: Pick<Inventory, 'unreadable'>, part: InventoryPart): boolean {
  return unreadable.some((refused) => refused.part === part)
}
