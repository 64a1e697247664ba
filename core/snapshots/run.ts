import { markersOf } from '#core/snapshots/buckets.ts'
import type { CopyAction, CreateAction, Due } from '#core/snapshots/due.ts'
import { type Group, groupSnapshots } from '#core/snapshots/groups.ts'
import { guardGroup, whyNotDelete } from '#core/snapshots/guards.ts'
import type { Listing } from '#core/snapshots/listing.ts'
import { pointId, TAGS } from '#core/snapshots/naming.ts'
import type { DeleteAction, Plan, PlanInput } from '#core/snapshots/plan.ts'
import type { PointRecord } from '#core/snapshots/points.ts'
import { setOf } from '#core/snapshots/policy.ts'
import { FORGET_AFTER, type SnapshotRecord } from '#core/snapshots/records.ts'
import { HANDLING, type Refusal } from '#core/snapshots/refusal.ts'
import { groupOfNode, type Source, snapshotId, sourceId } from '#core/snapshots/snapshot.ts'
import type { Outcome, SnapshotTarget } from '#core/snapshots/snapshot-api.ts'

/**
 * One run: a plan carried out step by step. It starts, writes down and returns; what it has started, a later run
 * observes. It may die at any step and be run again, or be run twice at once: names come from the slot, what is asked
 * for is written down first, and what is already there is adopted.
 *
 * A pure machine: it says the next step and is told what came of it; `io/carry-out.ts` takes the steps.
 */
export type Step =
  | { readonly kind: 'remember'; readonly record: SnapshotRecord }
  | { readonly kind: 'remember-point'; readonly point: PointRecord }
  | { readonly kind: 'forget'; readonly record: SnapshotRecord }
  | { readonly kind: 'forget-point'; readonly id: string }
  | { readonly kind: 'create'; readonly action: CreateAction }
  | { readonly kind: 'copy'; readonly action: CopyAction }
  | { readonly kind: 'remove'; readonly target: SnapshotTarget }
  | { readonly kind: 'list'; readonly shelf: Listing['shelf']; readonly region: string }
  /** A wait before try number `attempt + 1`. */
  | { readonly kind: 'pause'; readonly attempt: number }

/** What came of a step: of a request its outcome, of a list the list, of the others nothing. */
export type Answer = Outcome | Listing | undefined

/** What became of one action. */
export interface Result {
  readonly action: 'create' | 'copy' | 'delete'
  readonly region: string
  readonly name: string
  readonly sourceId: string
  /** `adopted`: it was there already, and is ours. `skipped`: a guard refused, on the fresh listing. */
  readonly outcome: 'started' | 'adopted' | 'deleted' | 'skipped' | 'later' | 'failed'
  /** Why it was not done; undefined where it was. */
  readonly why: string | undefined
}

export interface RunReport {
  readonly results: readonly Result[]
}

const ATTEMPTS = 4

type Run<T> = Generator<Step, T, Answer>

/** The steps of `plan`, which was made from `input`. */
export function* run(plan: Plan, input: PlanInput): Run<RunReport> {
  const results: Result[] = []
  const left = new Map(input.records)
  yield* tidy(input, left)
  const points = new Set<string>()
  const deletes: DeleteAction[] = []
  for (const action of plan.actions) {
    if (action.kind === 'delete') deletes.push(action)
    else {
      const point = pointId(action.occasion)
      if (action.kind === 'create' && !points.has(point))
        yield { kind: 'remember-point', point: pointRecord(action, input) }
      points.add(point)
      results.push(yield* make(action, input))
    }
  }
  // What was made comes first: a delete that cannot be undone waits until all else has been tried.
  for (const list of Map.groupBy(deletes, ({ shelf, region }) => `${shelf} ${region}`).values())
    results.push(...(yield* removeAll(list, input, left)))
  yield* tidyPoints(input, left, points)
  return { results }
}

/** What is remembered, as the run changes it. */
type Left = Map<string, SnapshotRecord>

/** Forgets what nobody lists any more: it was deleted, or never came. */
function* tidy({ records, listings, now }: PlanInput, left: Left): Run<void> {
  const whole = listings.filter(({ missing }) => missing === undefined)
  const places = new Set(whole.map(({ shelf, region }) => `${shelf} ${region}`))
  const listed = new Set(whole.flatMap(({ snapshots }) => snapshots.map(snapshotId)))
  for (const record of records.values()) {
    const isKnown = places.has(`${record.shelf} ${record.region}`)
    if (isKnown && !listed.has(snapshotId(record)) && now - record.askedAt > FORGET_AFTER)
      yield* forget(record, left)
  }
}

function* forget(record: SnapshotRecord, left: Left): Run<void> {
  yield { kind: 'forget', record }
  left.delete(snapshotId(record))
}

/** Forgets the points of which nothing is left to remember; one that is just begun may lack its records yet. */
function* tidyPoints({ points, records }: PlanInput, left: Left, begun: ReadonlySet<string>): Run<void> {
  const held = new Set([...left.values()].map(({ point }) => point))
  const emptied = new Set([...records.values()].map(({ point }) => point))
  for (const id of points)
    if (!held.has(id) && !begun.has(id) && (emptied.has(id) || isOld(id, records)))
      yield { kind: 'forget-point', id }
}

/** Whether later points have been recorded: then this one was given up before its first snapshot, or half forgotten. */
function isOld(id: string, records: PlanInput['records']): boolean {
  return [...records.values()].some(({ point }) => point.slice(0, POINT_MOMENT) > id.slice(0, POINT_MOMENT))
}

/** `pt-202611250230`: what comes before the digest of a point's id orders points in time. */
const POINT_MOMENT = 15

