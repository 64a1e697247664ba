import { type BastionControl, type BastionGroup, currentOf } from '#core/bastion/control.ts'
import { startGroup, untilOnline } from '#core/bastion/io/start.ts'
import { DEFAULT_LIFE } from '#core/bastion/policy.ts'
import { describeSpan } from '#core/bastion/spans.ts'
import type { Ms } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { Identity } from '#core/installation/account-pin.ts'
import type { BastionChoice } from '#core/installation/bastion-choice.ts'
import { systemClock } from '#core/io/system-clock.ts'

interface StartWay {
  readonly control: BastionControl
  /** Who the caller is: nothing is changed in an account that is not the pinned one. */
  readonly identity: (signal?: AbortSignal) => Promise<Identity>
  /** Undefined where nobody wants it started. */
  readonly onStart: ((text: string) => void) | undefined
}

/** How often somebody who waits is told that they do. */
const TELL_EVERY: Ms = 10_000

/**
 * The bastion, started if its group is at 0, or waited for if somebody has just started it. Where neither is so, or the
 * group may not be seen, the error is that of looking for it.
 */
export async function findOrStart(
  find: (signal?: AbortSignal) => Promise<BastionChoice>,
  way: StartWay,
  signal?: AbortSignal,
): Promise<BastionChoice> {
  try {
    return await find(signal)
  } catch (error) {
    if (!['bastion-missing', 'bastion-stopped', 'agent-offline'].some((code) => isCode(error, code)))
      throw error
    const state = await stateOf(way.control, signal)
    const { onStart } = way
    if (state === 'other' || (onStart === undefined && state === 'starting')) throw error
    if (onStart === undefined) throw stopped(error)
    await way.identity(signal)
    await start({ ...way, onStart }, state, signal)
    return find(signal)
  }
}

function stopped(cause: unknown): PgctlError {
  return new PgctlError('bastion-stopped', 'the bastion is stopped', {
    why: 'its group is at 0',
    next: 'start it: pgctl bastion start',
    cause,
  })
}

function isCode(error: unknown, code: string): boolean {
  return isPgctlError(error) && error.code === code
}

async function stateOf(
  control: BastionControl,
  signal: AbortSignal | undefined,
): Promise<'at 0' | 'starting' | 'other'> {
  try {
    const group = await control.look(signal)
    if (group === undefined) return 'other'
    return group.sizes.desired === 0 ? 'at 0' : isStarting(group) ? 'starting' : 'other'
  } catch (error) {
    if (isPgctlError(error)) return 'other'
    throw error
  }
}

function isStarting(group: BastionGroup): boolean {
  const machine = currentOf(group)
  if (machine === undefined) return true
  const age = systemClock.now().wall - (machine.launchedAt ?? 0)
  return age < DEFAULT_LIFE.onlineWithin && machine.agent.kind !== 'unread'
}

async function start(
  { control, onStart }: StartWay & { readonly onStart: (text: string) => void },
  state: 'at 0' | 'starting',
  signal: AbortSignal | undefined,
): Promise<void> {
  const began = systemClock.now().mono
  onStart(
    state === 'at 0'
      ? 'the bastion is stopped: starting it (--no-start leaves it stopped; Ctrl-C ends the waiting, not the start)'
      : 'the bastion is starting: waiting for it',
  )
  if (state === 'at 0') await startGroup(control, { now: systemClock.now().wall })
  const machine = await untilOnline(
    { control, clock: systemClock, onWait: tellAtTimes(onStart) },
    undefined,
    signal,
  )
  onStart(`the bastion ${machine.id} answers after ${describeSpan(systemClock.now().mono - began)}`)
}

/** A line every ten seconds. */
export function tellAtTimes(tell: (text: string) => void): (waited: Ms, machine: string | undefined) => void {
  let told = 0
  return (waited, machine) => {
    if (waited < told + TELL_EVERY) return
    told = waited
    const what = machine === undefined ? 'no machine yet' : `${machine} does not answer yet`
    tell(`waiting for ${describeSpan(waited)}: ${what}`)
  }
}
