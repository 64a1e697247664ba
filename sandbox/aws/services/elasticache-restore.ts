import { REDIS_PORT } from '#sandbox/worlds/datastores.ts'
import { digits } from '#sandbox/worlds/ids.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { AwsError } from '../aws-error.ts'
import type { Call, Input, Operation } from '../service.ts'
import type { RestoredStore } from '../snapshots/restored-world.ts'
import type { SnapshotWorlds } from '../snapshots/snapshot-worlds.ts'
import { many, type XmlValue } from '../xml.ts'
import { flagIn, groupIn, numberIn, securityGroupsIn, sizeIn } from './restore-input.ts'
import { needed, optional, taggingBy, tagsIn } from './snapshot-input.ts'

/** The operations of ElastiCache that make caches, from a snapshot or empty. */
export function elastiCacheRestoreOperations(worlds: SnapshotWorlds): Record<string, Operation> {
  const on = (kind: 'cluster' | 'replicationgroup', parameter: string) => (input: Input, call: Call) => [
    cacheArn(call, kind, String(input[parameter] ?? '*')),
  ]
  return {
    CreateCacheCluster: {
      resources: on('cluster', 'CacheClusterId'),
      dependents: taggingBy('elasticache'),
      run: (input, call) => ({
        CacheCluster: describeRestoredCache(makeCache(worlds, input, call), false, worlds, call),
      }),
    },
    CreateReplicationGroup: {
      resources: on('replicationgroup', 'ReplicationGroupId'),
      dependents: taggingBy('elasticache'),
      run: (input, call) => ({
        ReplicationGroup: describeRestoredGroup(makeGroup(worlds, input, call), worlds, call),
      }),
    },
  }
}

const SUBNETS = {
  own: ({ workspace }: World) => [`${workspace}-redis-subnet`],
  ...{ fallback: 'default', missing: 'CacheSubnetGroupNotFoundFault' },
}
const PARAMETERS = { own: () => [], missing: 'CacheParameterGroupNotFound' }

function makeCache(worlds: SnapshotWorlds, input: Input, call: Call): RestoredStore {
  if ((numberIn(input, 'NumCacheNodes') ?? 1) !== 1)
    throw new AwsError('InvalidParameterCombination', 'NumCacheNodes should be 1 if engine is redis')
  return add(worlds, call, {
    ...{ kind: 'cache', id: needed(input, 'CacheClusterId'), cluster: undefined, tags: tagsIn(input) },
    ...{ snapshot: snapshotIn(worlds, input, call), kmsKeyId: undefined },
    securityGroups: securityGroupsIn(input, 'SecurityGroupIds.SecurityGroupId', call),
    like: {
      class: sizeIn(input, 'CacheNodeType', 'cache.', 'cache.t4g.small'),
      subnetGroup: groupIn(input, 'CacheSubnetGroupName', call, SUBNETS),
      parameterGroup: groupIn(input, 'CacheParameterGroupName', call, {
        ...PARAMETERS,
        fallback: 'default.redis7',
      }),
    },
  })
}

function makeGroup(worlds: SnapshotWorlds, input: Input, call: Call): RestoredStore {
  needed(input, 'ReplicationGroupDescription')
  const replicas = numberIn(input, 'ReplicasPerNodeGroup') ?? (numberIn(input, 'NumCacheClusters') ?? 1) - 1
  const failsOver = flagIn(input, 'AutomaticFailoverEnabled')
  if (failsOver && replicas < 1)
    throw new AwsError(
      'InvalidParameterCombination',
      'Automatic failover is not supported for a replication group without replicas',
    )
  const encryptedAtRest = flagIn(input, 'AtRestEncryptionEnabled')
  const kmsKeyId = optional(input, 'KmsKeyId')
  if (kmsKeyId !== undefined && !encryptedAtRest)
    throw new AwsError('InvalidParameterCombination', 'KmsKeyId needs encryption at rest to be enabled')
  return add(worlds, call, {
    ...{ kind: 'group', id: needed(input, 'ReplicationGroupId'), cluster: undefined, tags: tagsIn(input) },
    ...{ snapshot: snapshotIn(worlds, input, call), kmsKeyId },
    securityGroups: securityGroupsIn(input, 'SecurityGroupIds.SecurityGroupId', call),
    like: {
      class: sizeIn(input, 'CacheNodeType', 'cache.', 'cache.t4g.small'),
      subnetGroup: groupIn(input, 'CacheSubnetGroupName', call, SUBNETS),
      parameterGroup: groupIn(input, 'CacheParameterGroupName', call, {
        ...PARAMETERS,
        fallback: 'default.redis7.cluster.on',
      }),
      shards: numberIn(input, 'NumNodeGroups') ?? 1,
      ...{ replicas, failsOver, encryptedAtRest, multiZone: flagIn(input, 'MultiAZEnabled') },
      encryptedInTransit: flagIn(input, 'TransitEncryptionEnabled'),
      clusterMode: input['NumNodeGroups'] !== undefined,
    },
  })
}

