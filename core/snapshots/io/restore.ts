import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import type { Refusal } from '#core/snapshots/refusal.ts'
import type { RestorePlan } from '#core/snapshots/restore/plan.ts'
import { isSettled, judgeProgress, type StepProgress } from '#core/snapshots/restore/progress.ts'
import type { RestoreApi, Seen } from '#core/snapshots/restore/restore-api.ts'

/** Looks in a row that may fail while one waits: five minutes without a network end no restore of hours. */
const MOST_MISSED = 20
const PASSING: ReadonlySet<string> = new Set(['endpoint-unreachable', 'throttled', 'timed-out'])

/** Between two looks: making a datastore takes minutes, and each look is a call. */
const BETWEEN_LOOKS: Ms = 15_000

export interface RestoreShell {
  readonly api: RestoreApi
  readonly clock: Clock
  /** Whether to stay until everything is there; else what can begin is begun. */
  readonly wait: boolean
  /** Called whenever a step stands otherwise than before, the first time for all. */
  readonly onProgress: (progress: readonly StepProgress[]) => void
  readonly betweenLooks?: Ms
  readonly signal: AbortSignal
}

/**
 * Carries out a restore: begins what is not there, watches what is. It keeps nothing but what it has seen, so that
 * whoever calls it again goes on where it stood. Throws the signal's reason when that aborts, and what the first look
 * throws, or one that is not likely to pass.
 */
export async function carryOutRestore(plan: RestorePlan, shell: RestoreShell): Promise<StepProgress[]> {
  const { api, clock, wait, onProgress, signal } = shell
  const seen = new Map<string, Seen>()
  const refused = new Map<string, Refusal>()
  let [told, missed] = ['', 0]
  for (;;) {
    try {
      await lookAt(plan, seen, shell)
      missed = 0
    } catch (error) {
      const passes = isPgctlError(error) && PASSING.has(error.code)
      if (!passes || !wait || told === '' || ++missed > MOST_MISSED) throw error
      await sleep(clock, shell.betweenLooks ?? BETWEEN_LOOKS, signal)
      continue
    }
    let progress = judgeProgress(plan, { seen, refused })
    for (const { step, state } of progress) {
      if (state !== 'to-begin') continue
      signal.throwIfAborted()
      const outcome = await api.begin(step, signal)
      if (outcome.kind === 'refused') refused.set(step.name, outcome.refusal)
      else {
        refused.delete(step.name)
        seen.set(step.name, { status: 'creating', tags: step.tags, endpoint: undefined })
      }
    }
    progress = judgeProgress(plan, { seen, refused })
    const tell = JSON.stringify(progress.map(({ step, state, says }) => [step.name, state, says]))
    if (tell !== told) onProgress(progress)
    told = tell
    if (!wait || isSettled(progress)) return progress
    await sleep(clock, shell.betweenLooks ?? BETWEEN_LOOKS, signal)
  }
}

async function lookAt(
  plan: RestorePlan,
  seen: Map<string, Seen>,
  { api, signal }: RestoreShell,
): Promise<void> {
  await Promise.all(
    plan.steps.map(async (step) => {
      const found = await api.look(step, signal)
      if (found === undefined) seen.delete(step.name)
      else seen.set(step.name, found)
    }),
  )
}
