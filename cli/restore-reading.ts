import { isPgctlError, messageOf } from '#core/errors.ts'
import { redisUsePatterns } from '#core/installation/profile.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { carryOutRestore } from '#core/snapshots/io/restore.ts'
import { cacheUse } from '#core/snapshots/restore/cache-use.ts'
import { planRestore, type RestorePlan } from '#core/snapshots/restore/plan.ts'
import type { StepProgress } from '#core/snapshots/restore/progress.ts'
import type { NewestSnapshot } from '#core/snapshots/restore/restore-api.ts'
import { type TerraformPick, terraformPicks } from '#core/snapshots/restore/terraform-pick.ts'
import type { SourceKind } from '#core/snapshots/snapshot.ts'
import { sourceId } from '#core/snapshots/snapshot.ts'
import type { Deps } from './deps.ts'
import { findWholePoint, type SnapshotView } from './snapshot-reading.ts'

export interface RestoreWishes {
  readonly point: string
  readonly only: readonly string[]
  readonly gateGroup: string | undefined
}

/** A plan, with what a person needs to know beside it. */
export interface RestoreView {
  readonly plan: RestorePlan
  readonly picks: readonly TerraformPick[]
  readonly namespace: string
  /** The originals that are still there, by `kind/id`. */
  readonly originals: ReadonlySet<string>
}

export async function readRestore(
  deps: Deps,
  view: SnapshotView,
  wishes: RestoreWishes,
  signal: AbortSignal,
): Promise<RestoreView> {
  const { workspace, region } = deps.installation
  const point = findWholePoint(view, wishes.point)
  const patterns = redisUsePatterns(deps.profile, workspace)
  const snapshots = view.input.listings.flatMap((listing) => listing.snapshots)
  const plan = planRestore({
    ...{ workspace, region, point, record: view.pointRecords.get(point.id), sources: view.input.sources },
    arnOf: (name, place) => snapshots.find((each) => each.name === name && each.region === place)?.arn,
    use: (id) => cacheUse(id, workspace, view.input.policy.redis, patterns),
    ...{ only: wishes.only, gateGroup: wishes.gateGroup },
  })
  const newest = new Map<string, NewestSnapshot | undefined>()
  const unread: string[] = []
  for (const step of plan.steps) {
    if (step.kind !== 'rds-instance' && step.kind !== 'rds-cluster') continue
    const [kind, id] = step.sourceId.split('/') as [SourceKind, string]
    try {
      newest.set(step.sourceId, await deps.restoreApi.newest({ kind, id, region: step.region }, signal))
    } catch (error) {
      if (!isPgctlError(error) || error.code === 'interrupted') throw error
      unread.push(`what Terraform would take for ${step.sourceId} is not known: ${messageOf(error)}`)
    }
  }
  return {
    plan: { ...plan, notices: [...plan.notices, ...unread] },
    picks: terraformPicks(plan, newest),
    namespace: deps.namespace,
    originals: new Set(view.input.sources.map(sourceId)),
  }
}

/** Carries out `plan` in the account that is pinned. */
export async function runRestore(
  deps: Deps,
  plan: RestorePlan,
  { wait, onProgress }: { wait: boolean; onProgress: (progress: readonly StepProgress[]) => void },
  signal: AbortSignal,
): Promise<StepProgress[]> {
  await deps.identity(signal)
  const shell = { api: deps.restoreApi, clock: systemClock, wait, onProgress, signal }
  return await carryOutRestore(plan, shell)
}
