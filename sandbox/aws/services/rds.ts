import type { WorldState } from '#sandbox/world-state.ts'
import { databaseHost, POSTGRES_PORT } from '#sandbox/worlds/datastores.ts'
import { digits, passwordSecretOf } from '#sandbox/worlds/ids.ts'
import { tagsOf, type World, type WorldDatabase } from '#sandbox/worlds/installation.ts'
import { groupIdOf, subnetsOf } from '#sandbox/worlds/network.ts'
import { AwsError } from '../aws-error.ts'
import { queryDialect } from '../dialects/query.ts'
import { filtersIn } from '../query-input.ts'
import { MARKER_PAGES, queryPage } from '../query-pages.ts'
import type { AwsService, Call, Input } from '../service.ts'
import type { SnapshotWorlds } from '../snapshots/snapshot-worlds.ts'
import { many, type XmlValue } from '../xml.ts'
import {
  rdsArn as arnOf,
  describeRestoredCluster,
  describeRestoredInstance,
  GP3_STRIPED,
} from './rds-restore.ts'

/** RDS with the installation's instances, and what was restored beside them; it has no other clusters. */
export function createRds(state: WorldState, snapshots: SnapshotWorlds): AwsService {
  return {
    name: 'rds',
    dialect: queryDialect('2014-10-31', 'http://rds.amazonaws.com/doc/2014-10-31/'),
    operations: {
      DescribeDBInstances: {
        resources: (input, call) => [arnOf(call, 'db', String(input['DBInstanceIdentifier'] ?? '*'))],
        run: (input, call) => describeInstances(input, call, state, snapshots),
      },
      DescribeDBClusters: {
        resources: (input, call) => [arnOf(call, 'cluster', String(input['DBClusterIdentifier'] ?? '*'))],
        run: (input, call) => describeClusters(input, call, snapshots),
      },
    },
  }
}

const FILTERS: Readonly<Record<string, (database: WorldDatabase, call: Call) => readonly string[]>> = {
  'db-instance-id': (database, call) => [database.id, arnOf(call, 'db', database.id)],
  'dbi-resource-id': ({ id }) => [resourceIdOf(id)],
  'db-cluster-id': () => [],
  domain: () => [],
  engine: () => ['postgres'],
}

function describeClusters(input: Input, call: Call, snapshots: SnapshotWorlds): object {
  const wanted = input['DBClusterIdentifier'] === undefined ? undefined : String(input['DBClusterIdentifier'])
  const found = snapshots
    .restoredOf(call)
    .list('db-cluster', call.region)
    .filter(
      ({ id }) =>
        wanted === undefined || id === wanted.toLowerCase() || arnOf(call, 'cluster', id) === wanted,
    )
  if (wanted !== undefined && found.length === 0)
    throw new AwsError('DBClusterNotFoundFault', `DBCluster ${wanted} not found.`, 404)
  const { items, next } = queryPage(found, input, call, MARKER_PAGES)
  const shown = items.map((each) => describeRestoredCluster(each, snapshots, call))
  return { DBClusters: many('DBCluster', shown), Marker: next }
}

function describeInstances(input: Input, call: Call, state: WorldState, snapshots: SnapshotWorlds): object {
  const { world } = call
  const wanted =
    input['DBInstanceIdentifier'] === undefined ? undefined : String(input['DBInstanceIdentifier'])
  const filters = filtersIn(input, 'Filters.Filter', 'Values.Value')
  for (const { name } of filters)
    if (!Object.hasOwn(FILTERS, name))
      throw new AwsError('InvalidParameterValue', `Unrecognized filter name: ${name}`)
  const found = (world?.databases ?? [])
    .filter(
      ({ id }) => wanted === undefined || id === wanted.toLowerCase() || arnOf(call, 'db', id) === wanted,
    )
    .filter((database) =>
      filters.every(({ name, values }) =>
        FILTERS[name]?.(database, call).some((value) => values.includes(value)),
      ),
    )
  // Nobody filters what was restored: a request for one names it.
  const restored = snapshots
    .restoredOf(call)
    .list('db', call.region)
    .filter(
      ({ id }) => wanted === undefined || id === wanted.toLowerCase() || arnOf(call, 'db', id) === wanted,
    )
    .filter(() => filters.length === 0)
  const all = [
    ...found.map((database) => () => describe(database, call, state)),
    ...restored.map((each) => () => describeRestoredInstance(each, snapshots, call)),
  ]
  if (wanted !== undefined && all.length === 0)
    throw new AwsError('DBInstanceNotFound', `DBInstance ${wanted} not found.`, 404)
  const { items, next } = queryPage(all, input, call, MARKER_PAGES)
  return {
    DBInstances: many(
      'DBInstance',
      items.map((show) => show()),
    ),
    Marker: next,
  }
}