function add(
  worlds: SnapshotWorlds,
  call: Call,
  store: Omit<RestoredStore, 'region' | 'begunAt' | 'readyAt'>,
): RestoredStore {
  const begunAt = worlds.now(call)
  const readyAt = begunAt + worlds.of(call).rules.takes
  const kind = store.kind === 'cache' ? 'cluster' : 'group'
  const others = (call.world?.caches ?? []).filter((each) => each.kind === kind).map(({ id }) => id)
  return worlds.restoredOf(call).add({ ...store, region: call.region, begunAt, readyAt }, others)
}

function snapshotIn(worlds: SnapshotWorlds, input: Input, call: Call): string | undefined {
  const name = optional(input, 'SnapshotName')
  if (name === undefined) return undefined
  const world = worlds.of(call)
  const found = world.list('cache', call.region, Infinity).find((each) => each.name === name.toLowerCase())
  if (found === undefined || world.stateOf(found, worlds.now(call)) !== 'available')
    throw new AwsError('SnapshotNotFoundFault', `${name} is either not present or not available.`, 404)
  return found.name
}

export function describeRestoredCache(
  store: RestoredStore,
  withNodes: boolean,
  worlds: SnapshotWorlds,
  call: Call,
): XmlValue {
  const { id, like } = store
  const status = worlds.restoredOf(call).stateOf(store, worlds.now(call))
  const node = {
    ...{ CacheNodeId: '0001', CacheNodeStatus: status },
    Endpoint: { Address: `${id}.${suffixOf(call)}`, Port: REDIS_PORT },
  }
  return {
    CacheClusterId: id,
    ...{ CacheNodeType: like['class'], Engine: 'redis', EngineVersion: '7.1.0' },
    ...{ CacheClusterStatus: status, NumCacheNodes: 1 },
    CacheParameterGroup: { CacheParameterGroupName: like['parameterGroup'] },
    CacheSubnetGroupName: like['subnetGroup'],
    CacheNodes: withNodes && status === 'available' ? many('CacheNode', [node]) : undefined,
    SecurityGroups: groupsOf(store),
    ARN: cacheArn(call, 'cluster', id),
  }
}

export function describeRestoredGroup(store: RestoredStore, worlds: SnapshotWorlds, call: Call): XmlValue {
  const { id, like } = store
  const status = worlds.restoredOf(call).stateOf(store, worlds.now(call))
  const shards = Number(like['shards'])
  return {
    ReplicationGroupId: id,
    ...{ Status: status, ClusterEnabled: like['clusterMode'], CacheNodeType: like['class'] },
    NodeGroups:
      status !== 'available'
        ? undefined
        : many(
            'NodeGroup',
            Array.from({ length: shards }, (_, shard) => ({
              ...{ NodeGroupId: String(shard + 1).padStart(4, '0'), Status: 'available' },
              NodeGroupMembers: many(
                'NodeGroupMember',
                Array.from({ length: 1 + Number(like['replicas']) }, (_each, node) => ({
                  CacheClusterId: `${id}-${String(shard + 1).padStart(4, '0')}-${String(node + 1).padStart(3, '0')}`,
                })),
              ),
            })),
          ),
    ConfigurationEndpoint:
      status === 'available'
        ? { Address: `clustercfg.${id}.${suffixOf(call)}`, Port: REDIS_PORT }
        : undefined,
    AutomaticFailover: like['failsOver'] ? 'enabled' : 'disabled',
    MultiAZ: like['multiZone'] ? 'enabled' : 'disabled',
    TransitEncryptionEnabled: like['encryptedInTransit'],
    AtRestEncryptionEnabled: like['encryptedAtRest'],
    KmsKeyId: store.kmsKeyId,
    ARN: cacheArn(call, 'replicationgroup', id),
  }
}

/** A restored cache by its ARN; what is not available yet is denied, as the service does. @throws AwsError */
export function restoredByArn(arn: string, worlds: SnapshotWorlds, call: Call): RestoredStore | undefined {
  const [, , , , , what, id = ''] = arn.split(':')
  if (what !== 'cluster' && what !== 'replicationgroup') return undefined
  const restored = worlds.restoredOf(call)
  const found = restored.get(what === 'cluster' ? 'cache' : 'group', call.region, id)
  if (found !== undefined && restored.stateOf(found, worlds.now(call)) === 'available') return found
  const code = what === 'cluster' ? 'CacheClusterNotFound' : 'ReplicationGroupNotFoundFault'
  throw new AwsError(code, `${id} is either not present or not available.`, 404)
}

function groupsOf({ securityGroups }: RestoredStore): XmlValue {
  return many(
    'member',
    securityGroups.map((SecurityGroupId) => ({ SecurityGroupId, Status: 'active' })),
  )
}

function suffixOf({ caller, region }: Call): string {
  return `${digits(`cache ${caller.account}`, 6)}.0001.${region.replace(/^(..)-(.).*-(\d)$/, '$1$2$3')}.cache.amazonaws.com`
}

export function cacheArn({ region, caller }: Call, kind: 'cluster' | 'replicationgroup', id: string): string {
  return `arn:aws:elasticache:${region}:${caller.account}:${kind}:${id}`
}
