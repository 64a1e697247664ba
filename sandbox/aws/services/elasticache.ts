import {
  type CacheNode,
  cacheNodes,
  configurationHost,
  REDIS_PORT,
  SLOTS,
} from '#sandbox/worlds/datastores.ts'
import type { World, WorldCache } from '#sandbox/worlds/installation.ts'
import { groupIdOf } from '#sandbox/worlds/network.ts'
import { AwsError } from '../aws-error.ts'
import { queryDialect } from '../dialects/query.ts'
import { MARKER_PAGES, queryPage } from '../query-pages.ts'
import type { AwsService, Call, Input } from '../service.ts'
import type { SnapshotWorlds } from '../snapshots/snapshot-worlds.ts'
import { many, type XmlValue } from '../xml.ts'
import { cacheArn as arnOf, describeRestoredCache, describeRestoredGroup } from './elasticache-restore.ts'

const CREATED = '2026-03-02T09:44:10.118Z'

/**
 * ElastiCache with the installation's caches: clusters of one node, and groups, whose nodes are clusters too; beside
 * them what was restored.
 */
export function createElastiCache(snapshots: SnapshotWorlds): AwsService {
  return {
    name: 'elasticache',
    dialect: queryDialect('2015-02-02', 'http://elasticache.amazonaws.com/doc/2015-02-02/'),
    operations: {
      DescribeCacheClusters: {
        resources: (input, call) => [arnOf(call, 'cluster', String(input['CacheClusterId'] ?? '*'))],
        run: (input, call) => describeClusters(input, call, snapshots),
      },
      DescribeReplicationGroups: {
        resources: (input, call) => [
          arnOf(call, 'replicationgroup', String(input['ReplicationGroupId'] ?? '*')),
        ],
        run: (input, call) => describeGroups(input, call, snapshots),
      },
    },
  }
}

function describeClusters(input: Input, call: Call, snapshots: SnapshotWorlds): object {
  const { world } = call
  const wanted = input['CacheClusterId'] === undefined ? undefined : String(input['CacheClusterId'])
  const alone = input['ShowCacheClustersNotInReplicationGroups'] === 'true'
  const nodes = (world?.caches ?? [])
    .filter(({ kind }) => !alone || kind === 'cluster')
    .flatMap((cache) => cacheNodes(world as World, cache).map((node) => ({ cache, node })))
    .filter(({ node }) => wanted === undefined || node.clusterId === wanted.toLowerCase())
  const withNodes = input['ShowCacheNodeInfo'] === 'true'
  const all = [
    ...nodes.map(
      ({ cache, node }) =>
        () =>
          describeCluster(cache, node, withNodes, call),
    ),
    ...snapshots
      .restoredOf(call)
      .list('cache', call.region)
      .filter(({ id }) => wanted === undefined || id === wanted.toLowerCase())
      .map((each) => () => describeRestoredCache(each, withNodes, snapshots, call)),
  ]
  if (wanted !== undefined && all.length === 0)
    throw new AwsError('CacheClusterNotFound', `CacheCluster not found: ${wanted}`, 404)
  const { items, next } = queryPage(all, input, call, MARKER_PAGES)
  return {
    CacheClusters: many(
      'CacheCluster',
      items.map((show) => show()),
    ),
    Marker: next,
  }
}

function describeCluster(cache: WorldCache, node: CacheNode, withNodes: boolean, call: Call): XmlValue {
  const world = call.world as World
  const zone = `${world.region}${node.zone}`
  const grouped = cache.kind === 'group'
  return {
    CacheClusterId: node.clusterId,
    ReplicationGroupId: grouped ? cache.id : undefined,
    CacheNodeType: cache.type,
    Engine: 'redis',
    EngineVersion: '7.1.0',
    CacheClusterStatus: 'available',
    NumCacheNodes: 1,
    PreferredAvailabilityZone: zone,
    CacheClusterCreateTime: CREATED,
    PreferredMaintenanceWindow: 'tue:16:00-tue:17:00',
    PendingModifiedValues: {},
    CacheSecurityGroups: many('CacheSecurityGroup', []),
    CacheParameterGroup: {
      CacheParameterGroupName: grouped ? 'default.redis7.cluster.on' : 'default.redis7',
      ParameterApplyStatus: 'in-sync',
      CacheNodeIdsToReboot: many('CacheNodeId', []),
    },
    CacheSubnetGroupName: `${world.workspace}-redis-subnet`,
    // Where they answer is told only to who asks for it.
    CacheNodes: withNodes
      ? many('CacheNode', [
          {
            CacheNodeId: '0001',
            CacheNodeStatus: 'available',
            CacheNodeCreateTime: CREATED,
            Endpoint: { Address: node.host, Port: REDIS_PORT },
            ParameterGroupStatus: 'in-sync',
            CustomerAvailabilityZone: zone,
          },
        ])
      : undefined,
    AutoMinorVersionUpgrade: true,
    SecurityGroups: many('member', [{ SecurityGroupId: groupIdOf(world, 'redis'), Status: 'active' }]),
    SnapshotRetentionLimit: 5,
    SnapshotWindow: '12:00-13:00',
    AuthTokenEnabled: grouped && cache.asksPassword === true,
    TransitEncryptionEnabled: grouped,
    AtRestEncryptionEnabled: grouped,
    ARN: arnOf(call, 'cluster', node.clusterId),
    ReplicationGroupLogDeliveryEnabled: false,
    NetworkType: 'ipv4',
    IpDiscovery: 'ipv4',
  }
}

