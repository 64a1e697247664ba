import type { Ms } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import type { BucketApi } from '#core/snapshots/buckets.ts'
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
import type { QuotaApi } from '#core/snapshots/quotas.ts'
import { parseRecords, recordsPrefix, type SnapshotRecord, statePrefix } from '#core/snapshots/records.ts'
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
  /** The version that the history was read in. */
  readonly historyVersion: string | 'absent'
  /** By id. */
  readonly pointRecords: ReadonlyMap<string, PointRecord>
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
  const { records, history, historyVersion, pointRecords } = await readState(store, workspace)
  const places = placesOf(request, policy, [...records.values()])
  const listings = await Promise.all(
    places.map(([shelf, region]) => api.list(shelf, region, { tags: request.tags === true }, signal)),
  )
  return {
    ...{ history, historyVersion, pointRecords },
    input: {
      ...{ workspace, now, policy, sources, unreadable, records, listings },
      quotas: [],
      buckets: [],
      previous: previousPolicies(history, policyText, now),
      begun: history.policies[0]?.since ?? now,
      points: new Set(pointRecords.keys()),
    },
  }
}

/** The same with what the provider allows, in every region that snapshots of databases lie in. */
export async function withQuotas<T extends Gathered>(
  gathered: T,
  api: QuotaApi,
  signal?: AbortSignal,
): Promise<T> {
  const { input } = gathered
  const shelved = input.listings.filter(({ shelf }) => shelf !== 'caches')
  const regions = [...new Set(shelved.map(({ region }) => region))].sort()
  const quotas = await Promise.all(regions.map((region) => api.read(region, signal)))
  return { ...gathered, input: { ...input, quotas } }
}

/** The same with how the buckets stand, whose moment a point that is begun writes down. */
export async function withBuckets<T extends Gathered>(
  gathered: T,
  api: BucketApi,
  signal?: AbortSignal,
): Promise<T> {
  return { ...gathered, input: { ...gathered.input, buckets: await api.markers(signal) } }
}

/** Notes that this policy is in force from now on, where another was before. */
export async function notePolicy(
  store: Store,
  workspace: string,
  { history, historyVersion }: Gathered,
  text: string,
  now: Ms,
): Promise<void> {
  const after = withPolicy(history, text, now)
  if (after === history) return
  try {
    await store.write(historyKey(workspace), after, historyVersion)
  } catch (error) {
    if (!isPgctlError(error, 'state-conflict')) throw error
    // Another run has noted one meanwhile; only if that is another policy does this run not know what it stands on.
    const stored = await store.read(historyKey(workspace))
    if (stored === undefined || parseHistory(stored.value).policies.at(-1)?.text !== text) throw error
  }
}

/** The plan for what was gathered; tags that it needs are asked for first. */
export async function planOf(
  gathered: Gathered,
  api: SnapshotApi,
  signal?: AbortSignal,
): Promise<Gathered & { readonly plan: Plan }> {
  const { input } = gathered
  const plan = makePlan(input)
  if (plan.untagged.length === 0) return { ...gathered, plan }
  const asked = await Promise.all(
    plan.untagged.map(({ shelf, region }) => api.list(shelf, region, { tags: true }, signal)),
  )
  const isAsked = (each: Listing) =>
    asked.some(({ shelf, region }) => shelf === each.shelf && region === each.region)
  const listings = [...input.listings.filter((each) => !isAsked(each)), ...asked]
  const whole = { ...input, listings }
  return { ...gathered, input: whole, plan: makePlan(whole) }
}

/** All that was written down of an installation's snapshots, in one reading. */
export async function readState(store: Store, workspace: string) {
  const documents = await store.readAll(statePrefix(workspace))
  const records = new Map<string, SnapshotRecord>()
  const pointRecords = new Map<string, PointRecord>()
  for (const [key, { value }] of documents) {
    if (key.startsWith(recordsPrefix(workspace)))
      for (const [id, record] of Object.entries(parseRecords(value, key))) records.set(id, record)
    if (key.startsWith(pointKey(workspace, ''))) {
      const point = parsePoint(value, key)
      pointRecords.set(point.id, point)
    }
  }
  const stored = documents.get(historyKey(workspace))
  return {
    ...{ records, pointRecords, historyVersion: stored?.version ?? 'absent' },
    history: stored === undefined ? NO_HISTORY : parseHistory(stored.value),
  }
}

/** The policy that was in force when last something ran; undefined before the first. */
export async function policyInForce(store: Store, workspace: string): Promise<string | undefined> {
  const stored = await store.read(historyKey(workspace))
  return stored === undefined ? undefined : parseHistory(stored.value).policies.at(-1)?.text
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
