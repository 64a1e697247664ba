import type { Snapshot as CacheSnapshot } from '@aws-sdk/client-elasticache'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import { type ShelfCalls, stateOf, tagList, tagRecord } from '#core/aws/snapshot-shelf.ts'
import { cacheClient } from '#core/aws/snapshot-sources.ts'
import { PgctlError } from '#core/errors.ts'
import { isOurName } from '#core/snapshots/naming.ts'
import type { Snapshot } from '#core/snapshots/snapshot.ts'

/** The service's own most: its pages are smaller than those of RDS. */
const PAGE = 50
/** Small pages, and others' snapshots stand in them, too: they are no bound for an account. */
const MOST_PAGES = 1_000

/** Manual snapshots of caches. A listing does not tell their tags: each costs a call, so only those of ours are asked. */
export const cacheShelf: ShelfCalls = {
  actions: { list: 'elasticache:DescribeSnapshots' },

  async list(connection, { tags }, signal) {
    const { DescribeSnapshotsCommand } = await import('@aws-sdk/client-elasticache')
    const client = await cacheClient(connection)
    const found = await readPages(
      'cache snapshots',
      (Marker) =>
        client.send(
          new DescribeSnapshotsCommand({ SnapshotSource: 'user', Marker, MaxRecords: PAGE }),
          abortedBy(signal),
        ),
      ({ Snapshots, Marker }) => ({ items: Snapshots, next: Marker }),
      MOST_PAGES,
    )
    const snapshots: Snapshot[] = []
    for (const each of found) {
      const { SnapshotName: name, ARN: arn } = each
      const source = each.ReplicationGroupId ?? each.CacheClusterId
      if (!name || !source) continue
      const asked = tags && arn !== undefined && isOurName(name)
      snapshots.push({
        ...{ shelf: 'caches', region: connection.region, name, arn, source },
        ...{ state: stateOf(each.SnapshotStatus), manual: each.SnapshotSource === 'manual' },
        takenAt: takenAt(each),
        // One without our name is not ours, whatever its tags say.
        tags: asked ? await tagsOf(connection, arn, signal) : isOurName(name) ? undefined : {},
        key: each.KmsKeyId,
      })
    }
    return snapshots
  },

  async create(connection, { source, node, name, tags }, signal) {
    const { CreateSnapshotCommand } = await import('@aws-sdk/client-elasticache')
    // Both at once is an error: a group in cluster mode is taken as a whole, everything else by a node.
    const of = node === undefined ? { ReplicationGroupId: source.id } : { CacheClusterId: node }
    const input = { ...of, SnapshotName: name, Tags: tagList(tags) }
    return (await cacheClient(connection)).send(new CreateSnapshotCommand(input), abortedBy(signal))
  },

  /** The plan never asks for one: the service copies to buckets of the same region, and nowhere else. */
  async copy() {
    throw new PgctlError('not-supported', 'a cache has no copies in other regions')
  },

  async remove(connection, name, signal) {
    const { DeleteSnapshotCommand } = await import('@aws-sdk/client-elasticache')
    return (await cacheClient(connection)).send(
      new DeleteSnapshotCommand({ SnapshotName: name }),
      abortedBy(signal),
    )
  },

  async tag(connection, arn, { set, remove }, signal) {
    const { AddTagsToResourceCommand, RemoveTagsFromResourceCommand } = await import(
      '@aws-sdk/client-elasticache'
    )
    const client = await cacheClient(connection)
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

/** Each shard has its own moment: the data of the whole is as old as the oldest of them. */
function takenAt({ NodeSnapshots = [] }: CacheSnapshot): number | undefined {
  const moments = NodeSnapshots.flatMap(({ SnapshotCreateTime }) => SnapshotCreateTime?.getTime() ?? [])
  return moments.length === 0 ? undefined : Math.min(...moments)
}

async function tagsOf(connection: AwsConnection, arn: string, signal: AbortSignal | undefined) {
  const { ListTagsForResourceCommand } = await import('@aws-sdk/client-elasticache')
  const client = await cacheClient(connection)
  const { TagList } = await client.send(
    new ListTagsForResourceCommand({ ResourceName: arn }),
    abortedBy(signal),
  )
  return tagRecord(TagList)
}
