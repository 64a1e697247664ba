import type { Ms } from '#core/clock.ts'
import type { BucketMarker } from '#core/snapshots/buckets.ts'
import { type Due, dueActions } from '#core/snapshots/due.ts'
import { type Group, groupSnapshots, keepOf, type Member } from '#core/snapshots/groups.ts'
import { guardGroup, TAGS_UNKNOWN, whyNotDelete } from '#core/snapshots/guards.ts'
import type { Listing } from '#core/snapshots/listing.ts'
import { digest } from '#core/snapshots/naming.ts'
import type { Policy } from '#core/snapshots/policy.ts'
import { type QuotaReading, unreadQuotas } from '#core/snapshots/quotas.ts'
import type { SnapshotRecord } from '#core/snapshots/records.ts'
import { applyRetention, type Kept } from '#core/snapshots/retention.ts'
import { type Shelf, type Source, snapshotId } from '#core/snapshots/snapshot.ts'
import { type PreviousPolicy, tightenedWaits } from '#core/snapshots/tightened.ts'
import { formatDay } from '#core/snapshots/zone.ts'

/**
 * What is to be done now, and why: made from what there is by nothing but thought, printed for a person and carried
 * out as the same object.
 */
export interface Plan {
  readonly workspace: string
  readonly at: Ms
  readonly actions: readonly Action[]
  /** What every snapshot of the installation's datastores is kept or deleted for, newest first in each group. */
  readonly verdicts: readonly Verdict[]
  /** What is due and does not begin now, and what else a person should know. */
  readonly notices: readonly string[]
  /** Where tags have to be asked for before it can be said what is deleted. */
  readonly untagged: readonly { readonly shelf: Shelf; readonly region: string }[]
  /** Stands for the actions: two plans of one digest do the same. */
  readonly digest: string
}

export type Action = Due | DeleteAction

export interface DeleteAction {
  readonly kind: 'delete'
  readonly shelf: Shelf
  readonly region: string
  readonly name: string
  readonly sourceId: string
  /** Complete ones of ours that must remain in its group. */
  readonly minimum: number
  readonly because: string
}

export interface Verdict {
  readonly shelf: Shelf
  readonly region: string
  readonly name: string
  readonly sourceId: string
  readonly takenAt: Ms | undefined
  readonly ours: boolean
  readonly keep: boolean
  readonly reasons: readonly string[]
}

export interface PlanInput {
  readonly workspace: string
  readonly now: Ms
  readonly policy: Policy
  /** When the first policy came into force: what was due before was nobody's to make. */
  readonly begun: Ms
  /** Ids of the recovery points that were written down. */
  readonly points: ReadonlySet<string>
  /** Policies that were in force before, newest first. */
  readonly previous: readonly PreviousPolicy[]
  readonly sources: readonly Source[]
  /** What of the inventory could not be read, in clauses. */
  readonly unreadable: readonly string[]
  readonly listings: readonly Listing[]
  /** What the provider allows, by region; where it was not asked, defaults stand in. */
  readonly quotas: readonly QuotaReading[]
  /** How the installation's buckets stand; empty where nobody asked. */
  readonly buckets: readonly BucketMarker[]
  /** By {@link snapshotId}. */
  readonly records: ReadonlyMap<string, SnapshotRecord>
}

export function makePlan(input: PlanInput): Plan {
  const { workspace, now, policy } = input
  const snapshots = input.listings.flatMap((listing) => listing.snapshots)
  const groups = groupSnapshots({ ...input, snapshots })
  const blind = [...input.unreadable, ...input.listings.flatMap(({ missing }) => missing ?? [])]
  const due = dueActions(input, groups)
  const copying = new Set(
    snapshots.flatMap((each) => (each.state === 'pending' ? [`${each.shelf}/${each.name}`] : [])),
  )
  const judged = groups.flatMap((group) => judge(group, input, blind, copying))
  const { deletes, deferred } = capDeletes(judged, policy.limits.deletes)
  const actions = [...due.actions, ...deletes.map(deleteOf)]
  return {
    workspace,
    at: now,
    actions,
    verdicts: judged.map((each) => verdictOf(each, deferred.has(each), policy)),
    notices: [
      ...due.notices,
      ...unreadQuotas(input.quotas),
      ...(blind.length === 0
        ? []
        : [`nothing is deleted, as the inventory is not complete: ${blind.join('; ')}`]),
      ...(deferred.size === 0
        ? []
        : [
            `${deferred.size} more deletes wait for the next run: a run deletes ${policy.limits.deletes} at most`,
          ]),
      ...frozenNotices(groups),
      ...tightenedNotices(judged),
    ],
    untagged: untaggedPlaces(judged),
    digest: planDigest(workspace, actions),
  }
}

/** A digest of what is to be done, whenever it was planned. */
export function planDigest(workspace: string, actions: readonly Action[]): string {
  return digest([workspace, ...actions.map((action) => JSON.stringify(action))], 16)
}

