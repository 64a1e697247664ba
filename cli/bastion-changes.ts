import { type BastionGroup, currentOf, type Machine } from '#core/bastion/control.ts'
import { stoppedByHand } from '#core/bastion/decide-stopped.ts'
import { changeLife } from '#core/bastion/io/life-store.ts'
import { noGroup, startGroup, untilOnline } from '#core/bastion/io/start.ts'
import { hold, release } from '#core/bastion/leases.ts'
import type { Lease } from '#core/bastion/life-state.ts'
import { DEFAULT_LIFE } from '#core/bastion/policy.ts'
import type { Opening } from '#core/bastion/schedule.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { checkNobodyCut } from './bastion-command.ts'
import { type BastionView, lifeTable, noteByHand, ownerOf } from './bastion-reading.ts'
import { tellAtTimes } from './bastion-start.ts'
import type { Deps } from './deps.ts'

/** What people change of a bastion's life by hand; each change is written down with who made it. */

interface Waiting {
  readonly wait: boolean
  readonly tell: (text: string) => void
}

export async function startBastion(
  deps: Deps,
  { wait, tell, oldImage }: Waiting & { readonly oldImage: boolean },
  signal: AbortSignal,
): Promise<{ began: boolean; machine: Machine | undefined }> {
  const owner = await ownerOf(deps, signal)
  const before = await deps.bastionControl.look(signal)
  if (before === undefined) throw noGroup()
  const began = before.sizes.desired === 0
  if (began) {
    await startGroup(deps.bastionControl, { now: systemClock.now().wall, oldImage })
    await noteByHand(deps, 'start', `${owner} asked for it`)
  }
  if (!wait) return { began, machine: undefined }
  return { began, machine: await untilOnline(waitingShell(deps, tell), undefined, signal) }
}

function waitingShell(deps: Deps, tell: (text: string) => void) {
  return { control: deps.bastionControl, clock: systemClock, onWait: tellAtTimes(tell) }
}

export interface Stopped {
  /** Whether it was running. */
  readonly stopped: boolean
  /** When its schedule starts it again; undefined where it has none. */
  readonly next: Opening | undefined
}

/** What somebody stops stays at 0 until another window of its schedule opens, or somebody starts it. */
export async function stopBastion(
  deps: Deps,
  view: BastionView,
  confirm: string | undefined,
  signal: AbortSignal,
): Promise<Stopped> {
  const { policy, state, now, signals } = view
  const { sizes, machines } = signals.group
  const stopped = sizes.desired > 0 || machines.length > 0
  const next = policy.schedule?.next(now)
  if (!stopped && policy.schedule?.at(now) === undefined) return { stopped, next }
  if (stopped) checkNobodyCut(view, deps.installation.name, confirm)
  const owner = await ownerOf(deps, signal)
  // First, so that no look between finds a bastion at 0 that nobody has stopped.
  if (state.leases.length > 0 || policy.schedule !== undefined)
    await changeLife(lifeTable(deps), deps.installation.workspace, (before) =>
      stoppedByHand(before, signals.group, now),
    )
  if (!stopped) return { stopped, next }
  const remember = sizes.desired > 0 ? sizes : signals.group.remembered
  await deps.bastionControl.resize({ ...sizes, minimum: 0, desired: 0 }, remember)
  await noteByHand(deps, 'stop', `${owner} asked for it`)
  return { stopped, next }
}

export async function holdBastion(
  deps: Deps,
  wish: { readonly span: number; readonly reason: string },
  signal: AbortSignal,
): Promise<{ lease: Lease; isStopped: boolean }> {
  const owner = await ownerOf(deps, signal)
  const group = await deps.bastionControl.look(signal)
  if (group === undefined) throw noGroup()
  const id = `lease-${Buffer.from(systemRandom(4)).toString('hex')}`
  const now = systemClock.now().wall
  const state = await changeLife(lifeTable(deps), deps.installation.workspace, (before) =>
    hold(before, { id, owner, ...wish }, DEFAULT_LIFE, now),
  )
  const lease = state.leases.find((each) => each.id === id)
  if (lease === undefined) throw new Error('what was just held is not there')
  return { lease, isStopped: group.sizes.desired === 0 }
}

export async function releaseBastion(
  deps: Deps,
  of: string | undefined,
  signal: AbortSignal,
): Promise<readonly Lease[]> {
  const owner = of ?? (await ownerOf(deps, signal))
  let released: readonly Lease[] = []
  await deps.identity(signal)
  await changeLife(lifeTable(deps), deps.installation.workspace, (before) => {
    const result = release(before, (lease) => lease.owner === owner)
    released = result.released
    return result.state
  })
  return released
}

/** The machine that was replaced, undefined where the group has nothing newer; and the new one, if it was waited for. */
export async function refreshBastion(
  deps: Deps,
  view: BastionView,
  { confirm, wait, tell }: Waiting & { readonly confirm: string | undefined },
  signal: AbortSignal,
): Promise<{ replaced: string | undefined; machine: string | undefined }> {
  const { group } = view.signals
  const machine = runningMachine(group)
  if (group.template === undefined || machine.template === group.template)
    return { replaced: undefined, machine: undefined }
  checkNobodyCut(view, deps.installation.name, confirm)
  const owner = await ownerOf(deps, signal)
  await deps.bastionControl.replace(machine.id, signal)
  await noteByHand(deps, `replace ${machine.id}`, `${owner} asked for it`)
  if (!wait) return { replaced: machine.id, machine: undefined }
  try {
    const next = await untilOnline(waitingShell(deps, tell), machine.id, signal)
    return { replaced: machine.id, machine: next.id }
  } catch (error) {
    if (!isPgctlError(error, 'timed-out')) throw error
    throw new PgctlError('timed-out', error.message, {
      why: error.why,
      next: 'the function that looks after it goes back to the version that was good: pgctl bastion status',
      cause: error,
    })
  }
}

function runningMachine(group: BastionGroup): Machine {
  const machine = currentOf(group)
  if (machine !== undefined) return machine
  throw new PgctlError('bastion-stopped', 'there is no machine to replace', {
    why: `the group ${group.name} is at ${group.sizes.desired}`,
    next: 'start it, and it is of the newest version: pgctl bastion start',
  })
}
