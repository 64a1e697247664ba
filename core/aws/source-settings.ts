import type { CacheCluster, ReplicationGroup } from '@aws-sdk/client-elasticache'
import type { DBCluster, DBInstance } from '@aws-sdk/client-rds'
import { cacheGroups, databaseGroups } from '#core/aws/attached-groups.ts'
import type { Settings, SettingsOf } from '#core/snapshots/restore/settings.ts'

/** What the descriptions of datastores say that a restored one must be told again. */

const GP3_BASELINE = 3000

export function instanceSettings(instance: DBInstance): SettingsOf<'rds-instance'> {
  const { DBSubnetGroup, OptionGroupMemberships = [], DBParameterGroups = [] } = instance
  return {
    kind: 'rds-instance',
    class: instance.DBInstanceClass,
    engine: instance.Engine,
    port: instance.Endpoint?.Port,
    subnetGroup: DBSubnetGroup?.DBSubnetGroupName,
    securityGroups: databaseGroups(instance),
    parameterGroup: DBParameterGroups[0]?.DBParameterGroupName,
    optionGroup: OptionGroupMemberships[0]?.OptionGroupName,
    storageType: instance.StorageType,
    // What every small gp3 volume has may not be asked for: the service refuses the number that it tells.
    iops: (instance.Iops ?? 0) > GP3_BASELINE ? instance.Iops : undefined,
    multiZone: instance.MultiAZ === true,
    iamAuthentication: instance.IAMDatabaseAuthenticationEnabled === true,
  }
}

/** `instances` are those of the region: the cluster's own are found among them. */
export function clusterSettings(
  cluster: DBCluster,
  instances: readonly DBInstance[],
): SettingsOf<'rds-cluster'> {
  const writers = new Set(
    (cluster.DBClusterMembers ?? []).flatMap(({ DBInstanceIdentifier, IsClusterWriter }) =>
      IsClusterWriter ? [DBInstanceIdentifier] : [],
    ),
  )
  const own = instances.filter(
    ({ DBClusterIdentifier }) =>
      DBClusterIdentifier !== undefined && DBClusterIdentifier === cluster.DBClusterIdentifier,
  )
  const inOrder = own.toSorted(
    (a, b) => Number(writers.has(b.DBInstanceIdentifier)) - Number(writers.has(a.DBInstanceIdentifier)),
  )
  // In a Multi-AZ cluster, unlike in Aurora, the service makes the instances itself, of the cluster's class.
  const makesItsOwn = cluster.DBClusterInstanceClass !== undefined
  return {
    kind: 'rds-cluster',
    engine: cluster.Engine ?? 'aurora-postgresql',
    engineVersion: cluster.EngineVersion,
    port: cluster.Port,
    subnetGroup: cluster.DBSubnetGroup,
    securityGroups: databaseGroups(cluster),
    parameterGroup: cluster.DBClusterParameterGroup,
    key: cluster.KmsKeyId,
    iamAuthentication: cluster.IAMDatabaseAuthenticationEnabled === true,
    class: cluster.DBClusterInstanceClass,
    members: makesItsOwn
      ? []
      : inOrder.flatMap(({ DBInstanceClass, DBParameterGroups = [] }) =>
          DBInstanceClass === undefined
            ? []
            : [{ class: DBInstanceClass, parameterGroup: DBParameterGroups[0]?.DBParameterGroupName }],
        ),
  }
}

export function cacheSettings(cache: CacheCluster): SettingsOf<'cache-cluster'> {
  return {
    kind: 'cache-cluster',
    class: cache.CacheNodeType,
    engine: cache.Engine,
    engineVersion: cache.EngineVersion,
    ...cacheNetwork(cache),
  }
}

/** `member` is one of the group's nodes: the group itself tells neither its network nor its parameters. */
export function groupSettings(
  group: ReplicationGroup,
  member: CacheCluster | undefined,
): SettingsOf<'cache-group'> {
  const shards = group.NodeGroups ?? []
  const nodes = Math.max(1, ...shards.map(({ NodeGroupMembers = [] }) => NodeGroupMembers.length))
  return {
    kind: 'cache-group',
    class: group.CacheNodeType,
    engine: group.Engine ?? member?.Engine,
    engineVersion: member?.EngineVersion,
    ...cacheNetwork(member ?? {}),
    clusterMode: group.ClusterEnabled === true,
    shards: Math.max(1, shards.length),
    replicas: nodes - 1,
    failsOver: group.AutomaticFailover === 'enabled' || group.AutomaticFailover === 'enabling',
    multiZone: group.MultiAZ === 'enabled',
    encryptedAtRest: group.AtRestEncryptionEnabled === true,
    encryptedInTransit: group.TransitEncryptionEnabled === true,
    key: group.KmsKeyId,
    userGroups: group.UserGroupIds ?? [],
    token: group.AuthTokenEnabled === true,
  }
}

function cacheNetwork(
  cache: CacheCluster,
): Pick<Settings, 'subnetGroup' | 'securityGroups' | 'parameterGroup'> {
  return {
    subnetGroup: cache.CacheSubnetGroupName,
    securityGroups: cacheGroups(cache),
    parameterGroup: cache.CacheParameterGroup?.CacheParameterGroupName,
  }
}