function describeGroups(input: Input, call: Call, snapshots: SnapshotWorlds): object {
  const wanted = input['ReplicationGroupId'] === undefined ? undefined : String(input['ReplicationGroupId'])
  const groups = (call.world?.caches ?? []).flatMap((cache) =>
    cache.kind === 'group' && (wanted === undefined || cache.id === wanted.toLowerCase()) ? [cache] : [],
  )
  const all = [
    ...groups.map((group) => () => describeGroup(group, call)),
    ...snapshots
      .restoredOf(call)
      .list('group', call.region)
      .filter(({ id }) => wanted === undefined || id === wanted.toLowerCase())
      .map((each) => () => describeRestoredGroup(each, snapshots, call)),
  ]
  if (wanted !== undefined && all.length === 0)
    throw new AwsError('ReplicationGroupNotFoundFault', `ReplicationGroup ${wanted} not found.`, 404)
  const { items, next } = queryPage(all, input, call, MARKER_PAGES)
  return {
    ReplicationGroups: many(
      'ReplicationGroup',
      items.map((show) => show()),
    ),
    Marker: next,
  }
}

function describeGroup(group: Extract<WorldCache, { kind: 'group' }>, call: Call): XmlValue {
  const world = call.world as World
  const nodes = cacheNodes(world, group)
  const shards = [...new Set(nodes.map(({ shard }) => shard))]
  const failsOver = group.replicas > 0
  return {
    ReplicationGroupId: group.id,
    Description: 'Managed by Terraform',
    GlobalReplicationGroupInfo: {},
    Status: 'available',
    PendingModifiedValues: {},
    MemberClusters: many(
      'ClusterId',
      nodes.map(({ clusterId }) => clusterId),
    ),
    NodeGroups: many(
      'NodeGroup',
      shards.map((shard, i) => ({
        NodeGroupId: shard,
        Status: 'available',
        Slots: slotsOf(i, shards.length),
        NodeGroupMembers: many(
          'NodeGroupMember',
          nodes
            .filter((node) => node.shard === shard)
            .map((node) => ({
              CacheClusterId: node.clusterId,
              CacheNodeId: '0001',
              PreferredAvailabilityZone: `${world.region}${node.zone}`,
            })),
        ),
      })),
    ),
    AutomaticFailover: failsOver ? 'enabled' : 'disabled',
    MultiAZ: failsOver ? 'enabled' : 'disabled',
    ConfigurationEndpoint: { Address: configurationHost(world, group), Port: REDIS_PORT },
    SnapshotRetentionLimit: 5,
    SnapshotWindow: '12:00-13:00',
    ClusterEnabled: true,
    ClusterMode: 'enabled',
    CacheNodeType: group.type,
    AuthTokenEnabled: group.asksPassword === true,
    TransitEncryptionEnabled: true,
    TransitEncryptionMode: 'required',
    AtRestEncryptionEnabled: true,
    ARN: arnOf(call, 'replicationgroup', group.id),
    LogDeliveryConfigurations: many('LogDeliveryConfiguration', []),
    ReplicationGroupCreateTime: CREATED,
    DataTiering: 'disabled',
    AutoMinorVersionUpgrade: true,
    NetworkType: 'ipv4',
    IpDiscovery: 'ipv4',
    Engine: 'redis',
  }
}

/** The hash slots of shard `index` of `count`, as a range. */
function slotsOf(index: number, count: number): string {
  const size = SLOTS / count
  return `${Math.floor(index * size)}-${Math.floor((index + 1) * size) - 1}`
}
