import type { Ms } from '#core/clock.ts'
import { isPgctlError, messageOf } from '#core/errors.ts'
import type { Store } from '#core/store.ts'
import { parseActivity } from '../activity.ts'
import type { BastionControl, BastionGroup, SessionRecord, SessionRecords } from '../control.ts'
import { activityKey } from '../names.ts'
import type { Known, Signals } from '../signals.ts'
import { describeSpan } from '../spans.ts'

/** What a look asks. */
export interface LookShell {
  readonly control: BastionControl
  readonly records: SessionRecords
  /** Where the bastion writes what it does; undefined where nobody has such a place. */
  readonly store: Store | undefined
  readonly signal?: AbortSignal | undefined
}

/** A word that is older is not known: the bastion speaks once a minute. */
const FRESH: Ms = 3 * 60_000

/**
 * All that a decision rests on. @throws PgctlError where the group itself could not be read: then nothing is decided.
 */
export async function lookAtBastion(shell: LookShell, workspace: string, now: Ms): Promise<Signals> {
  const group = await shell.control.look(shell.signal)
  const [sessions, activity, image] = await Promise.all([
    sessionsOn(shell, group),
    activityOn(shell.store, group, workspace, now),
    known(async () => (group === undefined ? undefined : shell.control.image(shell.signal))),
  ])
  return { group, sessions, activity, image }
}

export async function sessionsOn(
  { records, signal }: LookShell,
  group: BastionGroup | undefined,
): Promise<Known<readonly SessionRecord[]>> {
  return known(async () => {
    const each = await Promise.all((group?.machines ?? []).map(({ id }) => records.active(id, signal)))
    return each.flat()
  })
}

async function activityOn(
  store: Store | undefined,
  group: BastionGroup | undefined,
  workspace: string,
  now: Ms,
): Promise<Signals['activity']> {
  if (store === undefined) return { known: false, why: 'there is no table in which it could say so' }
  const read = await known(() => store.read(activityKey(workspace)))
  if (!read.known) return read
  const activity = parseActivity(read.value?.value)
  if (activity === undefined) return { known: false, why: 'it has not said so' }
  if (!group?.machines.some(({ id }) => id === activity.machine))
    return { known: false, why: 'the machine has not said so yet' }
  const age = now - activity.at
  if (age > FRESH) return { known: false, why: `it has not said so for ${describeSpan(age)}` }
  if (age < -FRESH) return { known: false, why: `its clock is ${describeSpan(-age)} ahead` }
  return { known: true, value: activity }
}

async function known<T>(read: () => Promise<T>): Promise<Known<T>> {
  try {
    return { known: true, value: await read() }
  } catch (error) {
    if (!isPgctlError(error) || error.code === 'interrupted') throw error
    return { known: false, why: messageOf(error) }
  }
}
