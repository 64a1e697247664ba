/**
 * Why a provider would not do what was asked, sorted by what is to become of it. Refusals are answers and not
 * exceptions: a run goes on with the rest.
 */
export const REFUSAL_REASONS = [
  'exists',
  'gone',
  'throttled',
  'unreachable',
  'source-busy',
  'snapshot-busy',
  'copy-limit',
  'credentials',
  'source-gone',
  'snapshot-quota',
  'tag-quota',
  'key-unusable',
  'denied',
  'unsupported',
  'quota',
  'no-capacity',
  'invalid',
  'unknown',
] as const

export type RefusalReason = (typeof REFUSAL_REASONS)[number]

export interface Refusal {
  readonly reason: RefusalReason
  /** The provider's own words. */
  readonly says: string
}

/**
 * `done`: the world is already as it was to be. `now`: again in this run, after a wait. `next-tick`: the next run finds
 * it still due. `never`: not again for this slot; a person has to do something.
 */
export type Handling = 'done' | 'now' | 'next-tick' | 'never'

export const HANDLING: Readonly<Record<RefusalReason, Handling>> = {
  // Whose it is must be looked at: the run does so before it takes it for done.
  exists: 'done',
  gone: 'done',
  throttled: 'now',
  unreachable: 'now',
  'source-busy': 'next-tick',
  'snapshot-busy': 'next-tick',
  'copy-limit': 'next-tick',
  credentials: 'next-tick',
  'source-gone': 'never',
  'snapshot-quota': 'never',
  'tag-quota': 'never',
  'key-unusable': 'never',
  denied: 'never',
  unsupported: 'never',
  quota: 'never',
  'no-capacity': 'next-tick',
  invalid: 'never',
  // What nobody has met yet may pass; a slot ends by itself.
  unknown: 'next-tick',
}
