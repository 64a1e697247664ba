import { createFileStore } from '#core/io/file-store.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { readSwitch, type SwitchState, turnSwitch } from '#core/vendor/switches.ts'
import type { Surroundings } from './deps.ts'
import { licensedInstallation } from './license-wiring.ts'
import { paths } from './paths.ts'
import { ledgerOf } from './vendor-wiring.ts'

/** How analytics stand on this computer. */
export interface AnalyticsState extends SwitchState {
  /** Reports in the ledger, and those behind the row that switched them off. */
  readonly sent: number
  readonly sentSinceOff: number | undefined
}

function wire(surroundings: Surroundings) {
  const here = licensedInstallation(surroundings)
  const store = createFileStore({ folder: paths(surroundings.environment).state, clock: systemClock })
  return { store, ledger: ledgerOf(store, here), installation: here.id }
}

export async function analyticsState(surroundings: Surroundings): Promise<AnalyticsState> {
  const { store, ledger, installation } = wire(surroundings)
  const state = await readSwitch(store, installation, 'analytics')
  const review = await ledger.review()
  const off = review.off.find(({ kind }) => kind === 'analytics')
  return { ...state, sent: review.sent.analytics, sentSinceOff: off?.sentSince }
}

export async function turnAnalytics(
  surroundings: Surroundings,
  on: boolean,
): Promise<{ readonly state: SwitchState; readonly changed: boolean }> {
  return turnSwitch(wire(surroundings), 'analytics', on, 'person')
}
