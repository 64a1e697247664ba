import { DEFAULT_RULES } from '#sandbox/aws/snapshots/snapshot-world.ts'
import type { Sandbox } from '#sandbox/sandbox.ts'
import { WORLD } from '#sandbox/world.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { groupIdOf } from '#sandbox/worlds/network.ts'
import type { AwsCli, AwsCliRow } from './aws-cli.ts'

const CLUSTER = 'interop-cluster'
const CACHE = ACME.caches[0].id
const KEY = ['--kms-key-id', WORLD.kmsKeyArn]
const TAG = ['--tags', 'Key=owner,Value=interop']

/** Neither installation has an Aurora cluster; the tests give the first one. */
export function addDatabaseCluster(sandbox: Sandbox): void {
  const { region, account, kmsKeyArn: kmsKeyId } = WORLD
  sandbox.cloud.snapshots
    .ofAccount(account)
    .addSource({ family: 'db-cluster', region, id: CLUSTER, status: 'available', kmsKeyId })
}

/** How the CLI names the same things of an instance and of a cluster. */
const DATABASES = [
  { kind: 'DBSnapshot', command: 'db-snapshot', source: ['--db-instance-identifier', WORLD.workspace] },
  { kind: 'DBClusterSnapshot', command: 'db-cluster-snapshot', source: ['--db-cluster-identifier', CLUSTER] },
] as const

/** Each row makes the snapshot that it asks about, under a name of its own. */
function databaseRows({ kind, command, source }: (typeof DATABASES)[number]): Record<string, AwsCliRow> {
  const create = (name: string) => ['rds', `create-${command}`, ...source, `--${command}-identifier`, name]
  const made = async (cli: AwsCli, name: string) => {
    await cli.ask([...create(name), ...TAG])
    return name
  }
  const state = `${kind}.[${kind}Identifier,Status,SnapshotType]`
  const identifier = `--${command}-identifier`
  return {
    [`rds:Create${kind}`]: {
      words: create(`${command}-created`),
      query: state,
      want: [`${command}-created`, 'available', 'manual'],
    },
    [`rds:Describe${kind}s`]: {
      words: async (cli) => [
        ...['rds', `describe-${command}s`, identifier, await made(cli, `${command}-described`)],
      ],
      query: `${kind}s[].[${kind}Identifier,Engine,KmsKeyId,TagList[0].Value,length(SnapshotCreateTime) > \`10\`]`,
      want: [[`${command}-described`, 'postgres', WORLD.kmsKeyArn, 'interop', true]],
    },
    [`rds:Copy${kind}`]: {
      words: async (cli) => [
        ...['rds', `copy-${command}`, ...KEY],
        ...[`--source-${command}-identifier`, await made(cli, `${command}-original`)],
        ...[`--target-${command}-identifier`, `${command}-copy`],
      ],
      query: `${kind}.[${kind}Identifier,KmsKeyId]`,
      want: [`${command}-copy`, WORLD.kmsKeyArn],
    },
    [`rds:Delete${kind}`]: {
      words: async (cli) => [
        ...['rds', `delete-${command}`, identifier, await made(cli, `${command}-deleted`)],
      ],
      query: `${kind}.${kind}Identifier`,
      want: `${command}-deleted`,
    },
  }
}

/** A new snapshot of the database, by ARN. */
const databaseSnapshot = (cli: AwsCli, name: string) =>
  cli.ask([
    ...['rds', 'create-db-snapshot', ...DATABASES[0].source, '--db-snapshot-identifier', name],
    ...['--query', 'DBSnapshot.DBSnapshotArn'],
  ])
/** The words that restore a new snapshot of the cluster. */
const restoreCluster = async (cli: AwsCli, name: string): Promise<string[]> => {
  const snapshot = ['--db-cluster-snapshot-identifier', `${name}-from`]
  await cli.ask(['rds', 'create-db-cluster-snapshot', ...DATABASES[1].source, ...snapshot])
  return [
    ...['rds', 'restore-db-cluster-from-snapshot', '--db-cluster-identifier', name],
    ...['--snapshot-identifier', `${name}-from`, '--engine', 'aurora-postgresql'],
  ]
}
/** A new snapshot of the cache, by ARN, with one tag. */
const cacheSnapshot = (cli: AwsCli, name: string) =>
  cli.ask([
    ...['elasticache', 'create-snapshot', '--cache-cluster-id', CACHE, '--snapshot-name', name, ...TAG],
    ...['--query', 'Snapshot.ARN'],
  ])

