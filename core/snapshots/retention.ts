import type { Ms } from '#core/clock.ts'
import type { Keep, KeepCount } from '#core/snapshots/policy.ts'
import { formatDay, type WallTime, type Zone } from '#core/snapshots/zone.ts'

/**
 * Which snapshots of one group (a datastore in a region) a policy keeps, and why; every one that it does not keep
 * has a reason, too.
 *
 * The rules are those of restic, in the policy's zone: from the newest to the oldest each rule keeps the newest of
 * each of its buckets (an hour, a day, an ISO week, a month, a year), an empty bucket uses up nothing, and a rule that
 * could keep more keeps the oldest. Rules are joined by *or*. What is not complete, not ours or dated in the future
 * satisfies no rule and is never deleted.
 */
export interface Kept<T> {
  readonly snapshot: T
  readonly keep: boolean
  /** Clauses: "the newest of its day (3 of 7)". */
  readonly reasons: readonly string[]
}

/** What the rules look at. */
export interface Retained {
  readonly name: string
  /** Undefined where nobody knows: such a one is kept. */
  readonly takenAt: Ms | undefined
  readonly complete: boolean
  readonly ours: boolean
  readonly tags: Readonly<Record<string, string>>
}

/** Tags that a person sets, in a console or by `pgctl snapshots pin`; honoured on everything. */
export const HOLD_TAG = 'hold'
export const HOLD_UNTIL_TAG = 'hold-until'

interface Candidate<T> {
  readonly snapshot: T
  readonly at: Ms
  readonly wall: WallTime
  readonly reasons: string[]
}

/** A verdict for each snapshot, newest first; those without a date come last. */
export function applyRetention<T extends Retained>(
  snapshots: readonly T[],
  keep: Keep,
  zone: Zone,
  now: Ms,
): Kept<T>[] {
  const verdicts: Kept<T>[] = []
  const candidates: Candidate<T>[] = []
  for (const snapshot of [...snapshots].sort(newestFirst)) {
    const exempt = whyExempt(snapshot, now)
    if (exempt !== undefined) verdicts.push({ snapshot, keep: true, reasons: [exempt] })
    else {
      const at = snapshot.takenAt as Ms
      candidates.push({ snapshot, at, wall: zone.wallAt(at), reasons: [] })
    }
  }
  candidates[0]?.reasons.push('the newest')
  for (const { reasons } of candidates.slice(0, keep.minimum))
    reasons.push(`one of the ${keep.minimum} complete ones that always remain`)
  keepHeld(candidates, zone, now)
  keepTagged(candidates, keep.tags)
  keepWithin(candidates, keep, now)
  for (const tier of TIERS) keepBuckets(candidates, tier, keep[tier.rule])
  for (const { snapshot, reasons } of candidates)
    verdicts.push(
      reasons.length > 0
        ? { snapshot, keep: true, reasons }
        : { snapshot, keep: false, reasons: [`no rule keeps it: ${describeKeep(keep)}`] },
    )
  return verdicts.sort((a, b) => newestFirst(a.snapshot, b.snapshot))
}

/** The rules of `keep` in one clause: `last 3, daily 7, within 2d, at least 2`. */
export function describeKeep(keep: Keep): string {
  const tiers = TIERS.filter(({ rule }) => keep[rule] !== 0).map(({ rule }) => `${rule} ${keep[rule]}`)
  const within = keep.within === undefined ? [] : [`within ${Math.round(keep.within / HOUR)}h`]
  const tags = keep.tags.length === 0 ? [] : [`tags ${keep.tags.map((tag) => tag.join('+')).join(' or ')}`]
  return [...tiers, ...within, ...tags, `at least ${keep.minimum}`].join(', ')
}

const HOUR: Ms = 3_600_000
const DAY: Ms = 86_400_000

interface Tier {
  readonly rule: 'last' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly'
  readonly what: string
  /** The bucket that a local time falls into; `index` is its place from the newest. */
  bucket(wall: WallTime, index: number): number
}

