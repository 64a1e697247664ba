import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { defaultPolicy } from '#core/snapshots/defaults.ts'
import {
  type Fingerprint,
  fingerprintChecks,
  fingerprintKey,
  parseFingerprint,
  withoutFingerprint,
} from '#core/snapshots/fingerprint.ts'
import { type Forecast, forecast } from '#core/snapshots/forecast.ts'
import { groupSnapshots, type Member } from '#core/snapshots/groups.ts'
import { checkRoom } from '#core/snapshots/io/adopt.ts'
import { carryOut } from '#core/snapshots/io/carry-out.ts'
import { keepFingerprint, readFingerprints } from '#core/snapshots/io/fingerprints.ts'
import {
  type Gathered,
  gather,
  notePolicy,
  planOf,
  withBuckets,
  withQuotas,
} from '#core/snapshots/io/gather.ts'
import type { Plan, PlanInput } from '#core/snapshots/plan.ts'
import { type RecoveryPoint, recoveryPoints } from '#core/snapshots/points.ts'
import { strayNames } from '#core/snapshots/policy.ts'
import { HOLD_TAG, HOLD_UNTIL_TAG } from '#core/snapshots/retention.ts'
import type { RunReport } from '#core/snapshots/run.ts'
import type { Check } from '#core/snapshots/verify.ts'
import type { Deps } from './deps.ts'
import { paths } from './paths.ts'

const POLICY_FILE = 'snapshots.yaml'
const DAY = 86_400_000
const NEWEST = 'newest'
/** Far enough for rules by the year. */
export const HORIZON_DAYS = 400

/** Everything that the snapshot commands show, read once. */
export interface SnapshotView extends Gathered {
  readonly plan: Plan
  readonly points: readonly RecoveryPoint[]
  readonly members: readonly Member[]
  /** Lived through to the horizon, for when each snapshot goes. */
  readonly ahead: Forecast
  /** What the policy names and there is not, in clauses; among the plan's notices, too. */
  readonly stray: readonly string[]
  readonly policyText: string
  /** The file of the policy, or that it is the default. */
  readonly policyFrom: string
}

/** Reads datastores, snapshots and what was written down of them; tags, too, where a person looks at them. */
export async function readSnapshots(
  deps: Deps,
  wishes: { readonly policy: string | undefined; readonly environment: NodeJS.ProcessEnv },
  signal: AbortSignal,
): Promise<SnapshotView> {
  const { workspace, region } = deps.installation
  const { value: sources = [], unreadable } = await deps.snapshotSources(signal)
  const { text, from } = (await findPolicy(wishes)) ?? {
    text: defaultPolicy(sources),
    from: 'the default policy',
  }
  const request = {
    ...{ workspace, region, policyText: text, policySource: from, sources, tags: true },
    unreadable: unreadable.map(({ error }) => error.message),
    now: systemClock.now().wall,
  }
  const gathered = await gather(request, deps.snapshotApi, deps.store, signal)
  const [{ input: quotas }, { input: buckets }] = await Promise.all([
    withQuotas(gathered, deps.quotaApi, signal),
    withBuckets(gathered, deps.bucketApi, signal),
  ])
  const known = { ...gathered, input: { ...quotas, buckets: buckets.buckets } }
  const whole = await planOf(known, deps.snapshotApi, signal)
  const groupInput = { ...whole.input, snapshots: whole.input.listings.flatMap(({ snapshots }) => snapshots) }
  const members = groupSnapshots(groupInput).flatMap((group) => group.members)
  const ahead = forecast(groupInput, request.now, HORIZON_DAYS)
  const horizon = request.now + HORIZON_DAYS * DAY
  const points = recoveryPoints(members, whole.pointRecords, ahead.expiries, horizon, whole.input.buckets)
  const stray = strayClauses(whole.input)
  const plan = { ...whole.plan, notices: [...whole.plan.notices, ...stray] }
  return { ...whole, plan, points, members, ahead, stray, policyText: text, policyFrom: from }
}

/** Names that mean nothing; where not everything could be read nobody knows. */
function strayClauses({ policy, sources, buckets, unreadable, workspace }: PlanInput): string[] {
  if (unreadable.length > 0) return []
  const things = [...sources, ...buckets.map(({ bucket }) => ({ id: bucket, kind: 'bucket' }))]
  return strayNames(policy, things, workspace)
}

/** What the point remembers of the cluster; undefined where it remembers nothing. */
export async function readFingerprint(deps: Deps, point: string): Promise<Fingerprint | undefined> {
  const key = fingerprintKey(deps.installation.workspace, point)
  const stored = await deps.store.read(key)
  return stored === undefined ? undefined : parseFingerprint(stored.value, key)
}

