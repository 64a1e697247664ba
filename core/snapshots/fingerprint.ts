import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { RecoveryPoint } from '#core/snapshots/points.ts'
import type { Check } from '#core/snapshots/verify.ts'

/**
 * What makes the data of a recovery point usable, as it was when the point was begun: the entries of the cluster's
 * key secrets and the releases that run on the data. Values are never in it, only digests under a key of this
 * installation's state, so that a fingerprint cannot be used to guess one.
 */
const fingerprintSchema = z.object({
  version: z.literal(1),
  at: z.number(),
  /** Digests by `secret/entry`. */
  entries: z.record(z.string(), z.string()),
  releases: z.record(z.string(), z.object({ chart: z.string(), revision: z.int(), values: z.string() })),
})

export type Fingerprint = z.infer<typeof fingerprintSchema>

/** Which entries of which secret data is useless without. */
export interface KeySecret {
  readonly name: string
  /** An entry whose name holds one of these words must still have the value that it had. */
  readonly keys: readonly string[]
}

/** The key of a fingerprint's document in the store, beside that of its point. */
export function fingerprintKey(workspace: string, point: string): string {
  return `snapshots/${workspace}/fingerprints/${point}`
}

/** Where the key lies that digests are made with. Secret. */
export function digestKeyKey(workspace: string): string {
  return `snapshots/${workspace}/fingerprint-key`
}

/** @throws PgctlError `state-invalid` */
export function parseFingerprint(value: unknown, key: string): Fingerprint {
  const result = fingerprintSchema.safeParse(value)
  if (result.success) return result.data
  throw new PgctlError('state-invalid', `the fingerprint ${key} cannot be read`, {
    why: 'it is not what this version writes',
    next: 'restore it from a backup of the state',
  })
}

/**
 * What of the fingerprints is no longer there. `now` is the cluster's as it is, or why it could not be looked at: then
 * nothing passes that was not seen. No fingerprint, no check.
 */
export function fingerprintChecks(
  fingerprints: ReadonlyMap<string, Fingerprint>,
  now: Fingerprint | string,
  secrets: readonly KeySecret[],
): Check[] {
  if (fingerprints.size === 0) return []
  const whose = `${fingerprints.size} recovery points`
  if (typeof now === 'string')
    return [{ set: '', passed: false, says: `the key secrets of ${whose} could not be looked at: ${now}` }]
  const lost = new Map<string, { what: 'gone' | 'changed'; points: string[] }>()
  for (const [point, { entries }] of fingerprints)
    for (const [entry, digest] of Object.entries(entries)) {
      const what = lossOf(entry, digest, now, secrets)
      if (what === undefined) continue
      const known = lost.get(`${what} ${entry}`) ?? { what, points: [] }
      known.points.push(point)
      lost.set(`${what} ${entry}`, known)
    }
  if (lost.size === 0) return [{ set: '', passed: true, says: `the key secrets of ${whose} are there` }]
  return [...lost].map(([key, { what, points }]) => ({
    ...{ set: '', passed: false },
    says: `${key.slice(key.indexOf(' ') + 1)} is ${what === 'gone' ? 'gone' : 'not what it was'}: the data of ${describePoints(points)} may be of no use`,
  }))
}

/** An entry that was renewed, as passwords are, is no loss unless it is a key. */
function lossOf(
  entry: string,
  digest: string,
  now: Fingerprint,
  secrets: readonly KeySecret[],
): 'gone' | 'changed' | undefined {
  const found = now.entries[entry]
  if (found === undefined) return 'gone'
  return found !== digest && isKey(entry, secrets) ? 'changed' : undefined
}

function isKey(entry: string, secrets: readonly KeySecret[]): boolean {
  const slash = entry.indexOf('/')
  const secret = secrets.find(({ name }) => name === entry.slice(0, slash))
  return secret?.keys.some((word) => entry.slice(slash + 1).includes(word)) ?? false
}

function describePoints(points: readonly string[]): string {
  const inOrder = points.toSorted()
  return inOrder.length === 1
    ? (inOrder[0] as string)
    : `${inOrder.length} recovery points, the newest ${inOrder.at(-1)}`
}

/** What ran when the point was made, a clause a release. */
export function describeReleases({ releases }: Fingerprint): string[] {
  return Object.entries(releases).map(
    ([name, { chart, revision, values }]) =>
      `${name} was ${chart}, revision ${revision}, values ${values.slice(0, 12)}`,
  )
}

/** A document that a value of any shape always makes alike: the names in it in order. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

/** What the cluster is like within a day of a point is taken for what it was like at the point. */
const LATE: Ms = 86_400_000

/**
 * The points that have no fingerprint and may still be given one: those that the scheduled function has begun, which
 * does not reach the cluster.
 */
export function withoutFingerprint(
  points: readonly Pick<RecoveryPoint, 'id' | 'takenAt'>[],
  fingerprints: ReadonlyMap<string, Fingerprint>,
  now: Ms,
): string[] {
  return points
    .filter(({ id, takenAt }) => !fingerprints.has(id) && takenAt !== undefined && now - takenAt <= LATE)
    .map(({ id }) => id)
}

/** What of a cluster a fingerprint is made from. Secret: it holds the values themselves. */
export interface ClusterFacts {
  readonly at: Ms
  /** Entries by the name of their secret. */
  readonly secrets: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>
  readonly releases: readonly {
    readonly name: string
    readonly chart: string
    readonly revision: number
    readonly values: unknown
  }[]
}