const TIERS: readonly Tier[] = [
  { rule: 'last', what: 'one of the last', bucket: (_wall, index) => index },
  { rule: 'hourly', what: 'the newest of its hour', bucket: (wall) => Math.floor(wall / HOUR) },
  { rule: 'daily', what: 'the newest of its day', bucket: (wall) => Math.floor(wall / DAY) },
  // Weeks begin on Monday, and 1970-01-01 was a Thursday.
  { rule: 'weekly', what: 'the newest of its week', bucket: (wall) => Math.floor((wall / DAY + 3) / 7) },
  {
    rule: 'monthly',
    what: 'the newest of its month',
    bucket: (wall) => new Date(wall).getUTCFullYear() * 12 + new Date(wall).getUTCMonth(),
  },
  { rule: 'yearly', what: 'the newest of its year', bucket: (wall) => new Date(wall).getUTCFullYear() },
]

function newestFirst(a: Retained, b: Retained): number {
  return (
    (b.takenAt ?? -Infinity) - (a.takenAt ?? -Infinity) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  )
}

function whyExempt({ ours, complete, takenAt }: Retained, now: Ms): string | undefined {
  if (!ours) return 'it is not ours'
  if (!complete) return 'it is not complete, or not yet'
  if (takenAt === undefined) return 'nobody says when it was taken'
  return takenAt > now ? 'it is dated in the future' : undefined
}

function keepHeld<T extends Retained>(candidates: readonly Candidate<T>[], zone: Zone, now: Ms): void {
  for (const { snapshot, reasons } of candidates) {
    const held = whyHeld(snapshot.tags, zone, now)
    if (held !== undefined) reasons.push(held)
  }
}

/** What a person's tag says, in a clause; undefined where none holds it. */
export function whyHeld(tags: Readonly<Record<string, string>>, zone: Zone, now: Ms): string | undefined {
  if (tags[HOLD_TAG] !== undefined) return 'it is pinned'
  const until = tags[HOLD_UNTIL_TAG]
  // What cannot be read as a day holds for good: somebody meant something by it.
  const isOver = until !== undefined && /^\d{4}-\d\d-\d\d$/.test(until) && until < formatDay(zone.wallAt(now))
  return until === undefined || isOver ? undefined : `it is held until ${until}`
}

function keepTagged<T extends Retained>(candidates: readonly Candidate<T>[], lists: Keep['tags']): void {
  for (const { snapshot, reasons } of candidates)
    for (const list of lists)
      if (list.every((tag) => hasTag(snapshot.tags, tag))) reasons.push(`it has the tags ${list.join('+')}`)
}

/** `KEY` or `KEY=VALUE`. */
function hasTag(tags: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  if (equals < 0) return tags[wanted] !== undefined
  return tags[wanted.slice(0, equals)] === wanted.slice(equals + 1)
}

function keepWithin<T extends Retained>(candidates: readonly Candidate<T>[], keep: Keep, now: Ms): void {
  const newest = candidates[0]
  if (keep.within === undefined || newest === undefined) return
  const horizon = (keep.relative === 'now' ? now : newest.at) - keep.within
  for (const { at, reasons } of candidates)
    if (at > horizon)
      reasons.push(
        `within ${Math.round(keep.within / HOUR)}h of ${keep.relative === 'now' ? 'now' : 'the newest'}`,
      )
}

function keepBuckets<T>(
  candidates: readonly Candidate<T>[],
  { rule, what, bucket }: Tier,
  count: KeepCount,
): void {
  const most = count === 'all' ? Infinity : count
  let used = 0
  let last: number | undefined
  for (const [index, { wall, reasons }] of candidates.entries()) {
    if (used >= most) return
    const value = bucket(wall, index)
    const isNewest = value !== last
    if (!isNewest && index !== candidates.length - 1) continue
    last = value
    used++
    reasons.push(`${isNewest ? what : `the oldest, while the rule ${rule} has room`} (${used} of ${count})`)
  }
}
