import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { type Policy, setOf } from '#core/snapshots/policy.ts'

/**
 * Blob storage in a recovery point. Nothing is copied: the moment of the point is the marker, and the versions that a
 * bucket keeps lead back to it, until the first of them expires.
 */
export const markerSchema = z.object({
  /** The bucket's id. */
  bucket: z.string(),
  /** Undefined where it could not be read. */
  versioning: z.enum(['on', 'suspended', 'off']).optional(),
  /** Days after which a version that is no longer current is deleted. */
  noncurrentDays: z.union([z.number(), z.literal('never')]).optional(),
})

export type BucketMarker = z.infer<typeof markerSchema>

export interface BucketApi {
  /** How the buckets stand that are meant to keep versions; one that there is not is left out. */
  markers(signal?: AbortSignal): Promise<readonly BucketMarker[]>
}

/** When, and by what, going back to the state at `at` comes to an end; undefined where nothing ends it. */
export interface Horizon {
  /** Undefined: it was never possible. */
  readonly until: Ms | undefined
  readonly limitedBy: string
}

const DAY: Ms = 86_400_000

/**
 * A version that was current at `at` became noncurrent then at the earliest, so it is there for as long as the bucket
 * keeps such: by the rule of then, or by the one of `now`'s markers where that is shorter.
 */
export function horizonOf(marker: BucketMarker, at: Ms, now: readonly BucketMarker[]): Horizon | undefined {
  const { bucket, versioning } = marker
  if (versioning === 'off' || versioning === 'suspended')
    return { until: undefined, limitedBy: `the bucket ${bucket}, which kept no versions` }
  const today = now.find((each) => each.bucket === bucket)
  const spans = [marker.noncurrentDays, today?.noncurrentDays].filter((days) => typeof days === 'number')
  if (spans.length === 0) return undefined
  const days = Math.min(...spans)
  return {
    until: at + days * DAY,
    limitedBy: `the bucket ${bucket}, which keeps old versions for ${days} days`,
  }
}

/** The markers of the buckets that a set has: `all`, `buckets`, or by name. */
export function markersOf(
  markers: readonly BucketMarker[],
  set: string,
  policy: Policy,
  workspace: string,
): BucketMarker[] {
  return markers.filter(({ bucket }) => setOf(policy, { id: bucket, kind: 'bucket' }, workspace) === set)
}

/** Clauses about buckets to whose earlier state nobody can be sure to return. */
export function bucketTroubles(markers: readonly BucketMarker[]): string[] {
  return markers.flatMap(({ bucket, versioning, noncurrentDays }) => {
    if (versioning === undefined || noncurrentDays === undefined)
      return [`how long the bucket ${bucket} keeps old versions is not known`]
    return versioning === 'on'
      ? []
      : [`the bucket ${bucket} keeps no versions: its versioning is ${versioning}`]
  })
}
