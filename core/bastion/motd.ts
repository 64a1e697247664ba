import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import type { InstallationFile } from '#core/installation/installation-file.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { LifeState } from './life-state.ts'
import { policyOf } from './policy.ts'
import { describeNext, describeUp } from './schedule-words.ts'
import { describeSpan } from './spans.ts'

/**
 * What somebody reads who has just logged in. The facts are gathered by root once a minute and lie in a file: the person
 * at the prompt has no right to ask for them, and waits for nothing.
 */

export const MOTD_FACTS_FILE = '/run/pgctl/motd.json'

const schema = z.object({
  v: z.literal(1),
  at: z.number(),
  /** Programs and their versions. */
  versions: z.record(z.string(), z.string()),
  /** The verdict on the license and its sentence; null where none is known. */
  license: z.object({ verdict: z.string(), sentence: z.string(), until: z.string().nullable() }).nullable(),
  /** Sessions that something runs for. */
  sessions: z.array(z.string()),
  /** What is written down of the bastion's life; null where that could not be read. */
  life: z
    .object({
      /** Null where the function that looks after it has not said by what. */
      rules: z.object({ idleAfter: z.number().nullable(), hours: z.string().nullable() }).nullable(),
      stale: z.boolean(),
      leases: z.array(z.object({ owner: z.string(), reason: z.string(), until: z.number() })),
    })
    .nullable(),
})

export type MotdFacts = z.infer<typeof schema>

/** Facts that are older than this are no longer told as if they were so. */
const STALE: Ms = 10 * 60_000

export function parseMotdFacts(text: string): MotdFacts | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** The part of the bastion's life that everybody on it may know. */
export function lifeFacts(state: LifeState): NonNullable<MotdFacts['life']> {
  return {
    rules: state.rules,
    stale: state.staleFor > 0,
    leases: state.leases.map(({ owner, reason, until }) => ({ owner, reason, until })),
  }
}

/** `session`: the reader's own, who is not told of themself. */
export function renderMotd(
  { name, workspace, region, account }: InstallationFile,
  facts: MotdFacts | undefined,
  { now, session }: { readonly now: Ms; readonly session?: string | undefined },
): string {
  const fresh = facts !== undefined && Math.abs(now - facts.at) <= STALE ? facts : undefined
  const rows: [string, string][] = [
    ['cluster', 'kubectl, helm and pgctl lead to it, with your own rights'],
    ['versions', facts === undefined ? 'not known' : versionsOf(facts)],
    ['license', fresh === undefined ? 'not known' : licenseOf(fresh)],
    ['with you', fresh === undefined ? 'not known' : othersOf(fresh, session)],
    ['stops', fresh === undefined ? 'not known' : stopOf(fresh, now)],
  ]
  return [
    `${name}  ${workspace}, ${region}, account ${account}`,
    '',
    ...rows.map(([what, says]) => `  ${what.padEnd(8)}  ${neutralise(says)}`),
    '',
  ].join('\n')
}

function versionsOf({ versions }: MotdFacts): string {
  const each = Object.entries(versions).map(([program, version]) => `${program} ${version}`)
  return each.length === 0 ? 'not known' : each.join(', ')
}

function licenseOf({ license }: MotdFacts): string {
  if (license === null) return 'none is known'
  const until = license.until === null ? '' : `, until ${license.until.slice(0, 10)}`
  return `${license.verdict}: ${license.sentence}${until}`
}

/** A session is named `WHO-` and letters that the service draws. */
function othersOf({ sessions }: MotdFacts, own: string | undefined): string {
  const others = sessions.filter((id) => id !== own).map((id) => id.replace(/-[0-9a-z]{10,}$/, ''))
  return others.length === 0 ? 'nobody' : [...new Set(others)].sort().join(', ')
}

function stopOf({ life }: MotdFacts, now: Ms): string {
  if (life === null) return 'not known'
  const held = life.leases
    .filter(({ until }) => until > now)
    .map(
      ({ owner, reason, until }) => `held by ${owner} for another ${describeSpan(until - now)} ("${reason}")`,
    )
  const newer = life.stale ? ['a newer image takes its place when nobody is on it'] : []
  return [...held, ...idleStop(life, now), ...newer].join('; ')
}

function idleStop({ rules }: NonNullable<MotdFacts['life']>, now: Ms): string[] {
  if (rules === null) return ['not known yet: what looks after it has not said']
  const { schedule } = policyOf(rules)
  const [up, next] = [schedule?.at(now), schedule?.next(now)]
  if (up !== undefined && up.until === undefined) return [describeUp(up, now)]
  const after =
    rules.idleAfter === null
      ? 'not by itself'
      : `${describeSpan(rules.idleAfter)} after the last of you has gone; pgctl bastion hold keeps it longer`
  return [
    ...(up === undefined ? [after] : [describeUp(up, now), `then ${after}`]),
    ...(up === undefined && next !== undefined ? [`up again by schedule, ${describeNext(next, now)}`] : []),
  ]
}