function* make(action: Due, input: PlanInput): Run<Result> {
  const record = recordOf(action, input)
  const known = input.records.get(snapshotId(record))
  // The first asking is the one that counts; a second run must not make it look younger.
  if (known === undefined) yield { kind: 'remember', record }
  const result = (outcome: Result['outcome'], why?: string): Result => ({
    ...{
      action: action.kind,
      region: record.region,
      name: action.name,
      sourceId: record.source,
      outcome,
      why,
    },
  })
  const outcome = yield* persist(
    action.kind === 'create' ? { kind: 'create', action } : { kind: 'copy', action },
  )
  if (outcome.kind === 'accepted') return result('started')
  const { refusal } = outcome
  if (refusal.reason === 'exists') return yield* adopt(action, record, result)
  if (HANDLING[refusal.reason] !== 'never') return result('later', describe(refusal))
  yield { kind: 'remember', record: { ...(known ?? record), refused: refusal.reason } }
  return result('failed', describe(refusal))
}

/** A name that is taken: by an earlier run of ours, or by somebody else. */
function* adopt(
  action: Due,
  record: SnapshotRecord,
  result: (outcome: Result['outcome'], why?: string) => Result,
): Run<Result> {
  const listing = (yield { kind: 'list', shelf: record.shelf, region: record.region }) as Listing
  const there = listing.snapshots.find(({ name }) => name === action.name)
  // A listing lags behind: the next run sees whose it is, and nothing is deleted on this word.
  if (there === undefined) return result('adopted')
  const isOurs = Object.values(TAGS).every((tag) => there.tags?.[tag] === action.tags[tag])
  // Of a group without cluster mode it is that of a node.
  const { kind, id } = action.source
  const isOfSource = there.source === id || (kind === 'cache-group' && groupOfNode(there.source) === id)
  if (isOurs && isOfSource) return result('adopted')
  return result('failed', `the name ${action.name} is taken by a snapshot that is not ours`)
}

/** Deletes on one shelf, each after its guards have looked at a fresh listing. */
function* removeAll(deletes: readonly DeleteAction[], input: PlanInput, left: Left): Run<Result[]> {
  const [{ shelf, region }] = deletes as [DeleteAction, ...DeleteAction[]]
  const listing = (yield { kind: 'list', shelf, region }) as Listing
  const groups = new Map<string, Group>()
  for (const group of groupSnapshots({ ...input, snapshots: listing.snapshots }))
    if (group.region === region) groups.set(group.sourceId, group)
  const results: Result[] = []
  for (const action of deletes) results.push(yield* removeOne(action, listing, groups, input, left))
  return results
}

function* removeOne(
  action: DeleteAction,
  { missing }: Listing,
  groups: Map<string, Group>,
  { now, policy }: PlanInput,
  left: Left,
): Run<Result> {
  const { shelf, region, name, sourceId, minimum } = action
  const result = (outcome: Result['outcome'], why?: string): Result => ({
    ...{ action: 'delete', region, name, sourceId, outcome, why },
  })
  if (missing !== undefined) return result('skipped', `the fresh listing is not complete: ${missing}`)
  const group = groups.get(sourceId)
  const member = group?.members.find((each) => each.snapshot.shelf === shelf && each.name === name)
  if (group === undefined || member === undefined) return result('deleted', 'it was gone already')
  const why = whyNotDelete(member, guardGroup(group, minimum, now, policy.zone))
  if (why !== undefined) return result('skipped', why)
  const outcome = yield* persist({ kind: 'remove', target: { shelf, region, name } })
  if (outcome.kind === 'refused' && outcome.refusal.reason !== 'gone')
    return result(
      HANDLING[outcome.refusal.reason] === 'never' ? 'failed' : 'later',
      describe(outcome.refusal),
    )
  groups.set(sourceId, { ...group, members: group.members.filter((each) => each !== member) })
  if (member.record !== undefined) yield* forget(member.record, left)
  return result('deleted')
}

/** One request, again after a wait as long as that may help within this run. */
function* persist(step: Extract<Step, { kind: 'create' | 'copy' | 'remove' }>): Run<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = (yield step) as Outcome
    if (outcome.kind === 'accepted') return outcome
    if (HANDLING[outcome.refusal.reason] !== 'now' || attempt >= ATTEMPTS) return outcome
    yield { kind: 'pause', attempt }
  }
}

function recordOf(action: Due, { now }: PlanInput): SnapshotRecord {
  const { shelf, name, source, occasion } = action
  const region = action.kind === 'copy' ? action.region : source.region
  return {
    ...{ shelf, region, name, home: source.region, source: sourceId(source) },
    ...{
      set: occasion.set,
      slot: occasion.slot,
      wall: occasion.wall,
      point: pointId(occasion),
      askedAt: now,
    },
  }
}

/** What the point should hold: every datastore of the set, whether or not its snapshot can begin now. */
function pointRecord(
  { occasion }: CreateAction,
  { sources, unreadable, policy, workspace, now, buckets }: PlanInput,
): PointRecord {
  const parts = sources
    .filter((source) => setOf(policy, source, workspace) === occasion.set)
    .map((source) => [sourceId(source), partRecord(source)] as const)
  const { set, slot } = occasion
  return {
    ...{ version: 1, id: pointId(occasion), set, slot, at: now, parts: Object.fromEntries(parts) },
    buckets: markersOf(buckets, set, policy, workspace),
    unseen: [...unreadable],
  }
}

function partRecord({ key, settings }: Source): PointRecord['parts'][string] {
  return { ...(key === undefined ? {} : { key }), ...(settings === undefined ? {} : { settings }) }
}

function describe({ says }: Refusal): string {
  return says
}
