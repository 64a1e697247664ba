import { PgctlError } from '#core/errors.ts'
import type { SessionRequest } from '#core/ssm/session-api.ts'
import type { Dialer } from '#core/tunnel/dialer.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import { StraightDialer } from '#core/tunnel/io/straight-dialer.ts'
import type { Deps } from './deps.ts'
import { allInOrder } from './in-order.ts'

/** Who connects to what is asked for, and how. */
export interface Starting {
  /** The instance, for the words of a route. */
  readonly bastion: string
  start(request: SessionRequest, signal?: AbortSignal): Promise<Dialer>
}

/** By a session on the bastion; on the bastion itself straight, without one. */
export async function startingFrom(deps: Deps, signal: AbortSignal): Promise<Starting> {
  if (deps.here !== undefined)
    return { bastion: 'this bastion', start: async ({ parameters }) => new StraightDialer(endOf(parameters)) }
  const [context, { bastion }] = await allInOrder([deps.sessions(signal), deps.bastion(signal)])
  return {
    bastion: bastion.id,
    start: (request, starting) => SessionDialer.open(context, request, starting),
  }
}

/** Where the document of a session would lead. */
function endOf(parameters: SessionRequest['parameters']): { host: string; port: number } {
  const [host] = parameters?.['host'] ?? []
  const [port] = parameters?.['portNumber'] ?? []
  if (host === undefined || port === undefined)
    throw new PgctlError('internal', 'a way from the bastion leads to a host and port')
  return { host, port: Number(port) }
}
