import type { Decision } from '#core/bastion/actions.ts'
import type { BastionGroup } from '#core/bastion/control.ts'
import { decide } from '#core/bastion/decide.ts'
import { changeLife, readLife } from '#core/bastion/io/life-store.ts'
import { lookAtBastion } from '#core/bastion/io/look.ts'
import { noGroup } from '#core/bastion/io/start.ts'
import { FRESH_LIFE, type LifeState, withDone } from '#core/bastion/life-state.ts'
import { type LifePolicy, policyOf } from '#core/bastion/policy.ts'
import type { Signals } from '#core/bastion/signals.ts'
import type { Ms } from '#core/clock.ts'
import { isPgctlError, messageOf } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { tableName } from '#core/stack/names.ts'
import type { Store } from '#core/store.ts'
import type { Deps } from './deps.ts'

/** All that there is to know of a bastion's life, for the commands that show and change it. */
export interface BastionView {
  readonly now: Ms
  readonly signals: Signals & { readonly group: BastionGroup }
  readonly state: LifeState
  /** What the last look went by, as far as it has said. */
  readonly policy: LifePolicy
  /** What the next look would decide if it came now, by what the last one went by. */
  readonly decision: Decision
  /** Why what was written down is not known; undefined where it is. */
  readonly unread: string | undefined
}

/** @throws PgctlError `bastion-missing` where there is no group; whatever keeps it from being seen. */
export async function readBastion(deps: Deps, signal: AbortSignal): Promise<BastionView> {
  await deps.identity(signal)
  const { workspace } = deps.installation
  const table = lifeTable(deps)
  const { state, unread } = await lifeIn(table, workspace)
  const now = systemClock.now().wall
  const store = unread === undefined ? table : undefined
  const shell = { control: deps.bastionControl, records: deps.sessionRecords, store, signal }
  const signals = await lookAtBastion(shell, workspace, now)
  const { group } = signals
  if (group === undefined) throw noGroup()
  const policy = policyOf(state.rules)
  const decision = decide(state, signals, policy, now)
  return { now, signals: { ...signals, group }, state, policy, decision, unread }
}

/** The table of the functions, where leases are written down. */
export function lifeTable(deps: Deps): Store {
  return deps.documentTable(tableName(deps.installation.workspace))
}

async function lifeIn(
  table: Store,
  workspace: string,
): Promise<{ state: LifeState; unread: string | undefined }> {
  try {
    const { state } = await readLife(table, workspace)
    return { state, unread: undefined }
  } catch (error) {
    if (!isPgctlError(error, 'target-unknown') && !isPgctlError(error, 'permission-denied')) throw error
    return { state: FRESH_LIFE, unread: messageOf(error) }
  }
}

/** Who the caller is, in the short form that others know them by: `ada` of `…:assumed-role/operators/ada`. */
export async function ownerOf(deps: Deps, signal: AbortSignal): Promise<string> {
  const { arn } = await deps.identity(signal)
  return arn.split('/').at(-1) ?? arn
}

/** Writes down what a person did by hand; where there is no table, nobody reads it. */
export async function noteByHand(deps: Deps, what: string, why: string): Promise<void> {
  const at = systemClock.now().wall
  try {
    await changeLife(lifeTable(deps), deps.installation.workspace, (state) =>
      withDone(state, [{ at, what, why }]),
    )
  } catch (error) {
    if (!isPgctlError(error, 'target-unknown') && !isPgctlError(error, 'permission-denied')) throw error
  }
}
