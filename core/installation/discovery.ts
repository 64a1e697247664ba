import type { Inventory } from '#core/installation/inventory.ts'

/** What to look for: the workspace and the names that its product profile derives from it. */
export interface DiscoveryQuery {
  readonly workspace: string
  /** The name of the bastion's instances. */
  readonly bastionName: string
  readonly clusterName: string
  /** Looks for this instance instead of a name. */
  readonly bastionId?: string | undefined
  /** The parts wanted; what is not wanted is neither read nor listed as unreadable. */
  readonly parts: readonly ('bastion' | 'cluster')[]
  /**
   * `way`: enough to open a session. Where exactly one agent answers, its machine is not asked about (its start,
   * addresses and role stay unread). `full`: everything.
   */
  readonly depth: 'way' | 'full'
}

/** Finds an installation in the cloud account and region that the adapter was made for. */
export interface Discovery {
  /**
   * Reads all wanted parts at once. What could not be read is in `unreadable` of the answer; only wrong or missing
   * credentials and an unreachable cloud, which spoil every part, are thrown.
   */
  inventory(query: DiscoveryQuery, signal?: AbortSignal): Promise<Inventory>
}
