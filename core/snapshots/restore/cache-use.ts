import { matchName } from '#core/installation/resource-names.ts'

/**
 * What a Redis is used for, which decides what becomes of its data after a restore. Jobs of a queue that ran after the
 * snapshot would run again: a queue comes back behind a gate. A cache or a lock of another time is worse than none:
 * those are made anew and empty, and no snapshot of them is ever replayed.
 */
export type CacheUse = 'queue' | 'cache' | 'locks' | 'unknown'

export const CACHE_USES = ['queue', 'cache', 'locks'] as const

/** Patterns of identifiers, by use; the first that fits decides. */
export type UsePatterns = Readonly<Partial<Record<Exclude<CacheUse, 'unknown'>, readonly string[]>>>

/**
 * The use of a cache by its identifier: what the policy says of it, else what the product's names say.
 * `unknown` is treated as a queue, since nobody knows that it holds none.
 */
export function cacheUse(
  id: string,
  workspace: string,
  policy: Readonly<Record<string, Exclude<CacheUse, 'unknown'>>>,
  patterns: UsePatterns,
): CacheUse {
  const short = id.startsWith(`${workspace}-`) ? id.slice(workspace.length + 1) : id
  const said = policy[id] ?? policy[short]
  if (said !== undefined) return said
  return CACHE_USES.find((use) => matchName(id, patterns[use] ?? []) !== undefined) ?? 'unknown'
}

/** Whether its data comes from the snapshot, and not from nothing. */
export function isReplayed(use: CacheUse): boolean {
  return use === 'queue' || use === 'unknown'
}

/** Why its data comes back or not, in a clause. */
export function describeUse(use: CacheUse): string {
  return WORDS[use]
}

const WORDS: Readonly<Record<CacheUse, string>> = {
  queue: 'a queue: restored behind a gate, as its jobs may have run since',
  cache: 'a cache: made anew and empty, never replayed',
  locks: 'locks: made anew and empty, as old locks belong to nobody',
  unknown: 'nobody says what it is for: restored behind a gate, as it may hold a queue',
}
