import type { Refusal, RefusalReason } from '#core/snapshots/refusal.ts'
import { RESTORE_TAGS } from '#core/snapshots/restore/names.ts'
import type { RestorePlan, RestoreStep } from '#core/snapshots/restore/plan.ts'
import type { Seen } from '#core/snapshots/restore/restore-api.ts'

/** How a step stands. `taken`: its name belongs to something that we did not make for this point. */
export type StepState = 'to-begin' | 'waiting' | 'making' | 'ready' | 'failed' | 'taken'

export interface StepProgress {
  readonly step: RestoreStep
  readonly state: StepState
  /** The provider's word, or why it failed, in a clause. */
  readonly says: string
  readonly endpoint: { readonly host: string; readonly port: number } | undefined
}

export interface RestoreMemory {
  /** What is there, by name. */
  readonly seen: ReadonlyMap<string, Seen>
  /** The last refusal, by name; one that may pass is asked again. */
  readonly refused: ReadonlyMap<string, Refusal>
}

/** Words for a datastore that will not come up by itself. */
const BROKEN =
  /^(failed|create-failed|restore-error|deleting|deleted|storage-full|incompatible-|inaccessible-)/
const READY = new Set(['available', 'storage-optimization'])

/** Refusals that pass by themselves; every other one is for a person. */
const PASSING: ReadonlySet<RefusalReason> = new Set([
  ...(['throttled', 'unreachable', 'source-busy', 'snapshot-busy', 'copy-limit', 'no-capacity'] as const),
  // Somebody was faster, most likely ourselves: the next look says who.
  'exists',
])

/** How every step of `plan` stands by what has been seen: the same for a first call and for one that only watches. */
export function judgeProgress(plan: RestorePlan, memory: RestoreMemory): StepProgress[] {
  const progress: StepProgress[] = []
  for (const step of plan.steps) progress.push(judge(step, memory, progress))
  return progress
}

function judge(
  step: RestoreStep,
  { seen, refused }: RestoreMemory,
  before: readonly StepProgress[],
): StepProgress {
  const own = seen.get(step.name)
  const refusal = refused.get(step.name)
  const result = (state: StepState, says: string): StepProgress => ({
    ...{ step, state, says, endpoint: state === 'ready' ? own?.endpoint : undefined },
  })
  if (own === undefined) {
    if (refusal !== undefined && !PASSING.has(refusal.reason)) return result('failed', refusal.says)
    const first = before.find((each) => each.step.name === step.after)
    const what = step.kind === 'rds-member' ? 'cluster' : 'snapshot'
    if (first?.state === 'failed' || first?.state === 'taken')
      return result('failed', `its ${what} ${first.step.name} did not come up`)
    if (first !== undefined && first.state !== 'ready') return result('waiting', `for its ${what}`)
    return result('to-begin', refusal?.says ?? '')
  }
  if (own.tags !== undefined && !isOurs(step, own.tags))
    return result('taken', `there is a ${step.name} that was not restored from this point`)
  if (BROKEN.test(own.status)) return result('failed', `its status is ${own.status}`)
  return READY.has(own.status) ? result('ready', own.status) : result('making', own.status)
}

function isOurs({ tags }: RestoreStep, found: Readonly<Record<string, string>>): boolean {
  return Object.values(RESTORE_TAGS).every((tag) => found[tag] === tags[tag])
}

/** Whether nothing will change any more by waiting. */
export function isSettled(progress: readonly StepProgress[]): boolean {
  return progress.every(({ state }) => state === 'ready' || state === 'failed' || state === 'taken')
}
