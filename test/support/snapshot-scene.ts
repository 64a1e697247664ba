import type { Listing } from '#core/snapshots/listing.ts'
import { type Occasion, pointId, snapshotName, tagsOf } from '#core/snapshots/naming.ts'
import type { PlanInput } from '#core/snapshots/plan.ts'
import { type Policy, parsePolicy } from '#core/snapshots/policy.ts'
import type { SnapshotRecord } from '#core/snapshots/records.ts'
import {
  type Snapshot,
  type Source,
  type SourceKind,
  shelfOf,
  snapshotId,
  sourceId,
} from '#core/snapshots/snapshot.ts'
import { formatWall } from '#core/snapshots/zone.ts'

/** An installation with snapshots for the deciders, put together by hand. */

export const WORKSPACE = 'paragon-acme-1'
export const REGION = 'eu-central-1'
export const HOUR = 3_600_000
export const DAY = 24 * HOUR

export function policyOf(text: string): Policy {
  return parsePolicy(text, 'snapshots.yaml')
}

export const NIGHTLY = `zone: Europe/Berlin
sets:
  nightly:
    what: [all]
    when: { cron: 30 2 * * * }
    keep: { daily: 3, minimum: 2 }
`

export function sourceOf(kind: SourceKind, name: string, more: Partial<Source> = {}): Source {
  return {
    ...{ kind, id: `${WORKSPACE}-${name}`, region: REGION, status: 'available', key: undefined, windows: [] },
    ...more,
  }
}

/** One of ours, with the record of it, as the schedule would have made it at `at`. */
export function ourSnapshot(
  source: Source,
  at: number,
  more: Partial<Snapshot> = {},
  set = 'nightly',
): { snapshot: Snapshot; record: SnapshotRecord } {
  const occasion: Occasion = { workspace: WORKSPACE, set, slot: `UTC ${formatWall(at)} 1`, wall: at }
  const snapshot: Snapshot = {
    ...{ shelf: shelfOf(source.kind), region: source.region, name: snapshotName(occasion, source) },
    ...{ arn: undefined, source: source.id, state: 'available', manual: true, takenAt: at },
    ...{ tags: tagsOf(occasion, source), key: undefined },
    ...more,
  }
  const record: SnapshotRecord = {
    ...{ shelf: snapshot.shelf, region: snapshot.region, name: snapshot.name, home: source.region },
    ...{
      source: sourceId(source),
      set,
      slot: occasion.slot,
      wall: at,
      point: pointId(occasion),
      askedAt: at,
    },
  }
  return { snapshot, record }
}

/** One that somebody else made. */
export function foreignSnapshot(source: Source, at: number, more: Partial<Snapshot> = {}): Snapshot {
  return { ...ourSnapshot(source, at).snapshot, name: `by-hand-${at}`, tags: {}, ...more }
}

export function planInput(
  policy: Policy,
  now: number,
  sources: readonly Source[],
  all: readonly { snapshot: Snapshot; record?: SnapshotRecord }[],
  more: Partial<PlanInput> = {},
): PlanInput {
  const listings: Listing[] = (['rds-instances', 'rds-clusters', 'caches'] as const).map((shelf) => ({
    ...{ shelf, region: REGION, missing: undefined },
    snapshots: all
      .map(({ snapshot }) => snapshot)
      .filter((each) => each.shelf === shelf && each.region === REGION),
  }))
  const records = new Map(
    all.flatMap(({ snapshot, record }) => (record ? [[snapshotId(snapshot), record]] : [])),
  )
  return {
    workspace: WORKSPACE,
    now,
    policy,
    begun: 0,
    points: new Set(),
    previous: [],
    sources,
    unreadable: [],
    quotas: [],
    buckets: [],
    listings,
    records,
    ...more,
  }
}
