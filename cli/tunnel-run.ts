import type { Ms } from '#core/clock.ts'
import type { RouteName } from '#core/tunnel/dialer.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { targetVariables } from '#core/tunnel/target-variables.ts'
import type { Surroundings } from './deps.ts'
import { findProgram } from './find-program.ts'
import { runProgram } from './program.ts'
import { meantTargets, type TargetWishes } from './target-words.ts'
import { openTunnels } from './tunnel-opening.ts'

/** How long connections may go on when the program has ended. */
const DRAIN: Ms = 500

export interface TunnelRun {
  readonly targets: TargetWishes
  readonly route?: RouteName | undefined
  readonly reason?: string | undefined
  readonly program: string
  readonly words: readonly string[]
}

/**
 * Runs a program while tunnels to all of the targets are open, and answers its exit status. However it ends, they are
 * closed after it.
 * @throws PgctlError where the program is missing or one of the targets cannot be reached.
 */
export async function runWithTunnels(
  surroundings: Surroundings,
  { targets, route, reason, program, words }: TunnelRun,
  report: (event: TunnelEvent) => void,
  signal: AbortSignal,
): Promise<number> {
  const path = findProgram(program, surroundings.environment)
  const wanted = await meantTargets(surroundings, targets, signal)
  const variables: Record<string, string> = {}
  const onEvent = (event: TunnelEvent, isOnly: boolean) => {
    if (event.event === 'ready') Object.assign(variables, targetVariables(event.target, { ready: event }))
    // The failure of the only one is the error of the command, which follows at once.
    else if (!(isOnly && event.event === 'ended')) report(event)
  }
  const { tunnels, failures } = await openTunnels(
    surroundings,
    { words: wanted, route, reason },
    onEvent,
    signal,
  )
  try {
    if (failures.length > 0) throw failures[0]
    const environment = { ...surroundings.environment, ...variables }
    return await runProgram(path, { words, environment, signal })
  } finally {
    await Promise.all(tunnels.map((tunnel) => tunnel.close(DRAIN)))
  }
}
