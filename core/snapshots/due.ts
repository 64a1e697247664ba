import type { Ms } from '#core/clock.ts'
import type { Group } from '#core/snapshots/groups.ts'
import type { Listing } from '#core/snapshots/listing.ts'
import { type Occasion, snapshotName, tagsOf } from '#core/snapshots/naming.ts'
import type { PlanInput } from '#core/snapshots/plan.ts'
import { manualLimit } from '#core/snapshots/quotas.ts'
import { lastSlot, type Slot } from '#core/snapshots/schedule.ts'
import { type Shelf, type Source, type SourceKind, shelfOf, snapshotId } from '#core/snapshots/snapshot.ts'
import { whyNotNow } from '#core/snapshots/windows.ts'

/** What is to be made now: the snapshots of the slot that is due, and copies of what is complete. */

export type Due = CreateAction | CopyAction

export interface CreateAction {
  readonly kind: 'create'
  readonly source: { readonly kind: SourceKind; readonly id: string; readonly region: string }
  /** Which node of a cache without cluster mode to take it of. */
  readonly node: string | undefined
  readonly shelf: Shelf
  readonly name: string
  readonly occasion: Occasion
  readonly tags: Readonly<Record<string, string>>
  readonly because: string
}

export interface CopyAction {
  readonly kind: 'copy'
  readonly source: { readonly kind: SourceKind; readonly id: string; readonly region: string }
  readonly shelf: Shelf
  readonly name: string
  /** The original, as the provider names it across regions. */
  readonly arn: string
  /** Where it goes. */
  readonly region: string
  readonly key: string | undefined
  readonly occasion: Occasion
  readonly tags: Readonly<Record<string, string>>
  readonly because: string
}

const DAY: Ms = 86_400_000
/** States in which a database takes a snapshot; every other means that something else is under way. */
const READY = new Set(['available', 'storage-optimization'])

export function dueActions(
  input: PlanInput,
  groups: readonly Group[],
): { actions: Due[]; notices: string[] } {
  const actions: Due[] = []
  const notices: string[] = []
  const held = countHeld(input.listings)
  for (const group of groups) {
    const { source, set } = group
    if (source === undefined || group.region !== source.region) continue
    if (set === undefined) {
      notices.push(`${group.sourceId} is in no set of the policy: nothing makes snapshots of it`)
      continue
    }
    const answer = dueSnapshot(input, group, source, set, held)
    if (typeof answer === 'string') notices.push(`${group.sourceId}: ${answer}`)
    else if (answer !== undefined) actions.push(answer)
    const copy = dueCopy(input, group, source, set, groups)
    if (typeof copy === 'string') notices.push(`${group.sourceId}: ${copy}`)
    else if (copy !== undefined) actions.push(copy)
  }
  return { actions, notices }
}

/** The snapshot of the slot that is due, why it does not begin now, or undefined where all is done. */
function dueSnapshot(
  input: PlanInput,
  group: Group,
  source: Source,
  set: string,
  held: Map<string, number>,
): CreateAction | string | undefined {
  const { workspace, policy, now, records, begun } = input
  const { when } = policy.sets[set] as (typeof policy.sets)[string]
  const slot = lastSlot(when.cron, policy.zone, now)
  if (slot === undefined) return undefined
  const occasion = occasionOf(workspace, set, slot)
  const name = snapshotName(occasion, source)
  if (group.members.some((member) => member.name === name)) return undefined
  const refused = records.get(
    snapshotId({ shelf: shelfOf(source.kind), region: source.region, name }),
  )?.refused
  if (refused !== undefined) return `the slot ${slot.key} failed for good: ${refused}`
  if (now - slot.instant > when['start-within'] && slot.instant < begun) return undefined
  if (now - slot.instant > when['start-within'])
    return `the slot ${slot.key} was missed: it could begin within ${Math.round(when['start-within'] / 60_000)} min, and nobody did`
  const wait =
    whyNotNow(now, policy.zone, when.avoid, source.windows) ??
    (READY.has(source.status) ? undefined : `its status is ${source.status}`) ??
    whyFull(group, source, input, held)
  if (wait !== undefined) return `the slot ${slot.key} waits: ${wait}`
  const because = `the slot ${slot.key} of ${set} is due`
  return createAction(source, occasion, because)
}

