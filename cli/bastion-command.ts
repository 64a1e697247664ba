import { PgctlError } from '#core/errors.ts'
import { parseDuration } from '#core/text/duration.ts'
import { BaseCommand } from './base-command.ts'
import type { BastionView } from './bastion-reading.ts'
import type { Deps } from './deps.ts'

/** What the commands of a bastion's life share. */
export abstract class BastionCommand extends BaseCommand {
  protected async deps(flags: Parameters<BaseCommand['surroundings']>[0]): Promise<Deps> {
    const { wireInstallation } = await import('./deps.ts')
    return wireInstallation(this.surroundings(flags))
  }

  protected async view(deps: Deps): Promise<BastionView> {
    const { readBastion } = await import('./bastion-reading.ts')
    return readBastion(deps, this.signal)
  }
}

/** A span as it was typed, in milliseconds. @throws PgctlError `usage` */
export function spanOf(text: string): number {
  const span = parseDuration(text)
  if (span !== undefined) return span
  throw new PgctlError('usage', `${text} is no span of time`, { next: 'write it as 45m, 3h or 1h30m' })
}

/**
 * @throws PgctlError `usage` where somebody is on the bastion, or holds it, and the installation's name was not typed out.
 */
export function checkNobodyCut(
  { signals, state }: BastionView,
  name: string,
  confirm: string | undefined,
): void {
  const { sessions } = signals
  const open = sessions.known ? sessions.value : []
  const clauses = [
    ...open.map(({ id, owner }) => `${id} of ${owner}`),
    ...state.leases.map(({ owner, reason }) => `held by ${owner} ("${reason}")`),
    ...(sessions.known ? [] : [`who is on it is not known: ${sessions.why}`]),
  ]
  if (clauses.length === 0 || confirm === name) return
  const wrong = confirm === undefined ? [] : [`--confirm says ${confirm}, and the installation is ${name}`]
  throw new PgctlError('usage', 'somebody is on the bastion, and would be cut off', {
    why: [...wrong, ...clauses].join('; '),
    next: `tell them, and then: --confirm ${name}`,
  })
}