function describe(database: WorldDatabase, call: Call, state: WorldState): XmlValue {
  const world = call.world as World
  const { id } = database
  return {
    DBInstanceIdentifier: id,
    DBInstanceClass: database.class,
    Engine: 'postgres',
    EngineVersion: database.version,
    LicenseModel: 'postgresql-license',
    DBInstanceStatus: state.knobsOf(world).database,
    MasterUsername: 'postgres',
    DBName: 'postgres',
    Endpoint: { Address: databaseHost(world, database), Port: POSTGRES_PORT, HostedZoneId: 'Z1RLNUO7B9Q6NB' },
    AllocatedStorage: database.storage,
    MaxAllocatedStorage: 2 * database.storage,
    StorageType: 'gp3',
    Iops: database.storage < GP3_STRIPED ? 3000 : 12_000,
    StorageEncrypted: true,
    KmsKeyId: world.kmsKeyArn,
    InstanceCreateTime: '2026-03-02T09:31:52.407Z',
    LatestRestorableTime: new Date(call.now.wall - 5 * 60_000).toISOString(),
    PreferredBackupWindow: '06:00-07:00',
    BackupRetentionPeriod: 7,
    PreferredMaintenanceWindow: 'tue:04:00-tue:05:00',
    AvailabilityZone: `${world.region}${database.zone}`,
    SecondaryAvailabilityZone: database.multiZone ? secondZone(world, database) : undefined,
    MultiAZ: database.multiZone,
    PubliclyAccessible: state.isExposed(world, 'database'),
    AutoMinorVersionUpgrade: true,
    DeletionProtection: true,
    CopyTagsToSnapshot: true,
    IAMDatabaseAuthenticationEnabled: database.takesTokens === true,
    MasterUserSecret: database.keepsPassword
      ? { SecretArn: passwordSecretOf(world, id), SecretStatus: 'active', KmsKeyId: world.kmsKeyArn }
      : undefined,
    PerformanceInsightsEnabled: true,
    MonitoringInterval: 0,
    DbInstancePort: 0,
    DbiResourceId: resourceIdOf(id),
    CACertificateIdentifier: 'rds-ca-rsa2048-g1',
    DBInstanceArn: arnOf(call, 'db', id),
    DBSecurityGroups: many('DBSecurityGroup', []),
    VpcSecurityGroups: many('VpcSecurityGroupMembership', [
      { VpcSecurityGroupId: groupIdOf(world, 'postgres'), Status: 'active' },
    ]),
    DBParameterGroups: many('DBParameterGroup', [
      { DBParameterGroupName: `${world.workspace}-postgres18`, ParameterApplyStatus: 'in-sync' },
    ]),
    OptionGroupMemberships: many('OptionGroupMembership', [
      { OptionGroupName: 'default:postgres-18', Status: 'in-sync' },
    ]),
    DBSubnetGroup: {
      DBSubnetGroupName: `${world.workspace}-postgres-subnet`,
      DBSubnetGroupDescription: 'Managed by Terraform',
      VpcId: world.network.vpcId,
      SubnetGroupStatus: 'Complete',
      Subnets: many(
        'Subnet',
        subnetsOf(world, 'private').map(({ subnetId, zone }) => ({
          SubnetIdentifier: subnetId,
          SubnetAvailabilityZone: { Name: `${world.region}${zone}` },
          SubnetStatus: 'Active',
        })),
      ),
    },
    PendingModifiedValues: {},
    ReadReplicaDBInstanceIdentifiers: many('ReadReplicaDBInstanceIdentifier', []),
    TagList: many(
      'Tag',
      Object.entries(tagsOf(world, id)).map(([Key, Value]) => ({ Key, Value })),
    ),
  }
}

/** The zone of the standby: the next one that the installation has. */
function secondZone(world: World, { zone }: WorldDatabase): string {
  const zones = [...new Set(subnetsOf(world, 'private').map((subnet) => subnet.zone))].sort()
  return `${world.region}${zones[(zones.indexOf(zone) + 1) % zones.length]}`
}

function resourceIdOf(id: string): string {
  return `db-${digits(id, 26).toUpperCase()}`
}
