import { readPages } from '#core/aws/pages.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import { type ShelfCalls, stateOf, tagList, tagRecord } from '#core/aws/snapshot-shelf.ts'
import { rdsClient } from '#core/aws/snapshot-sources.ts'

/** Manual snapshots of single database instances. */
export const dbInstanceShelf: ShelfCalls = {
  actions: { list: 'rds:DescribeDBSnapshots' },

  async list(connection, _options, signal) {
    const { DescribeDBSnapshotsCommand } = await import('@aws-sdk/client-rds')
    const client = await rdsClient(connection)
    const found = await readPages(
      'database snapshots',
      (Marker) =>
        client.send(
          new DescribeDBSnapshotsCommand({ SnapshotType: 'manual', Marker, MaxRecords: 100 }),
          abortedBy(signal),
        ),
      ({ DBSnapshots, Marker }) => ({ items: DBSnapshots, next: Marker }),
    )
    return found.flatMap((each) => {
      const { DBSnapshotIdentifier: name, DBInstanceIdentifier: source } = each
      if (!name || !source) return []
      // A copy keeps the moment of its original here, and only here.
      const taken = each.OriginalSnapshotCreateTime ?? each.SnapshotCreateTime
      return [
        {
          ...{ shelf: 'rds-instances', region: connection.region, name, arn: each.DBSnapshotArn, source },
          ...{
            state: stateOf(each.Status),
            manual: each.SnapshotType === 'manual',
            takenAt: taken?.getTime(),
          },
          ...{ tags: tagRecord(each.TagList), key: each.KmsKeyId },
        } as const,
      ]
    })
  },

  async create(connection, { source, name, tags }, signal) {
    const { CreateDBSnapshotCommand } = await import('@aws-sdk/client-rds')
    const input = { DBInstanceIdentifier: source.id, DBSnapshotIdentifier: name, Tags: tagList(tags) }
    return (await rdsClient(connection)).send(new CreateDBSnapshotCommand(input), abortedBy(signal))
  },

  async copy(connection, { name, arn, key, tags }, signal) {
    const { CopyDBSnapshotCommand } = await import('@aws-sdk/client-rds')
    const input = {
      ...{ SourceDBSnapshotIdentifier: arn, TargetDBSnapshotIdentifier: name, Tags: tagList(tags) },
      ...(key === undefined ? {} : { KmsKeyId: key }),
    }
    return (await rdsClient(connection)).send(new CopyDBSnapshotCommand(input), abortedBy(signal))
  },

  async remove(connection, name, signal) {
    const { DeleteDBSnapshotCommand } = await import('@aws-sdk/client-rds')
    return (await rdsClient(connection)).send(
      new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: name }),
      abortedBy(signal),
    )
  },

  async tag(connection, arn, { set, remove }, signal) {
    const { AddTagsToResourceCommand, RemoveTagsFromResourceCommand } = await import('@aws-sdk/client-rds')
    const client = await rdsClient(connection)
    // What holds it from now on first: between the two calls it must not be without any.
    if (Object.keys(set).length > 0)
      await client.send(
        new AddTagsToResourceCommand({ ResourceName: arn, Tags: tagList(set) }),
        abortedBy(signal),
      )
    if (remove.length > 0)
      await client.send(
        new RemoveTagsFromResourceCommand({ ResourceName: arn, TagKeys: [...remove] }),
        abortedBy(signal),
      )
  },
}
