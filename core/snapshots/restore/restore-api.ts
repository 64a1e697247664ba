import type { Ms } from '#core/clock.ts'
import type { RestoreStep } from '#core/snapshots/restore/plan.ts'
import type { SourceKind } from '#core/snapshots/snapshot.ts'
import type { Outcome } from '#core/snapshots/snapshot-api.ts'

/** Datastores made from snapshots. Nothing here waits for what it has begun, and nothing changes what is there. */
export interface RestoreApi {
  /** What there is under the name of a step; undefined where there is nothing. @throws PgctlError */
  look(step: RestoreStep, signal?: AbortSignal): Promise<Seen | undefined>
  begin(step: RestoreStep, signal?: AbortSignal): Promise<Outcome>
  /** The newest snapshot of a database, whoever made it: what Terraform's `most_recent` takes. @throws PgctlError */
  newest(source: SnapshotOwner, signal?: AbortSignal): Promise<NewestSnapshot | undefined>
}

export interface SnapshotOwner {
  readonly kind: SourceKind
  readonly id: string
  readonly region: string
}

export interface NewestSnapshot {
  readonly name: string
  /** `false`: the provider's own. */
  readonly manual: boolean
  readonly createdAt: Ms
}

/** A datastore as it is now. */
export interface Seen {
  /** The provider's own word, in lower case. */
  readonly status: string
  /** Undefined while the provider does not tell them, as of a cache that is being made. */
  readonly tags: Readonly<Record<string, string>> | undefined
  /** Where it answers; undefined while it does not. */
  readonly endpoint: { readonly host: string; readonly port: number } | undefined
}
