import { POSTGRES_PORT } from '#sandbox/worlds/datastores.ts'
import { dnsSuffix } from '#sandbox/worlds/ids.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { AwsError } from '../aws-error.ts'
import type { Call, Input, Operation } from '../service.ts'
import type { RestoredStore } from '../snapshots/restored-world.ts'
import type { Family, ModelSnapshot } from '../snapshots/snapshot-world.ts'
import type { SnapshotWorlds } from '../snapshots/snapshot-worlds.ts'
import { many, type XmlValue } from '../xml.ts'
import { flagIn, groupIn, numberIn, securityGroupsIn, sizeIn } from './restore-input.ts'
import { needed, optional, taggingBy, tagsIn } from './snapshot-input.ts'

/** The operations of RDS that make databases from snapshots, and the instances of a cluster. */
export function rdsRestoreOperations(worlds: SnapshotWorlds): Record<string, Operation> {
  const on = (kind: 'db' | 'cluster', parameter: string) => (input: Input, call: Call) => [
    rdsArn(call, kind, String(input[parameter] ?? '*')),
  ]
  return {
    RestoreDBInstanceFromDBSnapshot: {
      resources: on('db', 'DBInstanceIdentifier'),
      dependents: taggingBy('rds'),
      run: (input, call) => ({
        DBInstance: describeRestoredInstance(restoreInstance(worlds, input, call), worlds, call),
      }),
    },
    RestoreDBClusterFromSnapshot: {
      resources: on('cluster', 'DBClusterIdentifier'),
      dependents: taggingBy('rds'),
      run: (input, call) => ({
        DBCluster: describeRestoredCluster(restoreCluster(worlds, input, call), worlds, call),
      }),
    },
    CreateDBInstance: {
      resources: on('db', 'DBInstanceIdentifier'),
      dependents: taggingBy('rds'),
      run: (input, call) => ({
        DBInstance: describeRestoredInstance(addMember(worlds, input, call), worlds, call),
      }),
    },
  }
}

const own = {
  subnet: {
    own: ({ workspace }: World) => [`${workspace}-postgres-subnet`],
    ...{ fallback: 'default', missing: 'DBSubnetGroupNotFoundFault' },
  },
  parameters: {
    own: ({ workspace }: World) => [`${workspace}-postgres18`],
    ...{ fallback: 'default.postgres18', missing: 'DBParameterGroupNotFound' },
  },
  clusterParameters: {
    own: ({ workspace }: World) => [`${workspace}-aurora18`],
    ...{ fallback: 'default.aurora-postgresql18', missing: 'DBClusterParameterGroupNotFound' },
  },
}

/** Unlike everything else, the key cannot be chosen: it is the snapshot's. */
function restoreInstance(worlds: SnapshotWorlds, input: Input, call: Call): RestoredStore {
  const snapshot = usableSnapshot(worlds, call, 'db', needed(input, 'DBSnapshotIdentifier'))
  checkIops(input, call.world?.databases.find(({ id }) => id === snapshot.source)?.storage)
  return add(worlds, call, {
    ...{ kind: 'db', id: needed(input, 'DBInstanceIdentifier'), cluster: undefined },
    ...{ snapshot: snapshot.name, kmsKeyId: snapshot.kmsKeyId, tags: tagsIn(input) },
    securityGroups: securityGroupsIn(input, 'VpcSecurityGroupIds.VpcSecurityGroupId', call),
    like: {
      class: sizeIn(input, 'DBInstanceClass', 'db.', 'db.t4g.small'),
      subnetGroup: groupIn(input, 'DBSubnetGroupName', call, own.subnet),
      parameterGroup: groupIn(input, 'DBParameterGroupName', call, own.parameters),
      optionGroup: optional(input, 'OptionGroupName') ?? 'default:postgres-18',
      storageType: optional(input, 'StorageType') ?? 'gp2',
      port: numberIn(input, 'Port') ?? POSTGRES_PORT,
      multiZone: flagIn(input, 'MultiAZ'),
      // Where nobody says: public in the account's default network, as its subnets are.
      public:
        input['PubliclyAccessible'] === undefined
          ? optional(input, 'DBSubnetGroupName') === undefined
          : flagIn(input, 'PubliclyAccessible'),
    },
  })
}

