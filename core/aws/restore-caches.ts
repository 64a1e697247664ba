import type { AwsConnection } from '#core/aws/clients.ts'
import { abortedBy, orNone } from '#core/aws/sdk-client.ts'
import { tagList, tagRecord } from '#core/aws/snapshot-shelf.ts'
import { cacheClient } from '#core/aws/snapshot-sources.ts'
import type { RestoreStep } from '#core/snapshots/restore/plan.ts'
import type { Seen } from '#core/snapshots/restore/restore-api.ts'
import type { SettingsOf } from '#core/snapshots/restore/settings.ts'

/** The calls of ElastiCache for a restore; each throws what the SDK throws. */

export async function lookAtCache(
  connection: AwsConnection,
  { name }: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<Seen | undefined> {
  const { DescribeCacheClustersCommand } = await import('@aws-sdk/client-elasticache')
  const client = await cacheClient(connection)
  const request = client.send(
    new DescribeCacheClustersCommand({ CacheClusterId: name, ShowCacheNodeInfo: true }),
    abortedBy(signal),
  )
  const [found] =
    (await orNone(request, 'CacheClusterNotFound', 'CacheClusterNotFoundFault'))?.CacheClusters ?? []
  if (found === undefined) return undefined
  const { Address, Port } = found.CacheNodes?.[0]?.Endpoint ?? {}
  return {
    status: (found.CacheClusterStatus ?? 'unknown').toLowerCase(),
    tags: await tagsOf(connection, found.ARN, signal),
    endpoint: Address && Port ? { host: Address, port: Port } : undefined,
  }
}

export async function lookAtGroup(
  connection: AwsConnection,
  { name }: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<Seen | undefined> {
  const { DescribeReplicationGroupsCommand } = await import('@aws-sdk/client-elasticache')
  const client = await cacheClient(connection)
  const request = client.send(
    new DescribeReplicationGroupsCommand({ ReplicationGroupId: name }),
    abortedBy(signal),
  )
  const [found] = (await orNone(request, 'ReplicationGroupNotFoundFault'))?.ReplicationGroups ?? []
  if (found === undefined) return undefined
  const { Address, Port } = found.ConfigurationEndpoint ?? found.NodeGroups?.[0]?.PrimaryEndpoint ?? {}
  return {
    status: (found.Status ?? 'unknown').toLowerCase(),
    tags: await tagsOf(connection, found.ARN, signal),
    endpoint: Address && Port ? { host: Address, port: Port } : undefined,
  }
}

export async function makeCache(
  connection: AwsConnection,
  { name, snapshot, tags, settings }: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { CreateCacheClusterCommand } = await import('@aws-sdk/client-elasticache')
  const like = settings as SettingsOf<'cache-cluster'>
  const input = {
    CacheClusterId: name,
    SnapshotName: snapshot,
    CacheNodeType: like.class,
    Engine: like.engine,
    EngineVersion: like.engineVersion,
    NumCacheNodes: 1,
    CacheSubnetGroupName: like.subnetGroup,
    SecurityGroupIds: like.securityGroups,
    CacheParameterGroupName: like.parameterGroup,
    Tags: tagList(tags),
  }
  return (await cacheClient(connection)).send(new CreateCacheClusterCommand(input), abortedBy(signal))
}

export async function makeGroup(
  connection: AwsConnection,
  { name, snapshot, tags, settings, sourceId }: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { CreateReplicationGroupCommand } = await import('@aws-sdk/client-elasticache')
  const like = settings as SettingsOf<'cache-group'>
  const nodes = like.clusterMode
    ? { NumNodeGroups: like.shards, ReplicasPerNodeGroup: like.replicas }
    : { NumCacheClusters: 1 + like.replicas }
  const input = {
    ReplicationGroupId: name,
    ReplicationGroupDescription: `restored beside ${sourceId}`,
    SnapshotName: snapshot,
    CacheNodeType: like.class,
    Engine: like.engine,
    EngineVersion: like.engineVersion,
    ...nodes,
    AutomaticFailoverEnabled: like.failsOver,
    MultiAZEnabled: like.multiZone,
    CacheSubnetGroupName: like.subnetGroup,
    SecurityGroupIds: like.securityGroups,
    CacheParameterGroupName: like.parameterGroup,
    AtRestEncryptionEnabled: like.encryptedAtRest,
    TransitEncryptionEnabled: like.encryptedInTransit,
    ...(like.key === undefined ? {} : { KmsKeyId: like.key }),
    ...(like.userGroups.length === 0 ? {} : { UserGroupIds: like.userGroups }),
    Tags: tagList(tags),
  }
  return (await cacheClient(connection)).send(new CreateReplicationGroupCommand(input), abortedBy(signal))
}

/** While a cache is being made, or is otherwise busy, the service denies that it is there. */
async function tagsOf(
  connection: AwsConnection,
  arn: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Record<string, string> | undefined> {
  if (arn === undefined) return undefined
  const { ListTagsForResourceCommand } = await import('@aws-sdk/client-elasticache')
  const client = await cacheClient(connection)
  const request = client.send(new ListTagsForResourceCommand({ ResourceName: arn }), abortedBy(signal))
  const busy = ['CacheClusterNotFound', 'CacheClusterNotFoundFault', 'ReplicationGroupNotFoundFault']
  const states = ['InvalidReplicationGroupState', 'InvalidReplicationGroupStateFault']
  const answer = await orNone(request, ...busy, ...states)
  return answer === undefined ? undefined : tagRecord(answer.TagList)
}
