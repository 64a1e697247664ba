import type { PgctlError } from '#core/errors.ts'
import { parseBindAddress } from '#core/tunnel/bind-address.ts'
import type { FormerLife } from '#core/tunnel/control/journal.ts'
import type { TunnelRecord } from '#core/tunnel/control/roster.ts'
import { parseTargets } from '#core/tunnel/target.ts'
import { askBackgroundStarting, whenceOf } from './background.ts'
import { chooseInstallation } from './config.ts'
import type { Surroundings } from './deps.ts'
import { loadConfig } from './load-config.ts'
import { askWithBastion } from './started-bastion.ts'
import { errorOf } from './supervisor/messages.ts'
import type { OpenResult, SupervisorEvent } from './supervisor/supervisor.ts'
import { standsAlone } from './tunnel-goal.ts'
import type { Report, TunnelWishes } from './tunnel-opening.ts'

export interface Detached {
  readonly tunnels: readonly TunnelRecord[]
  readonly failures: readonly PgctlError[]
  /** Tunnels of a supervisor that had been killed. */
  readonly former: FormerLife | undefined
}

/**
 * Has the supervisor open tunnels that go on when this command has ended; events are reported until each is ready or
 * has failed. What is wrong with the words or the configuration is found here, before anything is started.
 * @throws PgctlError of the first, where none can be opened.
 */
export async function openDetached(
  surroundings: Surroundings,
  { words, lazy, ...wishes }: TunnelWishes,
  report: Report,
  signal: AbortSignal,
): Promise<Detached> {
  const targets = parseTargets(words)
  const config = loadConfig(surroundings)
  const bind = wishes.bind ?? config.settings.bind.value
  parseBindAddress(bind)
  const isAlone = targets.every(standsAlone) && surroundings.flags.installation === undefined
  if (!isAlone) chooseInstallation(config)
  const { port, route, reason } = wishes
  const request = {
    request: 'open',
    ...whenceOf(surroundings),
    ...{ words, port, bind, route, reason, idleMs: lazy?.idle },
  }
  const onEvent = (event: unknown) => {
    const told = event as SupervisorEvent
    if ('logged' in told) report(told.logged.event, targets.length === 1, 0)
  }
  const ask = () =>
    askBackgroundStarting<OpenResult>(surroundings, { request, sameVersion: true, signal, onEvent })
  const { tunnels, failures, former } = await (isAlone ? ask() : askWithBastion(surroundings, ask, signal))
  return { tunnels, failures: failures.map(errorOf), former }
}