export const SNAPSHOT_ROWS: Readonly<Record<string, AwsCliRow>> = {
  ...databaseRows(DATABASES[0]),
  ...databaseRows(DATABASES[1]),
  'rds:DescribeAccountAttributes': {
    words: ['rds', 'describe-account-attributes'],
    query: 'AccountQuotas[].[AccountQuotaName,Max]',
    want: [
      ['ManualSnapshots', DEFAULT_RULES.manualLimit],
      ['ManualClusterSnapshots', DEFAULT_RULES.manualLimit],
    ],
  },
  'rds:AddTagsToResource': {
    words: async (cli) => {
      const arn = String(await databaseSnapshot(cli, 'tagged'))
      return ['rds', 'add-tags-to-resource', '--resource-name', arn, ...TAG]
    },
    query: '@',
    want: undefined,
  },
  'rds:RemoveTagsFromResource': {
    words: async (cli) => {
      const arn = String(await databaseSnapshot(cli, 'untagged'))
      return ['rds', 'remove-tags-from-resource', '--resource-name', arn, '--tag-keys', 'owner']
    },
    query: '@',
    want: undefined,
  },
  'elasticache:CreateSnapshot': {
    words: [
      'elasticache',
      'create-snapshot',
      '--cache-cluster-id',
      CACHE,
      '--snapshot-name',
      'cache-created',
    ],
    query: 'Snapshot.[SnapshotName,SnapshotSource,CacheClusterId]',
    want: ['cache-created', 'manual', CACHE],
  },
  'elasticache:DescribeSnapshots': {
    words: async (cli) => {
      await cacheSnapshot(cli, 'cache-described')
      return ['elasticache', 'describe-snapshots', '--snapshot-name', 'cache-described']
    },
    query: 'Snapshots[].[SnapshotName,SnapshotStatus]',
    want: [['cache-described', 'available']],
  },
  'elasticache:DeleteSnapshot': {
    words: async (cli) => {
      await cacheSnapshot(cli, 'cache-deleted')
      return ['elasticache', 'delete-snapshot', '--snapshot-name', 'cache-deleted']
    },
    query: 'Snapshot.SnapshotName',
    want: 'cache-deleted',
  },
  'elasticache:ListTagsForResource': {
    words: async (cli) => {
      const arn = String(await cacheSnapshot(cli, 'cache-listed'))
      return ['elasticache', 'list-tags-for-resource', '--resource-name', arn]
    },
    query: 'TagList[].Value',
    want: ['interop'],
  },
  'elasticache:AddTagsToResource': {
    words: async (cli) => {
      const arn = String(await cacheSnapshot(cli, 'cache-tagged'))
      const more = ['--tags', 'Key=pinned,Value=yes']
      return ['elasticache', 'add-tags-to-resource', '--resource-name', arn, ...more]
    },
    query: 'sort(TagList[].Key)',
    want: ['owner', 'pinned'],
  },
  'elasticache:RemoveTagsFromResource': {
    words: async (cli) => {
      const arn = String(await cacheSnapshot(cli, 'cache-untagged'))
      return ['elasticache', 'remove-tags-from-resource', '--resource-name', arn, '--tag-keys', 'owner']
    },
    query: 'TagList',
    want: [],
  },
  'rds:RestoreDBInstanceFromDBSnapshot': {
    words: async (cli) => {
      await databaseSnapshot(cli, 'restored-from')
      return [
        ...['rds', 'restore-db-instance-from-db-snapshot', '--db-instance-identifier', 'restored-instance'],
        ...['--db-snapshot-identifier', 'restored-from', '--db-instance-class', 'db.r7g.large', '--multi-az'],
        ...[
          '--db-subnet-group-name',
          `${WORLD.workspace}-postgres-subnet`,
          '--no-publicly-accessible',
          ...TAG,
        ],
        ...['--vpc-security-group-ids', groupIdOf(ACME, 'postgres')],
      ]
    },
    query:
      'DBInstance.[DBInstanceIdentifier,DBInstanceClass,MultiAZ,PubliclyAccessible,KmsKeyId,TagList[0].Value]',
    want: ['restored-instance', 'db.r7g.large', true, false, WORLD.kmsKeyArn, 'interop'],
  },
  'rds:RestoreDBClusterFromSnapshot': {
    words: async (cli) => await restoreCluster(cli, 'restored-cluster'),
    query: 'DBCluster.[DBClusterIdentifier,Status,Engine]',
    want: ['restored-cluster', 'available', 'aurora-postgresql'],
  },
  'rds:CreateDBInstance': {
    words: async (cli) => {
      await cli.ask(await restoreCluster(cli, 'with-member'))
      return [
        ...[
          'rds',
          'create-db-instance',
          '--db-instance-identifier',
          'member',
          '--engine',
          'aurora-postgresql',
        ],
        ...['--db-instance-class', 'db.r7g.large', '--db-cluster-identifier', 'with-member'],
      ]
    },
    query: 'DBInstance.[DBInstanceIdentifier,DBClusterIdentifier]',
    want: ['member', 'with-member'],
  },
  'elasticache:CreateCacheCluster': {
    words: async (cli) => {
      await cacheSnapshot(cli, 'cache-restored-from')
      return [
        ...['elasticache', 'create-cache-cluster', '--cache-cluster-id', 'restored-cache'],
        ...['--snapshot-name', 'cache-restored-from', '--cache-node-type', 'cache.t4g.small', ...TAG],
        ...['--security-group-ids', groupIdOf(ACME, 'redis')],
      ]
    },
    query: 'CacheCluster.[CacheClusterId,CacheNodeType,SecurityGroups[0].SecurityGroupId]',
    want: ['restored-cache', 'cache.t4g.small', groupIdOf(ACME, 'redis')],
  },
  'elasticache:CreateReplicationGroup': {
    words: [
      ...['elasticache', 'create-replication-group', '--replication-group-id', 'restored-group'],
      ...['--replication-group-description', 'an empty one', '--num-node-groups', '2'],
      ...['--replicas-per-node-group', '1', '--transit-encryption-enabled'],
    ],
    query: 'ReplicationGroup.[ReplicationGroupId,ClusterEnabled,length(NodeGroups),TransitEncryptionEnabled]',
    want: ['restored-group', true, 2, true],
  },
  'kms:DescribeKey': {
    words: ['kms', 'describe-key', '--key-id', WORLD.kmsKeyArn],
    query: 'KeyMetadata.[Arn,KeyState,Enabled]',
    want: [WORLD.kmsKeyArn, 'Enabled', true],
  },
}
