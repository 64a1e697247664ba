import type { AwsConnection } from '#core/aws/clients.ts'
import type { CopyAction, CreateAction } from '#core/snapshots/due.ts'
import type { Snapshot, SnapshotState } from '#core/snapshots/snapshot.ts'
import type { ListOptions, TagChange } from '#core/snapshots/snapshot-api.ts'

/** The calls of one shelf; each throws what the SDK throws. */
export interface ShelfCalls {
  readonly actions: { readonly list: string }
  list(connection: AwsConnection, options: ListOptions, signal: AbortSignal | undefined): Promise<Snapshot[]>
  create(
    connection: AwsConnection,
    request: Pick<CreateAction, 'source' | 'node' | 'name' | 'tags'>,
    signal: AbortSignal | undefined,
  ): Promise<unknown>
  /** In the region that the copy goes to. */
  copy(
    connection: AwsConnection,
    request: Pick<CopyAction, 'source' | 'name' | 'arn' | 'key' | 'tags'>,
    signal: AbortSignal | undefined,
  ): Promise<unknown>
  remove(connection: AwsConnection, name: string, signal: AbortSignal | undefined): Promise<unknown>
  tag(
    connection: AwsConnection,
    arn: string,
    change: TagChange,
    signal: AbortSignal | undefined,
  ): Promise<unknown>
}

const STATES: Readonly<Record<string, SnapshotState>> = {
  ...{ available: 'available', creating: 'pending', copying: 'pending', pending: 'pending' },
  ...{ deleting: 'deleting', failed: 'failed' },
}

export function stateOf(word: string | undefined): SnapshotState {
  return STATES[(word ?? '').toLowerCase()] ?? 'unknown'
}

/** Tags in the shape that both services write them. */
export function tagList(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}

export function tagRecord(
  list: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Record<string, string> {
  return Object.fromEntries(
    (list ?? []).flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? '']])),
  )
}
