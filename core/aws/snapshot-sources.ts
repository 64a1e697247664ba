import type { CacheCluster, ElastiCacheClient, ReplicationGroup } from '@aws-sdk/client-elasticache'
import type { DBCluster, DBInstance, RDSClient } from '@aws-sdk/client-rds'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { windowOf } from '#core/aws/rds.ts'
import { type Reading, reading } from '#core/aws/reading.ts'
import { abortedBy, clientPerConnection } from '#core/aws/sdk-client.ts'
import { cacheSettings, clusterSettings, groupSettings, instanceSettings } from '#core/aws/source-settings.ts'
import { matchName } from '#core/installation/resource-names.ts'
import type { ProviderWindow, Source } from '#core/snapshots/snapshot.ts'

export const rdsClient = clientPerConnection<RDSClient>(async (settings) => {
  const { RDSClient } = await import('@aws-sdk/client-rds')
  return new RDSClient(settings)
})

export const cacheClient = clientPerConnection<ElastiCacheClient>(async (settings) => {
  const { ElastiCacheClient } = await import('@aws-sdk/client-elasticache')
  return new ElastiCacheClient(settings)
})

/** Patterns of identifiers, by engine. */
export interface SourcePatterns {
  readonly postgres: readonly string[]
  readonly redis: readonly string[]
}

/**
 * The datastores of an installation that can be snapshotted, with what a snapshot needs to know of them: the key, the
 * windows, the nodes. What could not be read is told, and then nothing is to be concluded from an absence.
 */
export async function findSources(
  connection: AwsConnection,
  patterns: SourcePatterns,
  signal?: AbortSignal,
): Promise<Reading<Source[]>> {
  const read = <T>(part: 'postgres' | 'redis', action: string, list: () => Promise<T[]>) =>
    reading(part, action, () =>
      connection.call(
        { action, purpose: `look for what can be snapshotted in ${connection.region}` },
        signal,
        list,
      ),
    )
  const [instances, clusters, caches, groups] = await Promise.all([
    read('postgres', 'rds:DescribeDBInstances', () => listInstances(connection, signal)),
    read('postgres', 'rds:DescribeDBClusters', () => listClusters(connection, signal)),
    read('redis', 'elasticache:DescribeCacheClusters', () => listCaches(connection, signal)),
    read('redis', 'elasticache:DescribeReplicationGroups', () => listGroups(connection, signal)),
  ])
  const { region } = connection
  const members = caches.value ?? []
  const found = [
    ...(instances.value ?? []).flatMap((each) => fromInstance(each, region)),
    ...(clusters.value ?? []).flatMap((each) => fromCluster(each, instances.value ?? [], region)),
    ...members.flatMap((each) => fromCache(each, region)),
    ...(groups.value ?? []).flatMap((each) => fromGroup(each, members, region)),
  ]
  return {
    value: found.filter(
      ({ kind, id }) =>
        matchName(id, kind.startsWith('rds') ? patterns.postgres : patterns.redis) !== undefined,
    ),
    unreadable: [instances, clusters, caches, groups].flatMap(({ unreadable }) => unreadable),
  }
}

async function listInstances(
  connection: AwsConnection,
  signal: AbortSignal | undefined,
): Promise<DBInstance[]> {
  const { DescribeDBInstancesCommand } = await import('@aws-sdk/client-rds')
  const client = await rdsClient(connection)
  return await readPages(
    'database instances',
    (Marker) => client.send(new DescribeDBInstancesCommand({ Marker, MaxRecords: 100 }), abortedBy(signal)),
    ({ DBInstances, Marker }) => ({ items: DBInstances, next: Marker }),
  )
}

async function listClusters(
  connection: AwsConnection,
  signal: AbortSignal | undefined,
): Promise<DBCluster[]> {
  const { DescribeDBClustersCommand } = await import('@aws-sdk/client-rds')
  const client = await rdsClient(connection)
  return await readPages(
    'database clusters',
    (Marker) => client.send(new DescribeDBClustersCommand({ Marker, MaxRecords: 100 }), abortedBy(signal)),
    ({ DBClusters, Marker }) => ({ items: DBClusters, next: Marker }),
  )
}

async function listCaches(
  connection: AwsConnection,
  signal: AbortSignal | undefined,
): Promise<CacheCluster[]> {
  const { DescribeCacheClustersCommand } = await import('@aws-sdk/client-elasticache')
  const client = await cacheClient(connection)
  return await readPages(
    'cache clusters',
    (Marker) => client.send(new DescribeCacheClustersCommand({ Marker, MaxRecords: 100 }), abortedBy(signal)),
    ({ CacheClusters, Marker }) => ({ items: CacheClusters, next: Marker }),
  )
}

