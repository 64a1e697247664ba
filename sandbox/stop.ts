import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { ProcessIdentity, SandboxFolder } from './state.ts'

/** How long a sandbox may take to end in order, and to vanish once it is killed. */
const END_WITHIN: Ms = 10_000
const KILL_WITHIN: Ms = 5_000
const LOOK_EVERY: Ms = 25

/** What `stopSandbox` has found: something that ran, something that was left of it, or nothing. */
export type StopOutcome = 'stopped' | 'cleaned' | 'absent'

/**
 * Ends a sandbox and removes its state, whatever is left of either; doing it twice is no error.
 *
 * @throws PgctlError `sandbox-broken` when its process cannot be ended.
 */
export async function stopSandbox(
  folder: SandboxFolder,
  { clock, isAlive }: { clock: Clock; isAlive: (process: ProcessIdentity) => Promise<boolean> },
): Promise<StopOutcome> {
  const condition = await folder.condition()
  const owner = condition.kind === 'absent' ? undefined : condition.owner
  if (owner !== undefined) {
    const gone = waitUntilGone(owner, isAlive, clock)
    kill(owner, 'SIGTERM')
    if (!(await gone(END_WITHIN))) kill(owner, 'SIGKILL')
    if (!(await gone(KILL_WITHIN)))
      throw new PgctlError('sandbox-broken', `the sandbox "${folder.name}" does not end`, {
        why: `its process ${owner.pid} is still there after SIGKILL`,
        next: `look at it: ps -p ${owner.pid}`,
      })
  }
  await folder.removeLeftovers()
  if (condition.kind === 'absent') return 'absent'
  return owner === undefined ? 'cleaned' : 'stopped'
}

function waitUntilGone(
  owner: ProcessIdentity,
  isAlive: (process: ProcessIdentity) => Promise<boolean>,
  clock: Clock,
): (patience: Ms) => Promise<boolean> {
  return async (patience) => {
    for (const until = clock.now().mono + patience; clock.now().mono < until; await sleep(clock, LOOK_EVERY))
      if (!(await isAlive(owner))) return true
    return !(await isAlive(owner))
  }
}

function kill({ pid }: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
