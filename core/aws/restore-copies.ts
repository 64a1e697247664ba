import type { AwsConnection } from '#core/aws/clients.ts'
import { dbClusterShelf } from '#core/aws/rds-cluster-snapshots.ts'
import { dbInstanceShelf } from '#core/aws/rds-snapshots.ts'
import { abortedBy, orNone } from '#core/aws/sdk-client.ts'
import { tagRecord } from '#core/aws/snapshot-shelf.ts'
import { rdsClient } from '#core/aws/snapshot-sources.ts'
import type { RestoreStep } from '#core/snapshots/restore/plan.ts'
import type { Seen } from '#core/snapshots/restore/restore-api.ts'

/** Snapshots that a restore brings back from another region; each call throws what the SDK throws. */

export async function lookAtInstanceCopy(
  connection: AwsConnection,
  { name }: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<Seen | undefined> {
  const { DescribeDBSnapshotsCommand } = await import('@aws-sdk/client-rds')
  const client = await rdsClient(connection)
  const request = client.send(
    new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: name }),
    abortedBy(signal),
  )
  const [found] = (await orNone(request, 'DBSnapshotNotFound', 'DBSnapshotNotFoundFault'))?.DBSnapshots ?? []
  return found && seen(found.Status, found.TagList)
}

export async function lookAtClusterCopy(
  connection: AwsConnection,
  { name }: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<Seen | undefined> {
  const { DescribeDBClusterSnapshotsCommand } = await import('@aws-sdk/client-rds')
  const client = await rdsClient(connection)
  const request = client.send(
    new DescribeDBClusterSnapshotsCommand({ DBClusterSnapshotIdentifier: name }),
    abortedBy(signal),
  )
  const [found] =
    (await orNone(request, 'DBClusterSnapshotNotFoundFault', 'DBClusterSnapshotNotFound'))
      ?.DBClusterSnapshots ?? []
  return found && seen(found.Status, found.TagList)
}

export function copyBack(
  connection: AwsConnection,
  { kind, sourceId, name, region, snapshot, key, tags }: RestoreStep,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const shelf = kind === 'rds-cluster-copy' ? dbClusterShelf : dbInstanceShelf
  const id = sourceId.slice(sourceId.indexOf('/') + 1)
  const source = { kind: kind === 'rds-cluster-copy' ? 'rds-cluster' : 'rds-instance', id, region } as const
  return shelf.copy(connection, { source, name, arn: snapshot as string, key, tags }, signal)
}

function seen(status: string | undefined, tags: Parameters<typeof tagRecord>[0]): Seen {
  return { status: (status ?? 'unknown').toLowerCase(), tags: tagRecord(tags), endpoint: undefined }
}