async function listGroups(
  connection: AwsConnection,
  signal: AbortSignal | undefined,
): Promise<ReplicationGroup[]> {
  const { DescribeReplicationGroupsCommand } = await import('@aws-sdk/client-elasticache')
  const client = await cacheClient(connection)
  return await readPages(
    'replication groups',
    (Marker) =>
      client.send(new DescribeReplicationGroupsCommand({ Marker, MaxRecords: 100 }), abortedBy(signal)),
    ({ ReplicationGroups, Marker }) => ({ items: ReplicationGroups, next: Marker }),
  )
}

/** A member of a cluster is snapshotted with the cluster, and a replica is no source of its own. */
function fromInstance(instance: DBInstance, region: string): Source[] {
  const { DBInstanceIdentifier: id, DBClusterIdentifier, ReadReplicaSourceDBInstanceIdentifier } = instance
  if (!id || DBClusterIdentifier || ReadReplicaSourceDBInstanceIdentifier) return []
  if (!/postgres/.test(instance.Engine ?? '')) return []
  const windows = windowsOf(instance.PreferredBackupWindow, instance.PreferredMaintenanceWindow)
  return [
    {
      kind: 'rds-instance',
      id: id.toLowerCase(),
      region,
      status: word(instance.DBInstanceStatus),
      key: instance.KmsKeyId,
      windows,
      settings: instanceSettings(instance),
    },
  ]
}

function fromCluster(cluster: DBCluster, instances: readonly DBInstance[], region: string): Source[] {
  const { DBClusterIdentifier: id } = cluster
  if (!id || !/postgres/.test(cluster.Engine ?? '')) return []
  const windows = windowsOf(cluster.PreferredBackupWindow, cluster.PreferredMaintenanceWindow)
  return [
    {
      kind: 'rds-cluster',
      id: id.toLowerCase(),
      region,
      status: word(cluster.Status),
      key: cluster.KmsKeyId,
      windows,
      settings: clusterSettings(cluster, instances),
    },
  ]
}

function fromCache(cache: CacheCluster, region: string): Source[] {
  const { CacheClusterId: id, ReplicationGroupId } = cache
  if (!id || ReplicationGroupId || !isRedis(cache.Engine)) return []
  const windows = windowsOf(cache.SnapshotWindow, cache.PreferredMaintenanceWindow)
  return [
    {
      kind: 'cache-cluster',
      id: id.toLowerCase(),
      region,
      status: word(cache.CacheClusterStatus),
      key: undefined,
      windows,
      settings: cacheSettings(cache),
    },
  ]
}

/** In cluster mode the whole group is snapshotted, without it one node: a replica where there is one. */
function fromGroup(group: ReplicationGroup, members: readonly CacheCluster[], region: string): Source[] {
  const { ReplicationGroupId: id } = group
  if (!id) return []
  const own = members.filter(({ ReplicationGroupId }) => ReplicationGroupId === id)
  const windows = windowsOf(group.SnapshotWindow, own[0]?.PreferredMaintenanceWindow)
  const source = {
    kind: 'cache-group',
    id: id.toLowerCase(),
    region,
    status: word(group.Status),
    key: group.KmsKeyId,
    windows,
    settings: groupSettings(group, own[0]),
  } as const
  return group.ClusterEnabled ? [source] : [{ ...source, nodes: nodesOf(group) }]
}

function nodesOf({ NodeGroups = [], MemberClusters = [] }: ReplicationGroup): string[] {
  const nodes = NodeGroups.flatMap(({ NodeGroupMembers = [] }) => NodeGroupMembers)
  const inOrder = [
    ...nodes.filter(({ CurrentRole }) => CurrentRole === 'replica'),
    ...nodes.filter(({ CurrentRole }) => CurrentRole !== 'replica'),
  ].flatMap(({ CacheClusterId }) => CacheClusterId ?? [])
  return [...new Set([...inOrder, ...MemberClusters])]
}

function windowsOf(backup: string | undefined, maintenance: string | undefined): ProviderWindow[] {
  const [own, theirs] = [windowOf(backup), windowOf(maintenance)]
  return [
    ...(own === undefined ? [] : [{ what: 'backup', span: own } as const]),
    ...(theirs === undefined ? [] : [{ what: 'maintenance', span: theirs } as const]),
  ]
}

function word(status: string | undefined): string {
  return (status ?? 'unknown').toLowerCase()
}

function isRedis(engine: string | undefined): boolean {
  return engine === 'redis' || engine === 'valkey'
}
