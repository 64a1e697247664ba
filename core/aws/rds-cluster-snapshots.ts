import { readPages } from '#core/aws/pages.ts'
import { dbInstanceShelf } from '#core/aws/rds-snapshots.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import { type ShelfCalls, stateOf, tagList, tagRecord } from '#core/aws/snapshot-shelf.ts'
import { rdsClient } from '#core/aws/snapshot-sources.ts'

/** Manual snapshots of database clusters: a list and a quota of their own. */
export const dbClusterShelf: ShelfCalls = {
  actions: { list: 'rds:DescribeDBClusterSnapshots' },

  async list(connection, _options, signal) {
    const { DescribeDBClusterSnapshotsCommand } = await import('@aws-sdk/client-rds')
    const client = await rdsClient(connection)
    const found = await readPages(
      'database cluster snapshots',
      (Marker) =>
        client.send(
          new DescribeDBClusterSnapshotsCommand({ SnapshotType: 'manual', Marker, MaxRecords: 100 }),
          abortedBy(signal),
        ),
      ({ DBClusterSnapshots, Marker }) => ({ items: DBClusterSnapshots, next: Marker }),
    )
    return found.flatMap((each) => {
      const { DBClusterSnapshotIdentifier: name, DBClusterIdentifier: source } = each
      if (!name || !source) return []
      return [
        {
          ...{
            shelf: 'rds-clusters',
            region: connection.region,
            name,
            arn: each.DBClusterSnapshotArn,
            source,
          },
          ...{ state: stateOf(each.Status), manual: each.SnapshotType === 'manual' },
          ...{
            takenAt: each.SnapshotCreateTime?.getTime(),
            tags: tagRecord(each.TagList),
            key: each.KmsKeyId,
          },
        } as const,
      ]
    })
  },

  async create(connection, { source, name, tags }, signal) {
    const { CreateDBClusterSnapshotCommand } = await import('@aws-sdk/client-rds')
    const input = { DBClusterIdentifier: source.id, DBClusterSnapshotIdentifier: name, Tags: tagList(tags) }
    return (await rdsClient(connection)).send(new CreateDBClusterSnapshotCommand(input), abortedBy(signal))
  },

  async copy(connection, { name, arn, key, tags }, signal) {
    const { CopyDBClusterSnapshotCommand } = await import('@aws-sdk/client-rds')
    const input = {
      ...{
        SourceDBClusterSnapshotIdentifier: arn,
        TargetDBClusterSnapshotIdentifier: name,
        Tags: tagList(tags),
      },
      ...(key === undefined ? {} : { KmsKeyId: key }),
    }
    return (await rdsClient(connection)).send(new CopyDBClusterSnapshotCommand(input), abortedBy(signal))
  },

  async remove(connection, name, signal) {
    const { DeleteDBClusterSnapshotCommand } = await import('@aws-sdk/client-rds')
    return (await rdsClient(connection)).send(
      new DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: name }),
      abortedBy(signal),
    )
  },

  tag: dbInstanceShelf.tag,
}