/** From this size on, in GiB, a gp3 volume is striped, and its speed is one's own to choose. */
export const GP3_STRIPED = 400

function checkIops(input: Input, storage: number | undefined): void {
  if (input['Iops'] === undefined || storage === undefined || storage >= GP3_STRIPED) return
  if ((optional(input, 'StorageType') ?? 'gp3') !== 'gp3') return
  throw new AwsError(
    'InvalidParameterCombination',
    `You can't specify IOPS or storage throughput for engine postgres and a storage size less than ${GP3_STRIPED}.`,
  )
}

/** A cluster without instances: these are made by themselves, once it is available. */
function restoreCluster(worlds: SnapshotWorlds, input: Input, call: Call): RestoredStore {
  const engine = needed(input, 'Engine')
  const snapshot = usableSnapshot(worlds, call, 'db-cluster', needed(input, 'SnapshotIdentifier'))
  const kmsKeyId = optional(input, 'KmsKeyId') ?? snapshot.kmsKeyId
  checkKey(worlds, call, kmsKeyId)
  return add(worlds, call, {
    ...{ kind: 'db-cluster', id: needed(input, 'DBClusterIdentifier'), cluster: undefined },
    ...{ snapshot: snapshot.name, kmsKeyId, tags: tagsIn(input) },
    securityGroups: securityGroupsIn(input, 'VpcSecurityGroupIds.VpcSecurityGroupId', call),
    like: {
      engine,
      version: optional(input, 'EngineVersion') ?? '18.1',
      subnetGroup: groupIn(input, 'DBSubnetGroupName', call, own.subnet),
      parameterGroup: groupIn(input, 'DBClusterParameterGroupName', call, own.clusterParameters),
      port: numberIn(input, 'Port') ?? POSTGRES_PORT,
    },
  })
}

