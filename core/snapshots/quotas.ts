import type { Policy } from '#core/snapshots/policy.ts'
import type { Shelf } from '#core/snapshots/snapshot.ts'

/** What the provider allows this account today. */
export interface QuotaApi {
  /** The quotas of a region; what cannot be read is said in `missing`, and is no error. */
  read(region: string, signal?: AbortSignal): Promise<QuotaReading>
}

export interface QuotaReading {
  readonly region: string
  /** Manual snapshots that a shelf holds; a shelf that is absent has no such quota, or nobody said. */
  readonly snapshots: Readonly<Partial<Record<Shelf, number>>>
  readonly missing: string | undefined
}

/** What is assumed where neither provider nor policy says: the provider's own default. */
const DEFAULT_LIMIT = 100

/** How many manual snapshots a shelf of a region holds: what was read, and no more than the policy grants itself. */
export function manualLimit(
  { limits }: Pick<Policy, 'limits'>,
  quotas: readonly QuotaReading[],
  shelf: Shelf,
  region: string,
): number {
  const read = quotas.find((each) => each.region === region)?.snapshots[shelf]
  const own = limits['rds-snapshots']
  return Math.min(read ?? own ?? DEFAULT_LIMIT, own ?? Infinity)
}

/** Clauses about quotas that were asked for and not told. */
export function unreadQuotas(quotas: readonly QuotaReading[]): string[] {
  return quotas.flatMap(({ region, missing }) =>
    missing === undefined ? [] : [`the quotas of ${region} are not known, and defaults stand in: ${missing}`],
  )
}
