import type { Ms } from '#core/clock.ts'
import { type Group, type GroupInput, groupSnapshots, keepOf } from '#core/snapshots/groups.ts'
import type { Policy } from '#core/snapshots/policy.ts'
import { manualLimit, type QuotaReading } from '#core/snapshots/quotas.ts'
import { type Change, simulate } from '#core/snapshots/simulate.ts'
import { type Shelf, type Snapshot, shelfOf } from '#core/snapshots/snapshot.ts'
import { type PreviousPolicy, tightenedWaits } from '#core/snapshots/tightened.ts'
import { formatDay } from '#core/snapshots/zone.ts'

/**
 * Whether a policy will fit into the provider's quotas: it is lived through day by day, with everybody else's
 * snapshots standing where they stand now.
 */
export interface Forecast {
  readonly from: Ms
  readonly days: number
  readonly quotas: readonly QuotaForecast[]
  /** When each of our snapshots will be deleted, by {@link snapshotId}; absent where it outlives the forecast. */
  readonly expiries: ReadonlyMap<string, Ms>
}

export interface QuotaForecast {
  /** `manual snapshots of rds-instances in eu-central-1`, `backups in 24 hours of cache-cluster/ID`. */
  readonly quota: string
  readonly limit: number
  readonly now: number
  /** Of those now: what is not ours. */
  readonly foreign: number
  readonly peak: number
  readonly peakAt: Ms
  /** When the next one would be refused; undefined where it never is. */
  readonly wallAt: Ms | undefined
}

const DAY: Ms = 86_400_000

export interface ForecastInput extends GroupInput {
  readonly quotas: readonly QuotaReading[]
  /** Policies that were in force before: what they kept goes later. */
  readonly previous: readonly PreviousPolicy[]
}

/** The policy over `days` days from `now`; `snapshots` hold all that the account has on each shelf. */
export function forecast(input: ForecastInput, now: Ms, days: number): Forecast {
  const { snapshots, policy } = input
  const groups = groupSnapshots(input)
  const expiries = new Map<string, Ms>()
  const changes = new Map<string, Change[]>()
  const quotas: QuotaForecast[] = []
  for (const group of withCopies(groups, policy)) {
    const keep = keepOf(policy, group)
    const rules = group.set === undefined ? undefined : policy.sets[group.set]
    if (group.source === undefined || keep === undefined || rules === undefined) continue
    const ours = group.members.filter((member) => member.ours)
    const waits = tightenedWaits(group, { policy, previous: input.previous, now })
    const future = simulate(ours, {
      ...{ cron: rules.when.cron, keep, zone: policy.zone, from: now, until: now + days * DAY },
      waits: new Map([...waits].map(([{ name }, until]) => [name, until])),
    })
    const shelf = shelfOf(group.source.kind)
    for (const [name, at] of future.expiries) expiries.set(`${shelf}/${group.region}/${name}`, at)
    const place = `${shelf} ${group.region}`
    const list = changes.get(place) ?? []
    list.push(...future.changes)
    changes.set(place, list)
    if (shelf === 'caches')
      quotas.push(dailyBackups(group, future.changes, policy.limits['cache-backups-a-day'], now))
  }
  for (const [place, list] of changes) {
    const [shelf, region] = place.split(' ') as [Shelf, string]
    if (shelf !== 'caches') quotas.push(shelfQuota({ shelf, region }, snapshots, list, groups, input, now))
  }
  return { from: now, days, quotas: quotas.sort((a, b) => (a.quota < b.quota ? -1 : 1)), expiries }
}

/** The first wall that a policy hits; undefined where it hits none. */
export function firstWall({ quotas }: Forecast): QuotaForecast | undefined {
  const walls = quotas.filter(({ wallAt }) => wallAt !== undefined)
  return walls.sort((a, b) => (a.wallAt as Ms) - (b.wallAt as Ms))[0]
}

/** `on 2027-01-12 the 101st of 100 manual snapshots of rds-instances in eu-central-1 would be refused`. */
export function describeWall({ quota, limit, wallAt, foreign }: QuotaForecast, zone: Policy['zone']): string {
  const others = foreign === 0 ? '' : `, ${foreign} of which are not ours`
  return `on ${formatDay(zone.wallAt(wallAt as Ms))} number ${limit + 1} of ${limit} ${quota} would be refused${others}`
}

/** A copy goes to a region where there may be none yet. */
function withCopies(groups: readonly Group[], policy: Policy): Group[] {
  const known = new Set(groups.map((group) => `${group.sourceId} ${group.region}`))
  const missing = groups.flatMap((group): Group[] => {
    const region = group.set === undefined ? undefined : policy.sets[group.set]?.copy?.region
    const { source } = group
    if (source === undefined || region === undefined || region === source.region) return []
    if (shelfOf(source.kind) === 'caches' || known.has(`${group.sourceId} ${region}`)) return []
    return group.region === source.region ? [{ ...group, region, members: [] }] : []
  })
  return [...groups, ...missing]
}

function shelfQuota(
  { shelf, region }: { readonly shelf: Shelf; readonly region: string },
  snapshots: readonly Snapshot[],
  changes: readonly Change[],
  groups: readonly Group[],
  { policy, quotas }: ForecastInput,
  now: Ms,
): QuotaForecast {
  const all = snapshots.filter((each) => each.manual && each.shelf === shelf && each.region === region)
  const ours = groups
    .filter((group) => group.region === region)
    .flatMap(({ members }) => members.filter((member) => member.ours && member.snapshot.shelf === shelf))
  const limit = manualLimit(policy, quotas, shelf, region)
  return {
    quota: `manual snapshots of ${shelf} in ${region}`,
    ...{ limit, now: all.length, foreign: all.length - ours.length },
    ...climb(all.length, changes, limit, now),
  }
}

/** The highest count, and the first that is beyond the limit. */
function climb(start: number, changes: readonly Change[], limit: number, now: Ms) {
  let [count, peak, peakAt] = [start, start, now]
  let wallAt: Ms | undefined
  // Who adds at an instant comes before who deletes then: another's delete may be late.
  for (const { at, by } of [...changes].sort((a, b) => a.at - b.at || b.by - a.by)) {
    count += by
    if (count > peak) [peak, peakAt] = [count, at]
    if (count > limit && by > 0) wallAt ??= at
  }
  return { peak, peakAt, wallAt }
}

/** Backups of one cache within any 24 hours; deleting one gives none back. */
function dailyBackups(group: Group, changes: readonly Change[], limit: number, now: Ms): QuotaForecast {
  const recent = group.members.filter(
    ({ takenAt }) => takenAt !== undefined && takenAt > now - DAY && takenAt <= now,
  )
  const times = [
    ...recent.map(({ takenAt }) => takenAt as Ms),
    ...changes.filter(({ by }) => by > 0).map(({ at }) => at),
  ]
  times.sort((a, b) => a - b)
  let [peak, peakAt, first] = [recent.length, now, 0]
  let wallAt: Ms | undefined
  for (const [index, at] of times.entries()) {
    while ((times[first] as Ms) <= at - DAY) first++
    const count = index - first + 1
    if (count > peak) [peak, peakAt] = [count, at]
    if (count > limit && at > now) wallAt ??= at
  }
  return {
    quota: `backups in 24 hours of ${group.sourceId}`,
    ...{ limit, now: recent.length, foreign: recent.filter(({ ours }) => !ours).length },
    ...{ peak, peakAt, wallAt },
  }
}