/** Of this operation only what a restore needs is here: an instance that stands alone is refused. */
function addMember(worlds: SnapshotWorlds, input: Input, call: Call): RestoredStore {
  const name = optional(input, 'DBClusterIdentifier')
  if (name === undefined)
    throw new AwsError('InvalidParameterCombination', 'AllocatedStorage is required for this engine')
  const restored = worlds.restoredOf(call)
  const cluster = restored.get('db-cluster', call.region, name)
  if (cluster === undefined)
    throw new AwsError('DBClusterNotFoundFault', `Could not find cluster: ${name}`, 404)
  const state = restored.stateOf(cluster, worlds.now(call))
  if (state !== 'available')
    throw new AwsError('InvalidDBClusterStateFault', `Cluster ${name} is in ${state} state`)
  return add(worlds, call, {
    ...{ kind: 'db', id: needed(input, 'DBInstanceIdentifier'), cluster: cluster.id },
    ...{ snapshot: undefined, kmsKeyId: cluster.kmsKeyId, tags: tagsIn(input) },
    securityGroups: cluster.securityGroups,
    like: {
      class: sizeIn(input, 'DBInstanceClass', 'db.', ''),
      engine: needed(input, 'Engine'),
      subnetGroup: cluster.like['subnetGroup'] ?? 'default',
      parameterGroup: groupIn(input, 'DBParameterGroupName', call, own.parameters),
      ...{ optionGroup: 'default:aurora-postgresql-18', storageType: 'aurora', port: POSTGRES_PORT },
      ...{ multiZone: false, public: flagIn(input, 'PubliclyAccessible') },
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
  const others = store.kind === 'db' ? (call.world?.databases ?? []).map(({ id }) => id) : []
  return worlds.restoredOf(call).add({ ...store, region: call.region, begunAt, readyAt }, others)
}

function usableSnapshot(
  worlds: SnapshotWorlds,
  call: Call,
  family: Extract<Family, 'db' | 'db-cluster'>,
  wanted: string,
): ModelSnapshot {
  const world = worlds.of(call)
  const name = wanted.split(':').at(-1)?.toLowerCase()
  const found = world.list(family, call.region, Infinity).find((each) => each.name === name)
  const what = family === 'db' ? 'DBSnapshot' : 'DBClusterSnapshot'
  const fault = family === 'db' ? '' : 'Fault'
  if (found === undefined) throw new AwsError(`${what}NotFound${fault}`, `${what} not found: ${wanted}`, 404)
  if (world.stateOf(found, worlds.now(call)) !== 'available')
    throw new AwsError(`Invalid${what}State${fault}`, `${wanted} is not in available state`)
  checkKey(worlds, call, found.kmsKeyId)
  return found
}

function checkKey(worlds: SnapshotWorlds, call: Call, key: string | undefined): void {
  if (key !== undefined && worlds.of(call).disabledKeys.has(key))
    throw new AwsError('KMSKeyNotAccessibleFault', `KMS key ${key} is not accessible`)
}

export function describeRestoredInstance(store: RestoredStore, worlds: SnapshotWorlds, call: Call): XmlValue {
  const { id, like, kmsKeyId } = store
  const status = worlds.restoredOf(call).stateOf(store, worlds.now(call))
  return {
    DBInstanceIdentifier: id,
    DBInstanceClass: like['class'],
    ...{ Engine: like['engine'] ?? 'postgres', EngineVersion: '18.6', DBInstanceStatus: status },
    DBClusterIdentifier: store.cluster,
    MasterUsername: 'postgres',
    Endpoint: status === 'creating' ? undefined : { Address: hostOf(store, call), Port: like['port'] },
    StorageType: like['storageType'],
    ...{ StorageEncrypted: kmsKeyId !== undefined, KmsKeyId: kmsKeyId },
    ...{ MultiAZ: like['multiZone'], PubliclyAccessible: like['public'], DeletionProtection: false },
    VpcSecurityGroups: groupsOf(store),
    DBParameterGroups: many('DBParameterGroup', [
      { DBParameterGroupName: like['parameterGroup'], ParameterApplyStatus: 'in-sync' },
    ]),
    OptionGroupMemberships: many('OptionGroupMembership', [
      { OptionGroupName: like['optionGroup'], Status: 'in-sync' },
    ]),
    DBSubnetGroup: { DBSubnetGroupName: like['subnetGroup'], SubnetGroupStatus: 'Complete' },
    DBInstanceArn: rdsArn(call, 'db', id),
    TagList: tagListOf(store),
  }
}

export function describeRestoredCluster(store: RestoredStore, worlds: SnapshotWorlds, call: Call): XmlValue {
  const { id, like, kmsKeyId, region } = store
  const restored = worlds.restoredOf(call)
  const status = restored.stateOf(store, worlds.now(call))
  const members = restored.list('db', region).filter(({ cluster }) => cluster === id)
  return {
    DBClusterIdentifier: id,
    ...{ Engine: like['engine'], EngineVersion: like['version'], Status: status },
    Endpoint: hostOf(store, call),
    Port: like['port'],
    ...{ StorageEncrypted: kmsKeyId !== undefined, KmsKeyId: kmsKeyId },
    DBSubnetGroup: like['subnetGroup'],
    DBClusterParameterGroup: like['parameterGroup'],
    VpcSecurityGroups: groupsOf(store),
    DBClusterMembers: many(
      'DBClusterMember',
      members.map((member, index) => ({ DBInstanceIdentifier: member.id, IsClusterWriter: index === 0 })),
    ),
    DBClusterArn: rdsArn(call, 'cluster', id),
    TagList: tagListOf(store),
  }
}

function groupsOf({ securityGroups }: RestoredStore): XmlValue {
  return many(
    'VpcSecurityGroupMembership',
    securityGroups.map((VpcSecurityGroupId) => ({ VpcSecurityGroupId, Status: 'active' })),
  )
}

function tagListOf({ tags }: RestoredStore): XmlValue {
  return many(
    'Tag',
    Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  )
}

function hostOf({ id, kind, region }: RestoredStore, { caller }: Call): string {
  const suffix = dnsSuffix(`rds ${caller.account}`)
  return `${id}.${kind === 'db-cluster' ? 'cluster-' : ''}${suffix}.${region}.rds.amazonaws.com`
}

export function rdsArn({ region, caller }: Call, kind: 'db' | 'cluster', id: string): string {
  return `arn:aws:rds:${region}:${caller.account}:${kind}:${id}`
}
