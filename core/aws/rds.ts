import type { DBInstance, RDSClient } from '@aws-sdk/client-rds'
import { databaseGroups } from '#core/aws/attached-groups.ts'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy, clientPerConnection } from '#core/aws/sdk-client.ts'
import { PgctlError } from '#core/errors.ts'
import type { Endpoint, FoundDatastore } from '#core/installation/datastores.ts'
import { matchName } from '#core/installation/resource-names.ts'

export const DESCRIBE_DB_INSTANCES = 'rds:DescribeDBInstances'

const clientOf = clientPerConnection<RDSClient>(async (settings) => {
  const { RDSClient } = await import('@aws-sdk/client-rds')
  return new RDSClient(settings)
})

/** The Postgres instances whose identifier fits a pattern; the service itself filters by exact names only. */
export async function describePostgres(
  connection: AwsConnection,
  patterns: readonly string[],
  signal?: AbortSignal,
): Promise<FoundDatastore[]> {
  const call = { action: DESCRIBE_DB_INSTANCES, purpose: `look for the databases ${patterns.join(', ')}` }
  const instances = await connection.call(call, signal, async () => {
    const { DescribeDBInstancesCommand } = await import('@aws-sdk/client-rds')
    const client = await clientOf(connection)
    return await readPages(
      'database instances',
      (Marker) => client.send(new DescribeDBInstancesCommand({ Marker, MaxRecords: 100 }), abortedBy(signal)),
      ({ DBInstances, Marker }) => ({ items: DBInstances, next: Marker }),
    )
  })
  return instances.flatMap((instance) => {
    const id = instance.DBInstanceIdentifier
    const fits =
      id !== undefined &&
      matchName(
        id,
        patterns.map((pattern) => pattern.toLowerCase()),
      ) !== undefined
    return fits && /postgres/.test(instance.Engine ?? '') ? [toDatastore(id, instance)] : []
  })
}

function toDatastore(id: string, instance: DBInstance): FoundDatastore {
  const { AvailabilityZone, SecondaryAvailabilityZone, Endpoint, DBInstanceClass, BackupRetentionPeriod } =
    instance
  const inCluster = Boolean(instance.DBClusterIdentifier)
  return {
    engine: 'postgres',
    id,
    product: instance.Engine ?? 'postgres',
    version: instance.EngineVersion,
    status: (instance.DBInstanceStatus ?? 'unknown').toLowerCase(),
    topology: topologyOf(instance),
    nodes: 1,
    zones: [AvailabilityZone, SecondaryAvailabilityZone].flatMap((zone) => zone || []),
    multiZone: inCluster || instance.MultiAZ === true,
    sizeClass: DBInstanceClass,
    endpoints: Endpoint?.Address && Endpoint.Port ? [{ host: Endpoint.Address, port: Endpoint.Port }] : [],
    encryptedAtRest: instance.StorageEncrypted,
    encryptedInTransit: undefined,
    public: instance.PubliclyAccessible,
    backupWindow: windowOf(instance.PreferredBackupWindow),
    maintenanceWindow: windowOf(instance.PreferredMaintenanceWindow),
    // A member of a cluster is backed up with its cluster, and a replica with what it follows.
    retentionDays: topologyOf(instance) === 'instance' ? BackupRetentionPeriod : undefined,
    vpcId: instance.DBSubnetGroup?.VpcId,
    securityGroups: databaseGroups(instance),
    access: {
      user: instance.MasterUsername,
      database: instance.DBName,
      secret: instance.MasterUserSecret?.SecretArn,
      takesTokens: instance.IAMDatabaseAuthenticationEnabled,
      cluster: instance.DBClusterIdentifier,
      follows: followedBy(instance),
    },
  }
}

/**
 * The addresses of a cluster: of whichever member takes writes, and of those that only read, if it has any.
 * @throws PgctlError `target-unknown` where there is no such cluster, or it has no address yet.
 */
export async function describeClusterEndpoints(
  connection: AwsConnection,
  id: string,
  signal?: AbortSignal,
): Promise<{
  readonly writer: Endpoint
  readonly reader: Endpoint | undefined
  readonly secret: string | undefined
}> {
  const call = { action: 'rds:DescribeDBClusters', purpose: `look for the addresses of the cluster ${id}` }
  const cluster = await connection.call(call, signal, async () => {
    const { DescribeDBClustersCommand } = await import('@aws-sdk/client-rds')
    const client = await clientOf(connection)
    const input = { DBClusterIdentifier: id }
    const { DBClusters = [] } = await client.send(new DescribeDBClustersCommand(input), abortedBy(signal))
    return DBClusters[0]
  })
  const { Endpoint: host, ReaderEndpoint: reader, Port: port, MasterUserSecret: secret } = cluster ?? {}
  if (host === undefined || port === undefined)
    throw new PgctlError('target-unknown', `the cluster ${id} has no address`, {
      why: cluster === undefined ? 'there is no such cluster' : `it is ${cluster.Status}`,
      next: 'see what there is: pgctl status',
    })
  return {
    writer: { host, port },
    reader: reader === undefined ? undefined : { host: reader, port },
    secret: secret?.SecretArn,
  }
}

/** One in another region is told by its ARN, and is none of this installation's. */
function followedBy({ ReadReplicaSourceDBInstanceIdentifier: id }: DBInstance): string | undefined {
  return id?.startsWith('arn:') ? undefined : id
}

function topologyOf(instance: DBInstance): FoundDatastore['topology'] {
  if (instance.ReadReplicaSourceDBInstanceIdentifier || instance.ReadReplicaSourceDBClusterIdentifier)
    return 'replica'
  return instance.DBClusterIdentifier ? 'cluster' : 'instance'
}

/** The services write windows alike but for capitals. */
export function windowOf(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text.toLowerCase()
}
