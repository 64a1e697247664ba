import type { CacheCluster, ElastiCacheClient, ReplicationGroup } from '@aws-sdk/client-elasticache'
import { cacheGroups } from '#core/aws/attached-groups.ts'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { windowOf } from '#core/aws/rds.ts'
import { type Reading, reading } from '#core/aws/reading.ts'
import { abortedBy, clientPerConnection } from '#core/aws/sdk-client.ts'
import type { Endpoint, FoundDatastore } from '#core/installation/datastores.ts'
import { matchName } from '#core/installation/resource-names.ts'

const DESCRIBE_CACHE_CLUSTERS = 'elasticache:DescribeCacheClusters'
const DESCRIBE_REPLICATION_GROUPS = 'elasticache:DescribeReplicationGroups'

const clientOf = clientPerConnection<ElastiCacheClient>(async (settings) => {
  const { ElastiCacheClient } = await import('@aws-sdk/client-elasticache')
  return new ElastiCacheClient(settings)
})

/**
 * The caches whose identifier fits a pattern: clusters that stand alone, and replication groups. What a group is made
 * of (version, windows) only its member clusters tell, so both lists are read, each by a permission of its own.
 */
export async function findRedis(
  connection: AwsConnection,
  patterns: readonly string[],
  signal?: AbortSignal,
): Promise<Reading<FoundDatastore[]>> {
  const [clusters, groups] = await Promise.all([
    reading('redis', DESCRIBE_CACHE_CLUSTERS, () => listClusters(connection, patterns, signal)),
    reading('redis', DESCRIBE_REPLICATION_GROUPS, () => listGroups(connection, patterns, signal)),
  ])
  const fits = (id: string | undefined): id is string =>
    id !== undefined && matchName(id, patterns) !== undefined
  const members = clusters.value ?? []
  const alone = members.flatMap((cluster) => {
    const { CacheClusterId: id, ReplicationGroupId: group, Engine } = cluster
    return fits(id) && !group && isRedis(Engine) ? [fromCluster(id, cluster)] : []
  })
  const grouped = (groups.value ?? []).flatMap((group) => {
    const id = group.ReplicationGroupId
    if (!fits(id)) return []
    return [
      fromGroup(
        id,
        group,
        members.filter((member) => member.ReplicationGroupId === id),
      ),
    ]
  })
  return { value: [...alone, ...grouped], unreadable: [...clusters.unreadable, ...groups.unreadable] }
}

function listClusters(
  connection: AwsConnection,
  patterns: readonly string[],
  signal: AbortSignal | undefined,
) {
  const call = { action: DESCRIBE_CACHE_CLUSTERS, purpose: `look for the caches ${patterns.join(', ')}` }
  return connection.call(call, signal, async () => {
    const { DescribeCacheClustersCommand } = await import('@aws-sdk/client-elasticache')
    const client = await clientOf(connection)
    const input = { ShowCacheNodeInfo: true, MaxRecords: 100 }
    return await readPages(
      'cache clusters',
      (Marker) => client.send(new DescribeCacheClustersCommand({ ...input, Marker }), abortedBy(signal)),
      ({ CacheClusters, Marker }) => ({ items: CacheClusters, next: Marker }),
    )
  })
}

function listGroups(connection: AwsConnection, patterns: readonly string[], signal: AbortSignal | undefined) {
  const call = { action: DESCRIBE_REPLICATION_GROUPS, purpose: `look for the caches ${patterns.join(', ')}` }
  return connection.call(call, signal, async () => {
    const { DescribeReplicationGroupsCommand } = await import('@aws-sdk/client-elasticache')
    const client = await clientOf(connection)
    return await readPages(
      'replication groups',
      (Marker) =>
        client.send(new DescribeReplicationGroupsCommand({ MaxRecords: 100, Marker }), abortedBy(signal)),
      ({ ReplicationGroups, Marker }) => ({ items: ReplicationGroups, next: Marker }),
    )
  })
}

function isRedis(engine: string | undefined): boolean {
  return engine === 'redis' || engine === 'valkey'
}

