import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { readDocument } from '#core/installation/located-document.ts'
import { type Cron, parseCron } from '#core/snapshots/cron.ts'
import { CACHE_USES } from '#core/snapshots/restore/cache-use.ts'
import { type Avoided, parseAvoided } from '#core/snapshots/windows.ts'
import { Zone } from '#core/snapshots/zone.ts'
import { parseDuration } from '#core/text/duration.ts'

/**
 * What is snapshotted, when, and how long it is kept: `snapshots.yaml`, as a person writes it. A file that is not
 * understood in full is refused: a rule that is silently left out deletes what somebody meant to keep.
 */

/** A slot is a whole point of the installation; more often than hourly no provider can. */
const MOST_SLOTS_A_DAY = 24

const durationSchema = z.string().transform((text, context): Ms => {
  const span = parseDuration(text)
  if (span !== undefined) return span
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(text)} is no span of time, such as 90m or 7d`,
  })
  return z.NEVER
})

const zoneSchema = z.string().transform((name, context): Zone => {
  try {
    return new Zone(name)
  } catch {
    context.addIssue({
      code: 'custom',
      message: `${JSON.stringify(name)} is no time zone, such as Europe/Berlin`,
    })
    return z.NEVER
  }
})

const cronSchema = z.string().transform((text, context): Cron => {
  const cron = parseCron(text)
  if (typeof cron !== 'string' && cron.times.length <= MOST_SLOTS_A_DAY) return cron
  context.addIssue({
    code: 'custom',
    message: typeof cron === 'string' ? cron : `${JSON.stringify(text)} is due more often than once an hour`,
  })
  return z.NEVER
})

const avoidSchema = z.string().transform((text, context): Avoided => {
  const span = parseAvoided(text)
  if (span !== undefined) return span
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(text)} is no window, such as "tue 04:00-05:00"`,
  })
  return z.NEVER
})

const COUNTS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const

const count = z.union([z.literal('all'), z.int().min(0).max(10_000)])

const keepSchema = z
  .strictObject({
    last: count.default(0),
    hourly: count.default(0),
    daily: count.default(0),
    weekly: count.default(0),
    monthly: count.default(0),
    yearly: count.default(0),
    within: durationSchema.optional(),
    /** From where `within` counts back: the newest complete snapshot, or the clock. */
    relative: z.enum(['newest', 'now']).default('newest'),
    /** Any of the lists, each with all of its tags. */
    tags: z.array(z.array(z.string().min(1)).min(1)).default([]),
    /** Complete snapshots that remain whatever the other rules say. */
    minimum: z.int().min(1).max(1_000).default(2),
  })
  .refine((keep) => !isEmpty(keep), 'it keeps nothing: name at least one rule, such as daily: 7')

const setSchema = z.strictObject({
  what: z.array(z.string().min(1)).min(1),
  when: z.strictObject({
    cron: cronSchema,
    /** How late a slot may still begin. */
    'start-within': durationSchema.default(4 * 3_600_000),
    avoid: z.array(avoidSchema).default([]),
  }),
  keep: keepSchema,
  copy: z
    .strictObject({
      region: z.string().min(1),
      key: z.string().min(1).optional(),
      keep: keepSchema.optional(),
    })
    .optional(),
})

const limitsSchema = z.strictObject({
  /** Deletes of one run. */
  deletes: z.int().min(0).max(1_000).default(10),
  /** How long a rule that keeps less waits before it deletes. */
  'tightened-after': durationSchema.default(7 * 86_400_000),
  /** Manual snapshots that a region may hold, for each of instances and clusters; the quota, unless this is less. */
  'rds-snapshots': z.int().min(1).optional(),
  /** Backups of one node in 24 hours. */
  'cache-backups-a-day': z.int().min(1).default(20),
})

const policySchema = z.strictObject({
  zone: zoneSchema,
  sets: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, 'a set has a short name of a-z, 0-9 and -'), setSchema)
    .refine((sets) => Object.keys(sets).length > 0, 'it names no set'),
  limits: limitsSchema.prefault({}),
  /** What a Redis is used for, by id or short name, where its name does not say it. */
  redis: z.record(z.string().min(1), z.enum(CACHE_USES)).default({}),
})

export type Policy = z.infer<typeof policySchema>
export type SnapshotSet = z.infer<typeof setSchema>
export type Keep = z.infer<typeof keepSchema>
export type KeepCount = z.infer<typeof count>

const KNOWN_KEYS = [
  ...Object.keys(policySchema.shape),
  ...Object.keys(setSchema.shape),
  ...['cron', 'start-within', 'avoid', 'region', 'key'],
  ...COUNTS,
  ...['within', 'relative', 'tags', 'minimum'],
  ...Object.keys(limitsSchema.shape),
]

/**
 * Reads a policy from the text of its file. `source` names the file in errors.
 * @throws PgctlError `config-invalid`, naming each line that is wrong.
 */
export function parsePolicy(text: string, source: string): Policy {
  return readDocument(text, policySchema, { source, what: 'the snapshot policy', known: KNOWN_KEYS })
}

/** The set that `source` belongs to: the first that names it, its kind's family, or `all`. */
export function setOf(
  policy: Policy,
  { id, kind }: { id: string; kind: string },
  workspace: string,
): string | undefined {
  const words = wordsFor({ id, kind }, workspace)
  return Object.keys(policy.sets).find((name) => policy.sets[name]?.what.some((word) => words.has(word)))
}

function wordsFor({ id, kind }: { id: string; kind: string }, workspace: string): Set<string> {
  const family = kind === 'bucket' ? 'buckets' : kind.startsWith('rds') ? 'postgres' : 'redis'
  const short = shortOf(id, workspace)
  return new Set(['all', family, id, short, `${family}-${short}`])
}

/** Clauses about names in a policy that mean nothing there is, as a slip of the pen does; `things` are all there are. */
export function strayNames(
  { sets, redis }: Pick<Policy, 'sets' | 'redis'>,
  things: readonly { readonly id: string; readonly kind: string }[],
  workspace: string,
): string[] {
  const meant = new Set(['all', 'postgres', 'redis', 'buckets'])
  for (const thing of things) for (const word of wordsFor(thing, workspace)) meant.add(word)
  const caches = things.filter(({ kind }) => kind.startsWith('cache'))
  const ofCaches = new Set(caches.flatMap(({ id }) => [id, shortOf(id, workspace)]))
  const places = [
    ...Object.entries(sets).map(([name, { what }]) => [`the set ${name}`, what, meant] as const),
    ['redis', Object.keys(redis), ofCaches] as const,
  ]
  return places.flatMap(([place, words, known]) =>
    words
      .filter((word) => !known.has(word))
      .map((word) => `${place} of the policy names ${word}, and there is nothing of that name`),
  )
}

function shortOf(id: string, workspace: string): string {
  return id.startsWith(`${workspace}-`) ? id.slice(workspace.length + 1) : id
}

/** Whether no rule beside the minimum keeps anything. */
function isEmpty(
  keep: { readonly [rule in (typeof COUNTS)[number]]: KeepCount } & {
    readonly within?: Ms | undefined
    readonly tags: readonly unknown[]
  },
): boolean {
  return COUNTS.every((rule) => keep[rule] === 0) && keep.within === undefined && keep.tags.length === 0
}
