import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import {
  type BastionControl,
  type BastionGroup,
  type BastionImage,
  currentOf,
  isOnline,
  type Machine,
} from '../control.ts'
import { checkStartable } from '../image-age.ts'
import { runningSizes } from '../sizes.ts'
import { describeSpan } from '../spans.ts'

/** Starting a bastion whose group is at 0, and waiting until sessions can be opened on it. */

export interface StartShell {
  readonly control: BastionControl
  readonly clock: Clock
  /** Told how far it is, again and again. */
  readonly onWait?: (waited: Ms, machine: string | undefined) => void
}

const LOOK_AGAIN: Ms = 1_000
/** A machine of ours answers within a minute; one that has not after this will not. */
export const LONGEST_START: Ms = 5 * 60_000

/**
 * The group, after it was set to what it had before it was stopped; one that runs stays as it is. Nothing interrupts
 * this: a group that is half set would start, and not know its sizes.
 * @throws PgctlError `unhealthy` for an image that is too old, unless somebody insists.
 */
export async function startGroup(
  control: BastionControl,
  { now, oldImage = false }: { readonly now: Ms; readonly oldImage?: boolean },
): Promise<BastionGroup> {
  const group = await control.look()
  if (group === undefined) throw noGroup()
  if (group.sizes.desired > 0) return group
  if (!oldImage) checkStartable(await imageOf(control), now)
  const sizes = runningSizes(group)
  await control.resize(sizes, undefined)
  return { ...group, sizes, remembered: undefined }
}

/** Who may not see how old it is may start it all the same. */
async function imageOf(control: BastionControl): Promise<BastionImage | undefined> {
  try {
    return await control.image()
  } catch (error) {
    if (isPgctlError(error)) return undefined
    throw error
  }
}

/**
 * Waits until the agent of a machine answers that is not `besides`. @throws PgctlError `timed-out` with what is known of it.
 */
export async function untilOnline(
  { control, clock, onWait }: StartShell,
  besides: string | undefined,
  signal?: AbortSignal,
): Promise<Machine> {
  const began = clock.now().mono
  for (;;) {
    const group = await control.look(signal)
    const machine = group === undefined ? undefined : currentOf(group)
    if (machine !== undefined && machine.id !== besides && isOnline(machine)) return machine
    const waited = clock.now().mono - began
    if (waited > LONGEST_START) throw notInTime(machine, waited)
    onWait?.(waited, machine?.id)
    await sleep(clock, LOOK_AGAIN, signal)
  }
}

export function noGroup(): PgctlError {
  return new PgctlError('bastion-missing', 'there is no group of bastions', {
    why: 'no Auto Scaling group bears the name that the profile gives it',
    next: 'make one: pgctl bastion deploy --plan',
  })
}

function notInTime(machine: Machine | undefined, waited: Ms): PgctlError {
  const why =
    machine === undefined
      ? 'its group has started no machine'
      : machine.agent.kind === 'unread'
        ? `${machine.id} is ${machine.state}, and its agent may not be asked about`
        : `${machine.id} is ${machine.state}, and its agent has not registered`
  return new PgctlError('timed-out', `the bastion has not come up within ${describeSpan(waited)}`, {
    why,
    next: 'see what becomes of it: pgctl bastion status',
  })
}
