import type { Ms } from '#core/clock.ts'
import { isPgctlError, messageOf } from '#core/errors.ts'
import type { Store } from '#core/store.ts'
import { describeAction, type LifeAction, type LifeVerdict } from '../actions.ts'
import type { ElevationApi } from '../control.ts'
import { decide } from '../decide.ts'
import { withoutElevation } from '../elevations.ts'
import { type LifeState, withDone } from '../life-state.ts'
import { lifeKey } from '../names.ts'
import type { LifePolicy } from '../policy.ts'
import type { Signals } from '../signals.ts'
import { changeLife, readLife } from './life-store.ts'
import { type LookShell, lookAtBastion, sessionsOn } from './look.ts'

/** One look at a bastion and what follows from it: what is decided is written down before any of it is done. */

export interface TickShell extends LookShell {
  readonly store: Store
  readonly elevations: ElevationApi
  readonly policy: LifePolicy
}

export interface ActionResult {
  readonly what: string
  readonly why: string
  readonly outcome: 'done' | 'left' | 'failed'
  /** Why it was left or has failed. */
  readonly because: string | undefined
}

export interface TickReport {
  readonly verdict: LifeVerdict
  readonly signals: Signals
  readonly state: LifeState
  readonly results: readonly ActionResult[]
  /** Whether another look was faster: then everything is its. */
  readonly raced: boolean
}

/** @throws PgctlError where the state or the group could not be read or written; then nothing was done. */
export async function tickBastion(
  { workspace, now }: { readonly workspace: string; readonly now: Ms },
  shell: TickShell,
): Promise<TickReport> {
  const { store } = shell
  // The state first: what somebody writes while the group is looked at makes the write below fail.
  const { state: before, version } = await readLife(store, workspace)
  const signals = await lookAtBastion(shell, workspace, now)
  const { state, actions, verdict } = decide(before, signals, shell.policy, now)
  try {
    await store.write(lifeKey(workspace), state, version)
  } catch (error) {
    if (!isPgctlError(error, 'state-conflict')) throw error
    return { verdict, signals, state: before, results: [], raced: true }
  }
  const results: ActionResult[] = []
  const done: LifeAction[] = []
  for (const action of actions) {
    const result = await carryOut(action, signals, shell)
    results.push(result)
    if (result.outcome === 'done') done.push(action)
    // What comes after a step rests on it: the machine is not replaced while the template is still the bad one.
    else if (action.kind === 'use-template' || result.outcome === 'left') break
  }
  if (done.length === 0) return { verdict, signals, state, results, raced: false }
  const after = await changeLife(store, workspace, (current) => withOutcome(current, done, now))
  return { verdict, signals, state: after, results, raced: false }
}

function withOutcome(state: LifeState, done: readonly LifeAction[], now: Ms): LifeState {
  const revoked = done.flatMap((action) => (action.kind === 'revoke' ? [action.elevation] : []))
  return withDone(
    revoked.reduce(withoutElevation, state),
    done.map((action) => ({ at: now, what: describeAction(action), why: action.why })),
  )
}

async function carryOut(action: LifeAction, signals: Signals, shell: TickShell): Promise<ActionResult> {
  const result = { what: describeAction(action), why: action.why }
  try {
    const because = await take(action, signals, shell)
    return { ...result, outcome: because === undefined ? 'done' : 'left', because }
  } catch (error) {
    if (!isPgctlError(error)) throw error
    return { ...result, outcome: 'failed', because: messageOf(error) }
  }
}

/** Why it was left undone after all; undefined where it is done. */
async function take(action: LifeAction, signals: Signals, shell: TickShell): Promise<string | undefined> {
  const { control, records, elevations, signal } = shell
  const use = 'unlessUsed' in action && action.unlessUsed ? await useMeanwhile(shell, signals) : undefined
  if (use !== undefined) return use
  switch (action.kind) {
    case 'resize':
      await control.resize(action.sizes, action.remember, signal)
      return undefined
    case 'use-template':
      await control.useTemplate(action.version, signal)
      return undefined
    case 'replace':
      await control.replace(action.machine, signal)
      return undefined
    case 'end-session':
      await records.end(action.session, signal)
      return undefined
    case 'revoke':
      await elevations.revoke(action.principal, action.policy, signal)
      return undefined
    // Written down with the state: the bastion puts it on the person's terminal.
    case 'warn-session':
      return undefined
  }
}

/** Undefined where nobody uses it now either. What was known at the look and is not any more counts as use. */
async function useMeanwhile(
  shell: TickShell,
  { group, sessions: before }: Signals,
): Promise<string | undefined> {
  const sessions = await sessionsOn(shell, group)
  if (!sessions.known)
    return before.known ? `who is on it is not known any more (${sessions.why})` : undefined
  return sessions.value.some(({ status }) => status === 'connected')
    ? 'a session was opened meanwhile'
    : undefined
}
