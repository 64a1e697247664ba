import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy, orNone } from '#core/aws/sdk-client.ts'
import { tagList, tagRecord } from '#core/aws/snapshot-shelf.ts'
import { rdsClient } from '#core/aws/snapshot-sources.ts'
import { memberOf, type RestoreStep } from '#core/snapshots/restore/plan.ts'
import type { NewestSnapshot, Seen, SnapshotOwner } from '#core/snapshots/restore/restore-api.ts'
import type { SettingsOf } from '#core/snapshots/restore/settings.ts'

/** The calls of RDS for a restore; each throws what the SDK throws. */

export async function lookAtInstance(
  connection: AwsConnection,
  { name }: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<Seen | undefined> {
  const { DescribeDBInstancesCommand } = await import('@aws-sdk/client-rds')
  const client = await rdsClient(connection)
  const request = client.send(
    new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }),
    abortedBy(signal),
  )
  const [found] = (await orNone(request, 'DBInstanceNotFound', 'DBInstanceNotFoundFault'))?.DBInstances ?? []
  if (found === undefined) return undefined
  const { Address, Port } = found.Endpoint ?? {}
  return {
    status: (found.DBInstanceStatus ?? 'unknown').toLowerCase(),
    tags: tagRecord(found.TagList),
    endpoint: Address && Port ? { host: Address, port: Port } : undefined,
  }
}

export async function lookAtCluster(
  connection: AwsConnection,
  { name }: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<Seen | undefined> {
  const { DescribeDBClustersCommand } = await import('@aws-sdk/client-rds')
  const client = await rdsClient(connection)
  const request = client.send(new DescribeDBClustersCommand({ DBClusterIdentifier: name }), abortedBy(signal))
  const [found] = (await orNone(request, 'DBClusterNotFoundFault', 'DBClusterNotFound'))?.DBClusters ?? []
  if (found === undefined) return undefined
  return {
    status: (found.Status ?? 'unknown').toLowerCase(),
    tags: tagRecord(found.TagList),
    endpoint: found.Endpoint && found.Port ? { host: found.Endpoint, port: found.Port } : undefined,
  }
}

export async function restoreInstance(
  connection: AwsConnection,
  { name, snapshot, tags, settings }: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { RestoreDBInstanceFromDBSnapshotCommand } = await import('@aws-sdk/client-rds')
  const like = settings as SettingsOf<'rds-instance'>
  const input = {
    DBInstanceIdentifier: name,
    DBSnapshotIdentifier: snapshot,
    DBInstanceClass: like.class,
    Port: like.port,
    DBSubnetGroupName: like.subnetGroup,
    VpcSecurityGroupIds: like.securityGroups,
    DBParameterGroupName: like.parameterGroup,
    OptionGroupName: like.optionGroup,
    StorageType: like.storageType,
    Iops: like.iops,
    MultiAZ: like.multiZone,
    EnableIAMDatabaseAuthentication: like.iamAuthentication,
    // Whatever the original is: what is restored is for the inside.
    PubliclyAccessible: false,
    DeletionProtection: false,
    CopyTagsToSnapshot: false,
    Tags: tagList(tags),
  }
  return (await rdsClient(connection)).send(
    new RestoreDBInstanceFromDBSnapshotCommand(input),
    abortedBy(signal),
  )
}

export async function restoreCluster(
  connection: AwsConnection,
  { name, snapshot, tags, settings }: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { RestoreDBClusterFromSnapshotCommand } = await import('@aws-sdk/client-rds')
  const like = settings as SettingsOf<'rds-cluster'>
  const input = {
    DBClusterIdentifier: name,
    SnapshotIdentifier: snapshot,
    Engine: like.engine,
    EngineVersion: like.engineVersion,
    Port: like.port,
    DBSubnetGroupName: like.subnetGroup,
    VpcSecurityGroupIds: like.securityGroups,
    DBClusterParameterGroupName: like.parameterGroup,
    KmsKeyId: like.key,
    DBClusterInstanceClass: like.class,
    EnableIAMDatabaseAuthentication: like.iamAuthentication,
    DeletionProtection: false,
    CopyTagsToSnapshot: false,
    Tags: tagList(tags),
  }
  return (await rdsClient(connection)).send(new RestoreDBClusterFromSnapshotCommand(input), abortedBy(signal))
}

export async function makeMember(
  connection: AwsConnection,
  step: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { CreateDBInstanceCommand } = await import('@aws-sdk/client-rds')
  const { class: size, parameterGroup } = memberOf(step)
  const input = {
    DBInstanceIdentifier: step.name,
    DBClusterIdentifier: step.after,
    DBInstanceClass: size,
    DBParameterGroupName: parameterGroup,
    Engine: (step.settings as SettingsOf<'rds-cluster'>).engine,
    PubliclyAccessible: false,
    Tags: tagList(step.tags),
  }
  return (await rdsClient(connection)).send(new CreateDBInstanceCommand(input), abortedBy(signal))
}

/** Whoever made it: without a type, the service lists manual and automated ones. */
export async function newestSnapshot(
  connection: AwsConnection,
  { id }: SnapshotOwner,
  signal: AbortSignal | undefined,
): Promise<NewestSnapshot | undefined> {
  const { DescribeDBSnapshotsCommand } = await import('@aws-sdk/client-rds')
  const client = await rdsClient(connection)
  const found = await readPages(
    'database snapshots',
    (Marker) =>
      client.send(
        new DescribeDBSnapshotsCommand({ DBInstanceIdentifier: id, Marker, MaxRecords: 100 }),
        abortedBy(signal),
      ),
    ({ DBSnapshots, Marker }) => ({ items: DBSnapshots, next: Marker }),
  )
  return newest(
    found.map((each) => [each.DBSnapshotIdentifier, each.SnapshotType, each.SnapshotCreateTime] as const),
  )
}

export async function newestClusterSnapshot(
  connection: AwsConnection,
  { id }: SnapshotOwner,
  signal: AbortSignal | undefined,
): Promise<NewestSnapshot | undefined> {
  const { DescribeDBClusterSnapshotsCommand } = await import('@aws-sdk/client-rds')
  const client = await rdsClient(connection)
  const found = await readPages(
    'database cluster snapshots',
    (Marker) =>
      client.send(
        new DescribeDBClusterSnapshotsCommand({ DBClusterIdentifier: id, Marker, MaxRecords: 100 }),
        abortedBy(signal),
      ),
    ({ DBClusterSnapshots, Marker }) => ({ items: DBClusterSnapshots, next: Marker }),
  )
  return newest(
    found.map(
      (each) => [each.DBClusterSnapshotIdentifier, each.SnapshotType, each.SnapshotCreateTime] as const,
    ),
  )
}

function newest(
  found: readonly (readonly [string | undefined, string | undefined, Date | undefined])[],
): NewestSnapshot | undefined {
  const dated = found.flatMap(([name, type, date]) =>
    name === undefined || date === undefined
      ? []
      : [{ name, manual: type === 'manual', createdAt: date.getTime() }],
  )
  return dated.sort((a, b) => b.createdAt - a.createdAt)[0]
}
