import type { BucketName } from '#core/installation/buckets.ts'
import type { DatastorePatterns } from '#core/installation/datastores.ts'
import type { Installation } from '#core/installation/installation.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import {
  bucketNames,
  datastorePatterns,
  type ProductProfile,
  resourceName,
} from '#core/installation/profile.ts'

/** The parts of an installation that can be asked for; each engine of datastores is one. */
export const DISCOVERY_PARTS = [
  'bastion',
  'cluster',
  'network',
  'postgres',
  'redis',
  'kafka',
  'buckets',
  'trail',
] as const
export type DiscoveryPart = (typeof DISCOVERY_PARTS)[number]

/** The names that a product profile derives from a workspace. */
export interface ResourceNames {
  readonly vpc: string
  readonly cluster: string
  readonly bastion: string
  readonly loadBalancer: string
  readonly trail: string
  /** A pattern: `paragon-acme-*`. */
  readonly elasticAddresses: string
  readonly datastores: DatastorePatterns
  readonly buckets: readonly BucketName[]
}

/** What to look for. */
export interface DiscoveryQuery {
  readonly workspace: string
  readonly names: ResourceNames
  /** Looks for this instance instead of a name. */
  readonly bastionId?: string | undefined
  /** The parts wanted; what is not wanted is neither read nor listed as unreadable. */
  readonly parts: readonly DiscoveryPart[]
  /**
   * `way`: enough to open a session. Where exactly one agent answers, its machine is not asked about (its start,
   * addresses and role stay unread), and neither are the groups around it. `full`: everything.
   */
  readonly depth: 'way' | 'full'
}

/** Finds an installation in the cloud account and region that the adapter was made for. */
export interface Discovery {
  /**
   * Reads all wanted parts at once. What could not be read is in `unreadable` of the answer; only wrong or missing
   * credentials and an unreachable cloud, which spoil every part, are thrown.
   */
  inventory(query: DiscoveryQuery, signal?: AbortSignal): Promise<Inventory>
}

/** The names that everything of a workspace bears, by its product's profile. */
export function resourceNames(profile: ProductProfile, workspace: string): ResourceNames {
  const named = (resource: Parameters<typeof resourceName>[1]) => resourceName(profile, resource, workspace)
  return {
    vpc: named('vpc'),
    cluster: named('cluster'),
    bastion: named('bastion'),
    loadBalancer: named('loadBalancer'),
    trail: named('trail'),
    elasticAddresses: named('elasticAddresses'),
    datastores: datastorePatterns(profile, workspace),
    buckets: bucketNames(profile, workspace),
  }
}

/** The question that finds `parts` of an installation. */
export function discoveryQuery(
  profile: ProductProfile,
  { workspace, bastion }: Pick<Installation, 'workspace' | 'bastion'>,
  parts: DiscoveryQuery['parts'],
  depth: DiscoveryQuery['depth'],
): DiscoveryQuery {
  return { workspace, names: resourceNames(profile, workspace), bastionId: bastion, parts, depth }
}