interface Judged extends Kept<Member> {
  readonly group: Group
  readonly minimum: number
  /** When a policy that kept it ceases to be waited for. */
  readonly waitsUntil: Ms | undefined
}

/** The rules' verdicts over a group, and what stands above the rules. */
function judge(
  group: Group,
  input: PlanInput,
  blind: readonly string[],
  copying: ReadonlySet<string>,
): Judged[] {
  const { policy, now } = input
  const keep = keepOf(policy, group)
  const minimum = keep?.minimum ?? 0
  const guarded = guardGroup(group, minimum, now, policy.zone)
  if (group.source === undefined || keep === undefined) {
    const reason =
      group.source === undefined
        ? 'its datastore is gone: the last copies stay'
        : 'no set of the policy has its datastore'
    return group.members.map((snapshot) => ({
      ...{ snapshot, keep: true, reasons: [snapshot.foreign ?? reason] },
      ...{ group, minimum, waitsUntil: undefined },
    }))
  }
  const stricter = tightenedWaits(group, input)
  return applyRetention(group.members, keep, policy.zone, now).map((verdict) => {
    const { snapshot } = verdict
    const waitsUntil = verdict.keep ? undefined : stricter.get(snapshot)
    const above = verdict.keep
      ? undefined
      : blind.length > 0
        ? 'the inventory is not complete'
        : waitsUntil !== undefined
          ? `the rules were tightened: it goes on ${formatDay(policy.zone.wallAt(waitsUntil))} at the earliest`
          : copying.has(`${snapshot.snapshot.shelf}/${snapshot.name}`)
            ? 'a copy of it is being made'
            : whyNotDelete(snapshot, guarded)
    const reasons = verdict.keep && snapshot.foreign !== undefined ? [snapshot.foreign] : verdict.reasons
    const kept = above === undefined ? verdict.keep : true
    return {
      ...{ snapshot, keep: kept, reasons: above === undefined ? reasons : [above], group, minimum },
      waitsUntil: blind.length > 0 ? undefined : waitsUntil,
    }
  })
}

/** The oldest go first; what is beyond the cap waits. */
function capDeletes(judged: readonly Judged[], most: number): { deletes: Judged[]; deferred: Set<Judged> } {
  const wanted = judged.filter(({ keep }) => !keep)
  wanted.sort(
    (a, b) =>
      (a.snapshot.takenAt as Ms) - (b.snapshot.takenAt as Ms) ||
      (snapshotId(a.snapshot.snapshot) < snapshotId(b.snapshot.snapshot) ? -1 : 1),
  )
  // The guards look at one delete at a time: together they must leave the minimum, too.
  const left = new Map<Group, number>()
  const deletes: Judged[] = []
  const deferred = new Set<Judged>()
  for (const each of wanted) {
    const usable =
      left.get(each.group) ?? each.group.members.filter(({ complete, ours }) => complete && ours).length
    if (deletes.length >= most || usable - 1 < each.minimum) deferred.add(each)
    else {
      deletes.push(each)
      left.set(each.group, usable - 1)
    }
  }
  return { deletes, deferred }
}

function deleteOf({ snapshot: { snapshot }, group, minimum, reasons }: Judged): DeleteAction {
  const { shelf, region, name } = snapshot
  return {
    kind: 'delete',
    shelf,
    region,
    name,
    sourceId: group.sourceId,
    minimum,
    because: reasons.join('; '),
  }
}

function verdictOf(
  { snapshot: member, group, keep, reasons }: Judged,
  deferred: boolean,
  policy: Policy,
): Verdict {
  const { shelf, region, name } = member.snapshot
  return {
    ...{ shelf, region, name, sourceId: group.sourceId, takenAt: member.takenAt, ours: member.ours },
    keep: keep || deferred,
    reasons: deferred
      ? [`${reasons.join('; ')}, but a run deletes ${policy.limits.deletes} at most`]
      : reasons,
  }
}

function untaggedPlaces(judged: readonly Judged[]): Plan['untagged'] {
  const places = judged.flatMap(({ snapshot: { snapshot }, reasons }) =>
    reasons.includes(TAGS_UNKNOWN) ? [[`${snapshot.shelf} ${snapshot.region}`, snapshot] as const] : [],
  )
  return [...new Map(places).values()].map(({ shelf, region }) => ({ shelf, region }))
}

function frozenNotices(groups: readonly Group[]): string[] {
  const gone = groups.filter(({ source, members }) => source === undefined && members.length > 0)
  return gone.map(
    ({ sourceId, region, members }) =>
      `${sourceId} is gone: its ${members.length} snapshots in ${region} stay until a person deletes them`,
  )
}

function tightenedNotices(judged: readonly Judged[]): string[] {
  const waiting = judged.filter(({ waitsUntil }) => waitsUntil !== undefined)
  if (waiting.length === 0) return []
  return [
    `the rules were tightened: ${waiting.length} snapshots that they no longer keep wait until that is certain`,
  ]
}
