import type { Ms } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { askBackground, askBackgroundStarting, type Whence, whenceOf } from './background.ts'
import type { Surroundings } from './deps.ts'
import { findProgram } from './find-program.ts'
import { runTellingRefusals } from './kubectl-refusal.ts'
import { environmentFor } from './quick-cluster.ts'
import { askWithBastion } from './started-bastion.ts'
import type { ClusterWay, SupervisorEvent } from './supervisor/supervisor.ts'

/** How long a tunnel to the cluster that nobody has asked for by name keeps its session unused. */
export const SHARED_IDLE: Ms = 10 * 60_000

export interface SharedRun {
  readonly program: string
  readonly words: readonly string[]
  /** Whether the tunnel is held while the program runs: one that waits for a person has no connection for long. */
  readonly hold: boolean
  /** A tunnel was opened for this, and goes on. */
  onStarted(): void
  onWay(event: TunnelEvent): void
  /** What is to be said beside what the program says. */
  tell(text: string): void
  /** Called when the program is about to run; what it gives is disposed of when that has ended. */
  onRun(): Disposable
}

/**
 * Runs a program by the tunnel to the cluster that all programs share, and opens that where it is not there. Answers
 * the program's exit status; undefined where there can be no such tunnel here, and `why` has been told.
 * @throws PgctlError where the program is missing, or there is no way to the cluster.
 */
export async function runShared(
  surroundings: Surroundings,
  run: SharedRun,
  tellWhy: (why: string) => void,
  signal: AbortSignal,
): Promise<number | undefined> {
  const path = findProgram(run.program, surroundings.environment)
  const way = await openShared(surroundings, tellWhy, signal)
  if (!way?.isThere) return undefined
  if (way.isNew) run.onStarted()
  const held = new AbortController()
  if (run.hold) void holdTunnel(surroundings, way.tunnel, run.onWay, held.signal)
  try {
    const environment = environmentFor(way, surroundings.environment)
    using _run = run.onRun()
    return await runTellingRefusals(path, run.program, { words: run.words, environment, signal }, run.tell)
  } finally {
    held.abort()
  }
}

/** The way to the cluster that is shared; undefined where there can be none. */
export async function openShared(
  surroundings: Surroundings,
  tellWhy: (why: string) => void,
  signal: AbortSignal,
): Promise<ClusterWay | undefined> {
  const request = { request: 'cluster', open: true, idleMs: SHARED_IDLE, ...whenceOf(surroundings) }
  try {
    const ask = () => askBackgroundStarting<ClusterWay>(surroundings, { request, sameVersion: true, signal })
    return await askWithBastion(surroundings, ask, signal)
  } catch (error) {
    // No socket here, or tunnels held by another version: a session of one's own does as well.
    if (!isPgctlError(error, 'not-supported')) throw error
    tellWhy(error.message)
    return undefined
  }
}

/** Holds a shared tunnel until the signal aborts, and tells what becomes of it. Never rejects. */
export async function holdTunnel(
  whence: Whence,
  tunnel: number,
  onWay: (event: TunnelEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const onEvent = (told: unknown) => {
    const event = told as SupervisorEvent
    if ('logged' in event && isWorthTelling(event.logged.event)) onWay(event.logged.event)
  }
  const request = { request: 'attach', words: [String(tunnel)] }
  try {
    await askBackground(whence, { request, sameVersion: false, onEvent, signal })
  } catch {
    // The program goes on without: what is wrong with its way, it learns by itself.
  }
}

/** When its session comes and goes matters to nobody here, but for one that took connections with it. */
function isWorthTelling(event: TunnelEvent): boolean {
  return !QUIET.has(event.event) || (event.event === 'asleep' && event.cause !== undefined)
}

const QUIET = new Set<TunnelEvent['event']>(['session', 'asleep', 'connection-opened', 'connection-closed'])
