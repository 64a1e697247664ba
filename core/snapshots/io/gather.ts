import type { Ms } from '#core/clock.ts'
import type { Listing } from '#core/snapshots/listing.ts'
import { makePlan, type Plan, type PlanInput } from '#core/snapshots/plan.ts'
import { type PointRecord, parsePoint, pointKey } from '#core/snapshots/points.ts'
import { type Policy, parsePolicy, setOf } from '#core/snapshots/policy.ts'
import {
  historyKey,
  NO_HISTORY,
  type PolicyHistory,
  parseHistory,
  previousPolicies,
  withPolicy,
} from '#core/snapshots/policy-history.ts'
import { parseRecords, recordsPrefix, type SnapshotRecord } from '#core/snapshots/records.ts'
import { SHELVES, type Shelf, type Source, shelfOf } from '#core/snapshots/snapshot.ts'
import type { SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import type { Store } from '#core/store.ts'

/** Reads all that a plan is made from: one listing a shelf and region, and what was written down. */
export interface GatherRequest {
  readonly workspace: string
  readonly region: string
  readonly policyText: string
  /** The file that the text is from, for errors. */
  readonly policySource: string
  readonly sources: readonly Source[]
  /** What of the datastores could not be read, in clauses. */
  readonly unreadable: readonly string[]
  readonly now: Ms
  /** Whether to ask for tags everywhere: for a person to look at, not for a plan. */
  readonly tags?: boolean
}

export interface Gathered {
  readonly input: PlanInput
  readonly history: PolicyHistory
}

/** @throws PgctlError `config-invalid` for the policy, `state-invalid` for what was written down. */
export async function gather(
  request: GatherRequest,
  api: SnapshotApi,
  store: Store,
  signal?: AbortSignal,
): Promise<Gathered> {
  const { workspace, policyText, sources, unreadable, now } = request
  const policy = parsePolicy(policyText, request.policySource)
  const [records, stored, pointKeys] = await Promise.all([
    readRecords(store, workspace),
    store.read(historyKey(workspace)),
    store.list(pointKey(workspace, '')),
  ])
  const points = new Set(pointKeys.map((key) => key.slice(pointKey(workspace, '').length)))
  const history = stored === undefined ? NO_HISTORY : parseHistory(stored.value)
  const places = placesOf(request, policy, [...records.values()])
  const listings = await Promise.all(
    places.map(([shelf, region]) => api.list(shelf, region, { tags: request.tags === true }, signal)),
  )
  return {
    history,
    input: {
      ...{ workspace, now, policy, sources, unreadable, records, listings },
      previous: previousPolicies(history, policyText, now),
      begun: history.policies[0]?.since ?? now,
      points,
    },
  }
}

/** Notes that this policy is in force from now on, where another was before. */
export async function notePolicy(
  store: Store,
  workspace: string,
  { history }: Gathered,
  text: string,
  now: Ms,
): Promise<void> {
  const after = withPolicy(history, text, now)
  if (after !== history) await store.write(historyKey(workspace), after)
}

/** The plan for what was gathered; tags that it needs are asked for first. */
export async function planOf(
  { input, history }: Gathered,
  api: SnapshotApi,
  signal?: AbortSignal,
): Promise<Gathered & { readonly plan: Plan }> {
  const plan = makePlan(input)
  if (plan.untagged.length === 0) return { input, history, plan }
  const asked = await Promise.all(
    plan.untagged.map(({ shelf, region }) => api.list(shelf, region, { tags: true }, signal)),
  )
  const isAsked = (each: Listing) =>
    asked.some(({ shelf, region }) => shelf === each.shelf && region === each.region)
  const listings = [...input.listings.filter((each) => !isAsked(each)), ...asked]
  const whole = { ...input, listings }
  return { input: whole, history, plan: makePlan(whole) }
}

async function readRecords(store: Store, workspace: string): Promise<Map<string, SnapshotRecord>> {
  const records = new Map<string, SnapshotRecord>()
  for (const key of await store.list(recordsPrefix(workspace))) {
    const stored = await store.read(key)
    if (stored === undefined) continue
    for (const [id, record] of Object.entries(parseRecords(stored.value, key))) records.set(id, record)
  }
  return records
}

/** What was written down of recovery points, by id. */
export async function readPoints(store: Store, workspace: string): Promise<Map<string, PointRecord>> {
  const points = new Map<string, PointRecord>()
  for (const key of await store.list(pointKey(workspace, ''))) {
    const stored = await store.read(key)
    if (stored === undefined) continue
    const point = parsePoint(stored.value, key)
    points.set(point.id, point)
  }
  return points
}

/** Where to look: what there are datastores or records of, and where copies go. */
function placesOf(
  { sources, region, workspace }: GatherRequest,
  policy: Policy,
  records: readonly SnapshotRecord[],
): (readonly [Shelf, string])[] {
  const places = new Set<string>()
  for (const record of records) places.add(`${record.shelf} ${record.region}`)
  for (const source of sources) {
    const shelf = shelfOf(source.kind)
    places.add(`${shelf} ${region}`)
    const set = setOf(policy, source, workspace)
    const copy = set === undefined ? undefined : policy.sets[set]?.copy
    if (copy !== undefined && shelf !== 'caches') places.add(`${shelf} ${copy.region}`)
  }
  const inOrder = [...places].map((place) => place.split(' ') as [Shelf, string])
  return inOrder.sort((a, b) => SHELVES.indexOf(a[0]) - SHELVES.indexOf(b[0]) || (a[1] < b[1] ? -1 : 1))
}
