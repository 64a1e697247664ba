import type { RestorePlan } from '#core/snapshots/restore/plan.ts'
import type { NewestSnapshot } from '#core/snapshots/restore/restore-api.ts'

/**
 * What Terraform would restore a database from, where it is told to take the most recent snapshot: the newest of any
 * type, by the date that the provider gives it. Ours count, too, so that making one changes what Terraform takes.
 */
export interface TerraformPick {
  readonly sourceId: string
  readonly newest: NewestSnapshot | undefined
  /** Whether that is what this restore takes. */
  readonly isThisPoint: boolean
}

/** One for each database of the plan; `newest` is by `kind/id`. */
export function terraformPicks(
  { steps }: RestorePlan,
  newest: ReadonlyMap<string, NewestSnapshot | undefined>,
): TerraformPick[] {
  return steps.flatMap(({ kind, sourceId, snapshot }) =>
    kind === 'rds-instance' || kind === 'rds-cluster'
      ? [
          {
            sourceId,
            newest: newest.get(sourceId),
            isThisPoint: snapshot !== undefined && newest.get(sourceId)?.name === snapshot,
          },
        ]
      : [],
  )
}
