import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { snapshotName, TAGS } from '#core/snapshots/naming.ts'
import { REFUSAL_REASONS } from '#core/snapshots/refusal.ts'
import { groupOfNode, SHELVES, type Snapshot, type Source, sourceId } from '#core/snapshots/snapshot.ts'

/**
 * What we have written down of our own snapshots. A snapshot is ours only if its tags say so, its name is the one
 * that the tags make, *and* we remember having asked for it: tags alone anybody can set.
 */
const recordSchema = z.object({
  shelf: z.enum(SHELVES),
  region: z.string(),
  name: z.string(),
  /** The source's own region, where the copy's is another. */
  home: z.string(),
  source: z.string(),
  set: z.string(),
  slot: z.string(),
  wall: z.number(),
  point: z.string(),
  /** When it was asked for first. */
  askedAt: z.number(),
  /** Why the provider will not do it, which ends the slot; undefined where it took it on. */
  refused: z.enum(REFUSAL_REASONS).optional(),
})

export type SnapshotRecord = z.infer<typeof recordSchema>

const documentSchema = z.object({ version: z.literal(1), snapshots: z.record(z.string(), recordSchema) })

/** All that is remembered of one datastore's snapshots, by {@link snapshotId}. */
export type SourceRecords = Readonly<Record<string, SnapshotRecord>>

/** The key of a datastore's document in the store. */
export function recordsKey(workspace: string, source: Pick<Source, 'kind' | 'id'>): string {
  return `snapshots/${workspace}/sources/${sourceId(source)}`
}

/** Under which all documents of an installation's snapshots lie. */
export function statePrefix(workspace: string): string {
  return `snapshots/${workspace}/`
}

export function recordsPrefix(workspace: string): string {
  return `snapshots/${workspace}/sources/`
}

/** @throws PgctlError `state-invalid`: what was written down cannot be trusted, so nothing may be deleted by it. */
export function parseRecords(value: unknown, key: string): SourceRecords {
  const result = documentSchema.safeParse(value)
  if (result.success) return result.data.snapshots
  throw new PgctlError('state-invalid', `the record of snapshots ${key} cannot be read`, {
    why: 'it is not what this version writes',
    next: 'restore it from a backup of the state; until then nothing is deleted',
  })
}

export function recordsDocument(snapshots: SourceRecords): unknown {
  return { version: 1, snapshots }
}

/** Why a snapshot is not ours, in a clause; undefined where it is. */
export function whyNotOurs(
  snapshot: Snapshot,
  workspace: string,
  record: SnapshotRecord | undefined,
): string | undefined {
  const { tags, name } = snapshot
  // Tags that nobody asked for do not speak against it; before a delete they are asked for.
  if (tags !== undefined && tags[TAGS.installation] !== workspace)
    return 'it is not ours: no tag of this installation'
  if (record === undefined) return 'it is not ours: we have no record of it'
  const [kind, id] = splitSource(record.source)
  const occasion = { workspace, set: record.set, slot: record.slot, wall: record.wall }
  if (kind === undefined || name !== snapshotName(occasion, { kind, id, region: record.home }))
    return 'it is not ours: its name is another than its record says'
  const says = tags && [tags[TAGS.source], tags[TAGS.slot], tags[TAGS.point]]
  if (says !== undefined && says.join(' ') !== [record.source, record.slot, record.point].join(' '))
    return 'it is not ours: its tags are others than its record says'
  const isOfNode = kind === 'cache-group' && groupOfNode(snapshot.source) === id
  return snapshot.source === id || isOfNode
    ? undefined
    : 'it is not ours: it is of another datastore than its record says'
}

/** When a record of something that nobody lists may be forgotten: a listing can lag a minute behind. */
export const FORGET_AFTER: Ms = 24 * 3_600_000

function splitSource(text: string): [Source['kind'] | undefined, string] {
  const slash = text.indexOf('/')
  return [text.slice(0, slash) as Source['kind'], text.slice(slash + 1)]
}