/**
 * Whether what the fingerprints of the points remember of the cluster is still there. New points that have none are
 * given one; where there is nothing to check and nothing to give, nothing is asked.
 */
export async function checkFingerprints(
  deps: Deps,
  view: SnapshotView,
  signal: AbortSignal,
): Promise<Check[]> {
  const kept = await readFingerprints(deps.store, deps.installation.workspace)
  const points = new Set(view.points.map(({ id }) => id))
  const fingerprints = new Map([...kept].filter(([id]) => points.has(id)))
  const late = withoutFingerprint(view.points, fingerprints, view.input.now)
  if (fingerprints.size + late.length === 0) return []
  const { keySecretsOf, takeFingerprint } = await import('./fingerprinting.ts')
  const current = await takeFingerprint(deps, signal)
  if (typeof current !== 'string')
    for (const id of late) await keepFingerprint(deps.store, deps.installation.workspace, id, current)
  return fingerprintChecks(fingerprints, current, keySecretsOf(deps))
}

/** Carries out `plan` in the account that is pinned, and notes the policy that it was made by. */
export async function runPlan(
  deps: Deps,
  view: SnapshotView,
  plan: Plan,
  signal: AbortSignal,
): Promise<RunReport> {
  await deps.identity(signal)
  const isNew = view.history.policies.at(-1)?.text !== view.policyText
  // Deleting alone makes room.
  if (isNew && plan.actions.some(({ kind }) => kind !== 'delete')) checkRoom(view, view.policyFrom)
  await notePolicy(deps.store, plan.workspace, view, view.policyText, view.input.now)
  const shell = { api: deps.snapshotApi, store: deps.store, clock: systemClock, chance: Math.random, signal }
  return await carryOut(plan, view.input, shell)
}

/** The newest point that is whole; while there is none, the newest. */
export function findWholePoint(view: SnapshotView, id: string): RecoveryPoint {
  const whole = id === NEWEST ? view.points.find(({ complete }) => complete === true) : undefined
  return whole ?? findPoint(view, id)
}

/** The newest point that has a snapshot where that is asked for, the point of an id, or the error that lists which there are. */
export function findPoint(view: SnapshotView, id: string): RecoveryPoint {
  const found =
    id === NEWEST
      ? (view.points.find(({ parts }) => parts.length > 0) ?? view.points[0])
      : view.points.find((point) => point.id === id)
  if (found !== undefined) return found
  const what = id === NEWEST ? 'there is no recovery point yet' : `there is no recovery point ${id}`
  throw new PgctlError('target-unknown', what, {
    next: 'see which there are: pgctl snapshots list',
  })
}

/** The file that is named, else `snapshots.yaml` here, else the user's own. */
async function findPolicy({
  policy,
  environment,
}: {
  readonly policy: string | undefined
  readonly environment: NodeJS.ProcessEnv
}): Promise<{ text: string; from: string } | undefined> {
  if (policy !== undefined) return { text: await read(policy), from: policy }
  for (const path of [POLICY_FILE, join(paths(environment).config, POLICY_FILE)]) {
    try {
      return { text: await readFile(path, 'utf8'), from: path }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(path, error)
    }
  }
  return undefined
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): PgctlError {
  return new PgctlError('config-invalid', `cannot read the snapshot policy ${path}`, {
    why: messageOf(error),
    next: 'name a file that you may read: --policy FILE',
    cause: error,
  })
}

/** Sets the holding tags of every snapshot of a point to `set`, and removes those that are not in it. */
export async function pinPoint(
  deps: Deps,
  view: SnapshotView,
  point: RecoveryPoint,
  set: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<PinResult[]> {
  if (point.parts.length === 0)
    throw new PgctlError('target-unknown', `the recovery point ${point.id} has no snapshots`, {
      why: 'none was made, or all are gone',
      next: 'choose another point: pgctl snapshots list',
    })
  await deps.identity(signal)
  const results: PinResult[] = []
  for (const { name, region } of point.parts) {
    const snapshot = view.members.find(
      (each) => each.name === name && each.snapshot.region === region,
    )?.snapshot
    if (snapshot?.arn === undefined) {
      results.push({ name, region, why: 'the provider does not say how it is called' })
      continue
    }
    const remove = [HOLD_TAG, HOLD_UNTIL_TAG].filter(
      (tag) => set[tag] === undefined && snapshot.tags?.[tag] !== undefined,
    )
    const outcome = await deps.snapshotApi.tag(
      { shelf: snapshot.shelf, region, arn: snapshot.arn },
      { set, remove },
      signal,
    )
    results.push({ name, region, why: outcome.kind === 'refused' ? outcome.refusal.says : undefined })
  }
  return results
}

export interface PinResult {
  readonly name: string
  readonly region: string
  /** Why it could not be done; undefined where it was. */
  readonly why: string | undefined
}
