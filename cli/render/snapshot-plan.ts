import { describeWall, firstWall } from '#core/snapshots/forecast.ts'
import type { Action, Plan } from '#core/snapshots/plan.ts'
import type { Result, RunReport } from '#core/snapshots/run.ts'
import { sourceId } from '#core/snapshots/snapshot.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { SnapshotView } from '../snapshot-reading.ts'
import { columns } from './columns.ts'
import type { Paint } from './error.ts'

/** What is to be done, and what came of it. */

export function renderPlan(view: SnapshotView, paint: Paint): string {
  const { plan, ahead, input } = view
  const wall = firstWall(ahead)
  return [
    paint('dim', `by ${neutralise(view.policyFrom)}`),
    ...(plan.actions.length === 0 ? ['nothing is to be done now'] : actionLines(plan)),
    ...plan.notices.map((notice) => `${paint('yellow', 'notice:')} ${neutralise(notice)}`),
    ...(wall === undefined ? [] : [`${paint('yellow', 'notice:')} ${describeWall(wall, input.policy.zone)}`]),
    `kept: ${plan.verdicts.filter(({ keep }) => keep).length} of ${plan.verdicts.length} snapshots`,
    `plan ${plan.digest}`,
  ].join('\n')
}

export function planDocument({ plan, policyFrom }: SnapshotView): object {
  return {
    ...{ policy: policyFrom, at: new Date(plan.at).toISOString(), digest: plan.digest },
    actions: plan.actions.map(actionDocument),
    notices: plan.notices,
    verdicts: plan.verdicts.map(({ name, region, sourceId, takenAt, ours, keep, reasons }) => ({
      ...{ name, region, source: sourceId, ours, keep, reasons },
      takenAt: takenAt === undefined ? null : new Date(takenAt).toISOString(),
    })),
  }
}

export function renderRun({ results }: RunReport, { actions }: Plan, paint: Paint): string {
  if (actions.length === 0) return 'there is nothing to do'
  const rows = results.map(({ action, outcome, region, name, sourceId, why }) => [
    action,
    outcome,
    ...[sourceId, region, name, why ?? ''].map(neutralise),
  ])
  const colour = { failed: 'red', later: 'yellow', skipped: 'yellow' } as const
  return columns(rows)
    .map((line, index) => {
      const { outcome } = results[index] as Result
      return outcome in colour ? paint(colour[outcome as keyof typeof colour], line) : line
    })
    .join('\n')
}

export function runDocument({ results }: RunReport, { digest, actions }: Plan): object {
  return {
    digest,
    planned: actions.length,
    results: results.map(({ sourceId, why, ...rest }) => ({ ...rest, source: sourceId, why: why ?? null })),
  }
}

function actionLines({ actions }: Plan): string[] {
  return columns(
    actions.map((action) =>
      [action.kind, sourceOf(action), regionOf(action), action.name, action.because].map(neutralise),
    ),
  )
}

function actionDocument(action: Action): object {
  const { kind, name, because } = action
  return { kind, source: sourceOf(action), region: regionOf(action), name, because }
}

function sourceOf(action: Action): string {
  return action.kind === 'delete' ? action.sourceId : sourceId(action.source)
}

function regionOf(action: Action): string {
  return action.kind === 'create' ? action.source.region : action.region
}
