import type { Ms } from '#core/clock.ts'
import type { Freshness } from '#core/snapshots/freshness.ts'
import type { Plan } from '#core/snapshots/plan.ts'
import type { Result } from '#core/snapshots/run.ts'
import type { Check } from '#core/snapshots/verify.ts'

/** What a scheduled run tells of itself: fields of one line, figures for alarms, and each trouble in words. */
interface Told {
  readonly results: readonly Result[]
  readonly plan: Plan
  readonly checks: readonly Check[]
  readonly freshness: readonly Freshness[] | undefined
  readonly refused: string | undefined
}

/** Figures that belong together, and of what. */
export interface FigureSeries {
  readonly dimensions: Readonly<Record<string, string>>
  readonly figures: Readonly<Record<string, number | undefined>>
}

const HOUR: Ms = 3_600_000

const OUTCOMES = ['started', 'adopted', 'deleted', 'skipped', 'later', 'failed'] as const

export function summaryOf({ results, plan, checks, refused }: Told) {
  const counts = OUTCOMES.map((word) => [word, results.filter(({ outcome }) => outcome === word).length])
  return {
    digest: plan.digest,
    ...(Object.fromEntries(counts) as Record<(typeof OUTCOMES)[number], number>),
    checksFailed: checks.filter(({ passed }) => !passed).length,
    policyRefused: refused !== undefined,
  }
}

/** What a person should know of: what was not done, what did not pass, what the plan has to say. */
export function troublesOf({
  results,
  plan,
  checks,
}: Told): { readonly what: string; readonly why: string }[] {
  return [
    ...results.flatMap(({ action, name, why }) =>
      why === undefined ? [] : [{ what: `${action} ${name}`, why }],
    ),
    ...checks
      .filter(({ passed }) => !passed)
      .map(({ set, says }) => ({ what: `check ${set}`.trim(), why: says })),
    ...plan.notices.map((why) => ({ what: 'plan', why })),
  ]
}

/**
 * The age of the last complete and verified point: of each datastore, and the highest of all, which the alarm looks at.
 * It is left out where not everything was seen, or nothing was found: an alarm takes what is missing for a failure.
 */
export function figuresOf(told: Told, workspace: string): FigureSeries[] {
  const { freshness = [] } = told
  const { failed, checksFailed } = summaryOf(told)
  const hours = ({ age }: Pick<Freshness, 'age'>) => Math.round((age / HOUR) * 100) / 100
  const oldest = freshness.length === 0 ? undefined : Math.max(...freshness.map(hours))
  return [
    {
      dimensions: { Workspace: workspace },
      figures: {
        SnapshotAgeHours: oldest,
        SnapshotChecksFailed: checksFailed,
        SnapshotsFailed: failed,
      },
    },
    ...freshness.map((each) => ({
      dimensions: { Workspace: workspace, Datastore: each.sourceId },
      figures: { SnapshotAgeHours: hours(each) },
    })),
  ]
}
