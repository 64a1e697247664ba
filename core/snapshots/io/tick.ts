import type { Ms } from '#core/clock.ts'
import type { BucketApi } from '#core/snapshots/buckets.ts'
import { defaultPolicy } from '#core/snapshots/defaults.ts'
import { describeWall, firstWall, forecast } from '#core/snapshots/forecast.ts'
import { type Freshness, freshnessOf } from '#core/snapshots/freshness.ts'
import { groupSnapshots } from '#core/snapshots/groups.ts'
import { AHEAD_DAYS, adoptPolicy } from '#core/snapshots/io/adopt.ts'
import { carryOut, type RunShell } from '#core/snapshots/io/carry-out.ts'
import { notePolicy, planOf, policyInForce, withBuckets } from '#core/snapshots/io/gather.ts'
import type { KeyApi, KeyState } from '#core/snapshots/key-api.ts'
import type { Plan, PlanInput } from '#core/snapshots/plan.ts'
import { type RecoveryPoint, recoveryPoints } from '#core/snapshots/points.ts'
import type { QuotaApi } from '#core/snapshots/quotas.ts'
import type { RunReport } from '#core/snapshots/run.ts'
import type { Source } from '#core/snapshots/snapshot.ts'
import { type Check, keysOf, verifyPoints } from '#core/snapshots/verify.ts'

/**
 * One scheduled run: what is due is begun, what no rule keeps is deleted, what is there is verified. It never waits for
 * a snapshot; the next one sees what has become of it.
 */
export interface TickRequest {
  readonly workspace: string
  readonly region: string
  readonly now: Ms
}

export interface TickShell extends RunShell {
  readonly quotaApi: QuotaApi
  readonly keyApi: KeyApi
  readonly bucketApi: BucketApi
  /** What can be snapshotted, and in clauses what could not be read of it. */
  findSources(signal?: AbortSignal): Promise<{ sources: readonly Source[]; unreadable: readonly string[] }>
  /** The text of the policy and where it stands; undefined where nobody wrote one. */
  readPolicy(signal?: AbortSignal): Promise<{ text: string; from: string } | undefined>
}

export interface TickReport extends RunReport {
  readonly plan: Plan
  readonly checks: readonly Check[]
  /** Undefined where the inventory is not complete: an age that leaves somebody out would look like success. */
  readonly freshness: readonly Freshness[] | undefined
  /** Why the policy that somebody wrote does not hold; undefined where it does. */
  readonly refused: string | undefined
}

/** @throws PgctlError whatever leaves nothing to go by: the state, a policy that is refused and is the first. */
export async function tick({ workspace, region, now }: TickRequest, shell: TickShell): Promise<TickReport> {
  const { api, store, signal } = shell
  const [{ sources, unreadable }, written, inForce] = await Promise.all([
    shell.findSources(signal),
    shell.readPolicy(signal),
    policyInForce(store, workspace),
  ])
  // The default is chosen from the inventory: half of it must not change the policy.
  const kept = unreadable.length > 0 ? inForce : undefined
  const policySource = written?.from ?? 'by default'
  const policyText = written?.text ?? kept ?? defaultPolicy(sources)
  const request = { workspace, region, policyText, policySource, sources, unreadable, now }
  const { gathered, text, refused } = await adoptPolicy(request, inForce, { ...shell, signal })
  await notePolicy(store, workspace, gathered, text, now)
  const planned = await planOf(gathered, api, signal)
  // Only a point that is begun writes down how the buckets stand.
  const isBegun = planned.plan.actions.some(({ kind }) => kind === 'create')
  const whole = isBegun ? await withBuckets(planned, shell.bucketApi, signal) : planned
  const { results } = await carryOut(whole.plan, whole.input, shell)
  const points = pointsOf(whole.input, whole.pointRecords)
  const keys = await readKeys(shell.keyApi, points, signal)
  const checks = verifyPoints(whole.input, points, keys)
  return {
    ...{ results, plan: whole.plan, refused },
    checks: [...checks, ...troubles([refused, wallOf(whole.input)])],
    freshness: isBlind(whole.input) ? undefined : freshnessOf(whole.input, points, keys),
  }
}

function troubles(clauses: readonly (string | undefined)[]): Check[] {
  return clauses.flatMap((says) => (says === undefined ? [] : [{ set: '', passed: false, says }]))
}

/** A wall that the world has moved into the way of a policy that fitted when it came; looked for where quotas were. */
function wallOf(input: PlanInput): string | undefined {
  if (input.quotas.length === 0) return undefined
  const snapshots = input.listings.flatMap((listing) => listing.snapshots)
  const wall = firstWall(forecast({ ...input, snapshots }, input.now, AHEAD_DAYS))
  return wall && describeWall(wall, input.policy.zone)
}

function isBlind({ unreadable, listings }: PlanInput): boolean {
  return unreadable.length > 0 || listings.some(({ missing }) => missing !== undefined)
}

/** Until when they can be restored is not asked here, so nothing is lived through. */
function pointsOf(input: PlanInput, records: Parameters<typeof recoveryPoints>[1]): RecoveryPoint[] {
  const snapshots = input.listings.flatMap((listing) => listing.snapshots)
  const members = groupSnapshots({ ...input, snapshots }).flatMap((group) => group.members)
  return recoveryPoints(members, records, new Map(), input.now)
}

/** The states of the keys of all recovery points. */
export async function readKeys(
  keyApi: KeyApi,
  points: readonly RecoveryPoint[],
  signal: AbortSignal | undefined,
): Promise<Map<string, KeyState>> {
  const wanted = [...keysOf(points)]
  const states = await Promise.all(wanted.map(([key, region]) => keyApi.state(key, region, signal)))
  return new Map(wanted.map(([key], index) => [key, states[index] as KeyState]))
}
