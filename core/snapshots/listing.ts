import type { Shelf, Snapshot } from '#core/snapshots/snapshot.ts'

/** All manual snapshots on one shelf of one region, or why they are not known. */
export interface Listing {
  readonly shelf: Shelf
  readonly region: string
  readonly snapshots: readonly Snapshot[]
  /** Why it is not the whole list; undefined where it is. */
  readonly missing: string | undefined
}
