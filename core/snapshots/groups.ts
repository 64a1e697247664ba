import { type Keep, type Policy, setOf } from '#core/snapshots/policy.ts'
import { type SnapshotRecord, whyNotOurs } from '#core/snapshots/records.ts'
import type { Retained } from '#core/snapshots/retention.ts'
import {
  groupOfNode,
  isComplete,
  type Snapshot,
  type Source,
  shelfOf,
  snapshotId,
  sourceId,
} from '#core/snapshots/snapshot.ts'

/** A snapshot as the rules look at it. */
export interface Member extends Retained {
  readonly snapshot: Snapshot
  readonly record: SnapshotRecord | undefined
  /** Why it is not ours; undefined where it is. */
  readonly foreign: string | undefined
}

/** The snapshots of one datastore in one region: what retention decides over at once. */
export interface Group {
  /** `rds-instance/ID`. */
  readonly sourceId: string
  readonly region: string
  /** Undefined where the datastore is gone, or was not found. */
  readonly source: Source | undefined
  /** The set that the source is in. */
  readonly set: string | undefined
  readonly members: readonly Member[]
}

export interface GroupInput {
  readonly workspace: string
  readonly policy: Policy
  readonly sources: readonly Source[]
  readonly snapshots: readonly Snapshot[]
  /** By {@link snapshotId}. */
  readonly records: ReadonlyMap<string, SnapshotRecord>
}

/**
 * Sorts snapshots by datastore and region. Only of the datastores of this installation: what else lies in the account
 * is counted against quotas, and no more. A datastore without snapshots has an empty group in its own region.
 */
export function groupSnapshots({ workspace, policy, sources, snapshots, records }: GroupInput): Group[] {
  const groups = new Map<string, Omit<Group, 'members'> & { members: Member[] }>()
  const byShelf = new Map<string, Source>()
  for (const source of sources) {
    // The snapshot of a node is one of its group.
    for (const id of [source.id, ...(source.nodes ?? [])])
      byShelf.set(`${shelfOf(source.kind)}/${id}`, source)
    const set = setOf(policy, source, workspace)
    groups.set(`${sourceId(source)} ${source.region}`, {
      ...{ sourceId: sourceId(source), region: source.region, source, set },
      members: [],
    })
  }
  for (const snapshot of snapshots) {
    if (!snapshot.manual) continue
    const record = records.get(snapshotId(snapshot))
    const source = byShelf.get(`${snapshot.shelf}/${snapshot.source}`) ?? groupOf(snapshot, byShelf)
    const foreign = whyNotOurs(source ? { ...snapshot, source: source.id } : snapshot, workspace, record)
    // A source that is gone is known by our record alone.
    const owner =
      source === undefined ? (foreign === undefined ? record?.source : undefined) : sourceId(source)
    if (owner === undefined) continue
    const key = `${owner} ${snapshot.region}`
    const group = groups.get(key) ?? {
      ...{ sourceId: owner, region: snapshot.region, source, members: [] },
      set: source && setOf(policy, source, workspace),
    }
    groups.set(key, group)
    const { name, takenAt, tags = {} } = snapshot
    const complete = isComplete(snapshot)
    group.members.push({
      name,
      takenAt,
      tags,
      complete,
      ours: foreign === undefined,
      snapshot,
      record,
      foreign,
    })
  }
  return [...groups.values()]
}

/** The cache group of a node that is no more, of which a snapshot still is. */
function groupOf({ shelf, source }: Snapshot, byShelf: ReadonlyMap<string, Source>): Source | undefined {
  const found = shelf === 'caches' ? byShelf.get(`${shelf}/${groupOfNode(source)}`) : undefined
  return found?.kind === 'cache-group' ? found : undefined
}

/** The rules for a group: those of its set, or for copies in the other region those of the copy. */
export function keepOf(
  policy: Policy,
  { set, source, region }: Pick<Group, 'set' | 'source' | 'region'>,
): Keep | undefined {
  const rules = set === undefined ? undefined : policy.sets[set]
  return source?.region === region ? rules?.keep : (rules?.copy?.keep ?? rules?.keep)
}
