import type { CopyAction, CreateAction } from '#core/snapshots/due.ts'
import type { Listing } from '#core/snapshots/listing.ts'
import type { Refusal } from '#core/snapshots/refusal.ts'
import type { Shelf } from '#core/snapshots/snapshot.ts'

/** What became of a request; `accepted` means that the provider has begun, not that it is through. */
export type Outcome = { readonly kind: 'accepted' } | { readonly kind: 'refused'; readonly refusal: Refusal }

/** Snapshots of one provider's datastores, by shelf. Nothing here waits for what it has begun. */
export interface SnapshotApi {
  /** All manual snapshots of a shelf in a region; what cannot be read is said in `missing`, and is no error. */
  list(shelf: Shelf, region: string, options: ListOptions, signal?: AbortSignal): Promise<Listing>
  create(action: CreateAction, signal?: AbortSignal): Promise<Outcome>
  copy(action: CopyAction, signal?: AbortSignal): Promise<Outcome>
  remove(target: SnapshotTarget, signal?: AbortSignal): Promise<Outcome>
  tag(target: TagTarget, change: TagChange, signal?: AbortSignal): Promise<Outcome>
}

export interface ListOptions {
  /** Whether to ask for tags where a listing does not tell them, which costs a call for each of our snapshots. */
  readonly tags: boolean
}

export interface TagTarget {
  readonly shelf: Shelf
  readonly region: string
  readonly arn: string
}

export interface TagChange {
  readonly set: Readonly<Record<string, string>>
  readonly remove: readonly string[]
}

export interface SnapshotTarget {
  readonly shelf: Shelf
  readonly region: string
  readonly name: string
}