/** The snapshot of `source` on an occasion. */
export function createAction(source: Source, occasion: Occasion, because: string): CreateAction {
  const { kind, id, region } = source
  return {
    kind: 'create',
    source: { kind, id, region },
    node: kind === 'cache-cluster' ? id : source.nodes?.[0],
    shelf: shelfOf(kind),
    name: snapshotName(occasion, source),
    occasion,
    tags: tagsOf(occasion, source),
    because,
  }
}

export function occasionOf(workspace: string, set: string, slot: Pick<Slot, 'key' | 'wall'>): Occasion {
  return { workspace, set, slot: slot.key, wall: slot.wall }
}

/** Manual snapshots by shelf and region, whosever they are. */
function countHeld(listings: readonly Listing[]): Map<string, number> {
  const held = new Map<string, number>()
  for (const { shelf, region, snapshots } of listings)
    held.set(`${shelf} ${region}`, snapshots.filter(({ manual }) => manual).length)
  return held
}

/** Why a quota would refuse one more; what this plan makes before it counts, too. */
function whyFull(
  group: Group,
  source: Source,
  { policy, quotas, now }: PlanInput,
  held: Map<string, number>,
): string | undefined {
  const shelf = shelfOf(source.kind)
  if (shelf === 'caches') {
    const recent = group.members.filter(({ takenAt }) => (takenAt ?? now) > now - DAY).length
    const limit = policy.limits['cache-backups-a-day']
    return recent < limit ? undefined : `it had ${recent} backups in 24 hours, and ${limit} is the most`
  }
  const place = `${shelf} ${source.region}`
  const count = held.get(place) ?? 0
  const limit = manualLimit(policy, quotas, shelf, source.region)
  if (count >= limit)
    return `${source.region} holds ${count} manual snapshots of ${shelf}, and ${limit} is the most`
  held.set(place, count + 1)
  return undefined
}

/** A copy of the newest complete snapshot, where the other region lacks it. */
function dueCopy(
  { workspace, policy, listings, records }: PlanInput,
  group: Group,
  source: Source,
  set: string,
  groups: readonly Group[],
): CopyAction | string | undefined {
  const copy = policy.sets[set]?.copy
  if (copy === undefined || copy.region === source.region) return undefined
  if (shelfOf(source.kind) === 'caches')
    return 'a cache has no copies in other regions: the provider offers none'
  const complete = group.members.filter((member) => member.complete && member.ours)
  const newest = complete.sort((a, b) => (b.takenAt as Ms) - (a.takenAt as Ms))[0]
  if (newest?.record === undefined || newest.snapshot.arn === undefined) return undefined
  const there = groups.find((each) => each.sourceId === group.sourceId && each.region === copy.region)
  if (there?.members.some(({ name }) => name === newest.name)) return undefined
  const refused = records.get(snapshotId({ ...newest.snapshot, region: copy.region }))?.refused
  if (refused !== undefined) return `the copy of ${newest.name} failed for good: ${refused}`
  const listing = listings.find(
    ({ shelf, region }) => shelf === newest.snapshot.shelf && region === copy.region,
  )
  if (listing === undefined || listing.missing !== undefined)
    return `no copy: ${copy.region} could not be listed`
  if (newest.snapshot.key !== undefined && copy.key === undefined)
    return `no copy: it is encrypted, and the policy names no key in ${copy.region} (copy.key)`
  const { slot, wall } = newest.record
  const occasion = { workspace, set, slot, wall }
  return {
    kind: 'copy',
    source: { kind: source.kind, id: source.id, region: source.region },
    ...{ shelf: newest.snapshot.shelf, name: newest.name, arn: newest.snapshot.arn },
    ...{ region: copy.region, key: copy.key, occasion, tags: tagsOf(occasion, source) },
    because: `the newest complete snapshot is not in ${copy.region} yet`,
  }
}