function fromCluster(id: string, cluster: CacheCluster): FoundDatastore {
  const nodes = cluster.CacheNodes ?? []
  return {
    engine: 'redis',
    id,
    product: cluster.Engine ?? 'redis',
    version: cluster.EngineVersion,
    status: cluster.CacheClusterStatus ?? 'unknown',
    topology: 'instance',
    nodes: cluster.NumCacheNodes ?? nodes.length,
    zones: zonesOf([cluster]),
    multiZone: false,
    sizeClass: cluster.CacheNodeType,
    endpoints: endpointsOf(cluster.ConfigurationEndpoint, ...nodes.map((node) => node.Endpoint)),
    ...safetyOf(cluster),
    ...windowsOf(cluster, cluster),
    vpcId: undefined,
    securityGroups: cacheGroups(cluster),
    access: { wantsPassword: cluster.AuthTokenEnabled },
  }
}

function fromGroup(id: string, group: ReplicationGroup, members: readonly CacheCluster[]): FoundDatastore {
  const [member] = members
  const shards = group.NodeGroups ?? []
  const primaries = shards.flatMap(({ PrimaryEndpoint }) => PrimaryEndpoint ?? [])
  const readZones = shards.flatMap(({ NodeGroupMembers = [] }) =>
    NodeGroupMembers.flatMap(({ PreferredAvailabilityZone }) => PreferredAvailabilityZone ?? []),
  )
  return {
    engine: 'redis',
    id,
    product: group.Engine ?? member?.Engine ?? 'redis',
    version: member?.EngineVersion,
    status: group.Status ?? 'unknown',
    topology: 'cluster',
    nodes: group.MemberClusters?.length ?? members.length,
    zones: [...new Set([...readZones, ...zonesOf(members)])].sort(),
    multiZone: group.MultiAZ === 'enabled',
    sizeClass: group.CacheNodeType ?? member?.CacheNodeType,
    endpoints: endpointsOf(group.ConfigurationEndpoint, ...primaries),
    ...safetyOf(group),
    ...windowsOf(group, member),
    vpcId: undefined,
    securityGroups: member && cacheGroups(member),
    access: {
      // Groups of users ask for a password as well, and a group's own list does not tell of them.
      wantsPassword: group.AuthTokenEnabled === true || (group.UserGroupIds ?? []).length > 0,
      sharded: group.ClusterEnabled === true,
      readers: endpointsOf(...shards.map(({ ReaderEndpoint }) => ReaderEndpoint)),
    },
  }
}

/** A cache has no address outside its network. */
function safetyOf({ AtRestEncryptionEnabled, TransitEncryptionEnabled }: CacheCluster | ReplicationGroup) {
  return {
    encryptedAtRest: AtRestEncryptionEnabled,
    encryptedInTransit: TransitEncryptionEnabled,
    public: undefined,
  }
}

/** Snapshots are a matter of the whole, maintenance of its members. */
function windowsOf(whole: CacheCluster | ReplicationGroup, member: CacheCluster | undefined) {
  return {
    backupWindow: windowOf(whole.SnapshotWindow),
    maintenanceWindow: windowOf(member?.PreferredMaintenanceWindow),
    retentionDays: whole.SnapshotRetentionLimit,
  }
}

/** A cluster of several zones says `Multiple`. */
function zonesOf(clusters: readonly CacheCluster[]): string[] {
  const zones = clusters.flatMap(({ PreferredAvailabilityZone, CacheNodes = [] }) => [
    PreferredAvailabilityZone,
    ...CacheNodes.map(({ CustomerAvailabilityZone }) => CustomerAvailabilityZone),
  ])
  return [...new Set(zones.flatMap((zone) => (zone === 'Multiple' ? [] : (zone ?? []))))].sort()
}

function endpointsOf(
  ...described: readonly ({ Address?: string | undefined; Port?: number | undefined } | undefined)[]
): Endpoint[] {
  return described.flatMap((each) =>
    each?.Address && each.Port ? [{ host: each.Address, port: each.Port }] : [],
  )
}
