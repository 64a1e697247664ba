import type { Ms } from '#core/clock.ts'
import type { Settings } from '#core/snapshots/restore/settings.ts'

/** What can be snapshotted, as the provider's interfaces tell them apart. */
export type SourceKind = 'rds-instance' | 'rds-cluster' | 'cache-cluster' | 'cache-group'

export const SOURCE_KINDS = ['rds-instance', 'rds-cluster', 'cache-cluster', 'cache-group'] as const

/** Which list a snapshot stands in; names are unique, and quotas counted, within a shelf of one region. */
export type Shelf = 'rds-instances' | 'rds-clusters' | 'caches'

export const SHELVES = ['rds-instances', 'rds-clusters', 'caches'] as const

const SHELF_OF: Readonly<Record<SourceKind, Shelf>> = {
  'rds-instance': 'rds-instances',
  'rds-cluster': 'rds-clusters',
  'cache-cluster': 'caches',
  'cache-group': 'caches',
}

/** One datastore of an installation that can be snapshotted. */
export interface Source {
  readonly kind: SourceKind
  /** The provider's id of the datastore, in lower case. */
  readonly id: string
  readonly region: string
  /** The provider's own word, in lower case: `available`, `modifying`, `snapshotting`… */
  readonly status: string
  /** The key that encrypts it, as the provider names it; undefined where nothing does, or nobody said. */
  readonly key: string | undefined
  /** Nodes by id, the one to take a snapshot of first; only of a cache without cluster mode. */
  readonly nodes?: readonly string[]
  /** The provider's own windows, in which it works on the datastore itself. */
  readonly windows: readonly ProviderWindow[]
  /** What it is like apart from its data; undefined where nobody asked. */
  readonly settings?: Settings
}

/** A span of UTC time, daily or weekly, in which a provider backs up or mends a datastore. */
export interface ProviderWindow {
  readonly what: 'backup' | 'maintenance'
  /** As the provider writes it: `06:00-07:00`, `tue:04:00-tue:05:00`. */
  readonly span: string
}

/** `failed` never becomes usable; `unknown` is a word that this version does not know, and counts for nothing. */
export type SnapshotState = 'pending' | 'available' | 'deleting' | 'failed' | 'unknown'

export interface Snapshot {
  readonly shelf: Shelf
  readonly region: string
  readonly name: string
  /** The provider's unique name of it, where it has one. */
  readonly arn: string | undefined
  /** The id of the datastore that it was taken of, which may be gone. */
  readonly source: string
  readonly state: SnapshotState
  /** Whether a person or a program asked for it; the provider's own expire by themselves. */
  readonly manual: boolean
  /** When the data was taken; a copy has its original's. Undefined while the provider does not say. */
  readonly takenAt: Ms | undefined
  /** Undefined where a listing does not tell them, and nobody asked. */
  readonly tags: Readonly<Record<string, string>> | undefined
  readonly key: string | undefined
}

export function shelfOf(kind: SourceKind): Shelf {
  return SHELF_OF[kind]
}

/** Whether it can be restored from. */
export function isComplete({ state, takenAt }: Snapshot): boolean {
  return state === 'available' && takenAt !== undefined
}

/** What tells one snapshot from all others, wherever it lies. */
export function snapshotId({ shelf, region, name }: Pick<Snapshot, 'shelf' | 'region' | 'name'>): string {
  return `${shelf}/${region}/${name}`
}

/** What tells one source from all others of an installation. */
export function sourceId({ kind, id }: Pick<Source, 'kind' | 'id'>): string {
  return `${kind}/${id}`
}

/** What the service puts behind a group's id to name its nodes: `-001`, in cluster mode `-0001-001`. */
const NODE = /(?:-\d{3,4}){1,2}$/

/** The id of the group that a cache of this name would be a node of; nodes come and go, and their snapshots stay. */
export function groupOfNode(id: string): string {
  return id.replace(NODE, '')
}
