import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { type SandboxOptions, startSandbox } from './sandbox.ts'
import type { ProcessIdentity, SandboxFolder, SandboxRecord } from './state.ts'
import { WORLD } from './world.ts'

/** The port that a sandbox takes when nobody else has it. */
export const DEFAULT_PORT = 18_443

/** How long a sandbox may take to end in order, and to vanish once it is killed. */
const END_WITHIN: Ms = 10_000
const KILL_WITHIN: Ms = 5_000
const LOOK_EVERY: Ms = 25

export interface RunOptions {
  readonly folder: SandboxFolder
  readonly sandbox: SandboxOptions
  /** Ends the sandbox. */
  readonly signal: AbortSignal
  /** Everything answers. */
  readonly ready: (record: SandboxRecord) => void
}

/**
 * Runs a sandbox in this process until the signal aborts; its state is there as long as it is.
 *
 * @throws PgctlError `sandbox-running`, or `sandbox-broken` when it cannot be started.
 */
export async function runSandbox({ folder, sandbox: options, signal, ready }: RunOptions): Promise<void> {
  await folder.claim()
  // What a killed sandbox leaves in the temporary folder, `down` finds below its own.
  process.env['TMPDIR'] = folder.temporaryPath
  try {
    await using sandbox = await startSandbox({ port: DEFAULT_PORT, ...options }).catch((error) => {
      throw new PgctlError('sandbox-broken', `the sandbox "${folder.name}" cannot be started`, {
        why: messageOf(error),
        cause: error,
      })
    })
    const record: SandboxRecord = {
      endpoint: sandbox.endpoint,
      plainEndpoint: sandbox.plainEndpoint,
      agent: options.agent ?? 'own',
      operatorKey: sandbox.operator,
      agentKey: sandbox.agent,
      adminSecret: sandbox.adminSecret,
    }
    await folder.publish(record, sandbox.authority, CONFIG)
    ready(record)
    await aborted(signal)
  } finally {
    await folder.remove()
  }
}

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

/** The installation that plain commands act on: no word in it says that it is a sandbox. */
const CONFIG = `installation: acme
installations:
  acme:
    workspace: ${WORLD.workspace}
    cloud: aws
    account: '${WORLD.account}'
    region: ${WORLD.region}
`

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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
