import type { Ms } from '#core/clock.ts'
import type { LifeVerdict } from './actions.ts'
import { auditLagOf } from './audit-lag.ts'
import { imageAge } from './image-age.ts'
import type { LifeState } from './life-state.ts'
import type { Signals } from './signals.ts'

/** What a look tells of itself: fields of one line, and figures for alarms. */
interface Told {
  readonly verdict: LifeVerdict
  readonly signals: Signals
  readonly state: LifeState
  readonly results: readonly { readonly outcome: 'done' | 'left' | 'failed' }[]
  readonly raced: boolean
}

const MINUTE = 60_000

export function summaryOf({ verdict, signals, state, results, raced }: Told) {
  const count = (wanted: string) => results.filter(({ outcome }) => outcome === wanted).length
  return {
    ...{ state: verdict.kind, says: verdict.says, stale: verdict.stale, raced },
    desired: signals.group?.sizes.desired ?? null,
    sessions: signals.sessions.known ? signals.sessions.value.length : null,
    leases: state.leases.length,
    ...{ done: count('done'), left: count('left'), failed: count('failed') },
  }
}

/** `BastionUnwell` is told by every look, so that an alarm takes what is missing for looks that do not happen. */
export function figuresOf(told: Told, workspace: string, now: Ms) {
  const { image, activity } = told.signals
  const lag = activity.known ? auditLagOf(activity.value.audit, activity.value.at) : undefined
  const { state, desired, sessions, failed } = summaryOf(told)
  return [
    {
      dimensions: { Workspace: workspace },
      figures: {
        BastionUnwell: state === 'failed' || state === 'stuck' ? 1 : 0,
        BastionActionsFailed: failed,
        BastionImageAgeDays: image.known ? imageAge(image.value, now) : undefined,
        BastionMachines: desired ?? undefined,
        BastionSessions: sessions ?? undefined,
        BastionAuditBehindMinutes: lag === undefined ? undefined : Math.floor(lag.behind / MINUTE),
        BastionIdleMinutes: state === 'idle' ? Math.floor(told.state.idleFor / MINUTE) : undefined,
      },
    },
  ]
}
