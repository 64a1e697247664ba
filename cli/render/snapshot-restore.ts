import type { RestorePlan, RestoreStep } from '#core/snapshots/restore/plan.ts'
import type { StepProgress } from '#core/snapshots/restore/progress.ts'
import { type Instruction, removal, switchBack, switchOver } from '#core/snapshots/restore/switch.ts'
import type { TerraformPick } from '#core/snapshots/restore/terraform-pick.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { RestoreView } from '../restore-reading.ts'
import { columns } from './columns.ts'
import type { Paint } from './error.ts'

/** What a restore makes, and what comes after it. */

export function renderRestorePlan({ plan, picks }: RestoreView, paint: Paint): string {
  return [
    `${paint('bold', plan.point)}: beside the originals, which nothing touches`,
    ...columns(
      plan.steps.map((step) =>
        [`  ${step.sourceId}`, '→', step.name, sizeOf(step), fromOf(step), step.because].map(neutralise),
      ),
    ),
    ...plan.skipped.map(({ sourceId, why }) =>
      paint('yellow', `  ${sourceId} is not restored: ${neutralise(why)}`),
    ),
    ...plan.notices.map((notice) => `${paint('yellow', 'notice:')} ${neutralise(notice)}`),
    ...picks.map((pick) => paint('dim', `terraform: ${neutralise(describePick(pick))}`)),
    `plan ${plan.digest}`,
  ].join('\n')
}

/** How the steps stand, a line each. */
export function renderProgress(progress: readonly StepProgress[], paint: Paint): string {
  const lines = columns(
    progress.map(({ step, state, says, endpoint }) => [
      `  ${step.name}`,
      WORDS[state],
      neutralise(endpoint === undefined ? says : `${endpoint.host}:${endpoint.port}`),
    ]),
  )
  const colours = { ready: 'green', failed: 'red', taken: 'red' } as const
  return lines
    .map((line, index) => {
      const state = progress[index]?.state as keyof typeof colours
      return state in colours ? paint(colours[state], line) : line
    })
    .join('\n')
}

export function renderSwitch(view: RestoreView, progress: readonly StepProgress[], paint: Paint): string {
  const input = switchInput(view, progress)
  return [
    paint('bold', 'To go over to it, once it has been looked at:'),
    ...instructionLines(switchOver(input)),
    paint('bold', 'To go back:'),
    ...instructionLines(switchBack(input)),
    renderRemoval(view.plan, paint),
  ].join('\n')
}

export function renderRemoval(plan: RestorePlan, paint: Paint): string {
  return [
    paint('bold', 'To remove what was restored:'),
    ...removal(plan).map((command) => `     ${command}`),
  ].join('\n')
}

export function restoreDocument(view: RestoreView, progress: readonly StepProgress[] | undefined): object {
  const { plan, picks } = view
  const input = switchInput(view, progress ?? [])
  const standing = new Map(progress?.map((each) => [each.step.name, each]))
  return {
    ...{ point: plan.point, digest: plan.digest },
    steps: plan.steps.map((step) => {
      const now = standing.get(step.name)
      return {
        ...{ kind: step.kind, source: step.sourceId, name: step.name, region: step.region },
        ...{
          snapshot: step.snapshot ?? null,
          use: step.use ?? null,
          gated: step.gated,
          because: step.because,
        },
        ...{ settings: step.settings, state: now?.state ?? null, says: now?.says ?? null },
        endpoint: now?.endpoint ?? null,
      }
    }),
    skipped: plan.skipped.map(({ sourceId, why }) => ({ source: sourceId, why })),
    notices: plan.notices,
    terraform: picks.map(({ sourceId, newest, isThisPoint }) => ({
      source: sourceId,
      snapshot: newest?.name ?? null,
      createdAt: newest === undefined ? null : new Date(newest.createdAt).toISOString(),
      ...{ manual: newest?.manual ?? null, isThisPoint },
    })),
    switchOver: switchOver(input),
    switchBack: switchBack(input),
    remove: removal(plan),
  }
}

const WORDS: Readonly<Record<StepProgress['state'], string>> = {
  ...{ 'to-begin': 'not begun', waiting: 'waits', making: 'being made' },
  ...{ ready: 'ready', failed: 'failed', taken: 'failed' },
}

function switchInput({ plan, namespace, originals }: RestoreView, progress: readonly StepProgress[]) {
  const endpoints = new Map(
    progress.flatMap(({ step, endpoint }) =>
      endpoint === undefined ? [] : [[step.name, `${endpoint.host}:${endpoint.port}`] as const],
    ),
  )
  return {
    ...{ plan, namespace },
    exists: (sourceId: string) => originals.has(sourceId),
    endpoint: (name: string) => endpoints.get(name),
  }
}

function instructionLines(instructions: readonly Instruction[]): string[] {
  return instructions.flatMap(({ what, commands }, index) => [
    `  ${index + 1}. ${neutralise(what)}`,
    ...commands.map((command) => `     ${neutralise(command)}`),
  ])
}

function describePick({ sourceId, newest, isThisPoint }: TerraformPick): string {
  if (newest === undefined) return `there is no snapshot of ${sourceId} that it could take`
  const whose = newest.manual ? 'made by hand or by us' : "the provider's own"
  const when = new Date(newest.createdAt).toISOString()
  return `told to take the most recent, it takes ${newest.name} of ${when} (${whose}) for ${sourceId}, ${isThisPoint ? 'as this point does' : 'which is not of this point'}`
}

function sizeOf({ settings, kind, name }: RestoreStep): string {
  if (kind === 'rds-instance-copy' || kind === 'rds-cluster-copy') return ''
  if (kind !== 'rds-member' || settings.kind !== 'rds-cluster') return settings.class ?? ''
  return settings.members[Number(name.slice(name.lastIndexOf('-') + 1)) - 1]?.class ?? ''
}

function fromOf({ snapshot, kind }: RestoreStep): string {
  return snapshot ?? (kind === 'rds-member' ? '' : 'empty')
}
