import { PgctlError } from '#core/errors.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { StraightDialer } from '#core/tunnel/io/straight-dialer.ts'
import type { Deps } from './deps.ts'
import { operatorCluster, operatorDatastores, operatorToken } from './operator-session.ts'
import { OPERATOR_SESSION } from './own-installation.ts'

/** The parts of an inventory that an operator's pgctl tells a shell on the bastion. */
const TOLD: ReadonlySet<string> = new Set(['postgres', 'redis'])

/**
 * The same installation as its own bastion sees it: hosts are reached straight, and what needs rights is asked of the
 * operator of this login shell, as the machine has none to lend.
 */
export function onTheBastion(deps: Deps, environment: NodeJS.ProcessEnv): Deps {
  const { installation } = deps
  const session = () => {
    const file = environment[OPERATOR_SESSION]
    if (file) return file
    throw new PgctlError('credentials-missing', 'this shell has no operator whose rights it could use', {
      why: `${OPERATOR_SESSION} is not set, as \`pgctl login\` has it at the beginning of a shell`,
      next: 'leave this shell, and come in by pgctl login; or run the command on your own computer',
    })
  }
  return {
    ...deps,
    clusterCredentials: {
      endpoint: () => operatorCluster(session()),
      token: () => operatorToken(session(), systemClock.now().wall),
    },
    portDocument: undefined,
    // Whoever reached this machine was let in by its account.
    identity: async () => ({ account: installation.account, arn: `the bastion of ${installation.name}` }),
    async inventory(parts): Promise<Inventory> {
      if (parts.some((part) => !TOLD.has(part))) throw notFromHere()
      const { datastores, unreadable } = await operatorDatastores(session())
      return {
        ...{ workspace: installation.workspace, region: installation.region },
        ...{ bastions: [], bastionGroups: [], securityGroups: [], loadBalancers: [], buckets: [] },
        ...{ cluster: undefined, network: undefined, trail: undefined, contents: undefined },
        datastores: datastores.filter(({ engine }) => parts.some((part) => part === engine)),
        unreadable: unreadable.map(({ part, action, says }) => ({
          ...{ part, action, error: new PgctlError('permission-denied', says) },
        })),
      }
    },
    bastion: async () => {
      throw notFromHere()
    },
    ports: async () => ({
      bastion: 'this bastion',
      async open({ parameters = {} }) {
        const [host = 'localhost', port] = [parameters['host']?.[0], parameters['portNumber']?.[0]]
        return new StraightDialer({ host, port: Number(port) })
      },
    }),
  }
}

function notFromHere(): PgctlError {
  return new PgctlError('not-supported', 'this cannot be done on the bastion', {
    why: 'it asks the cloud, in which this machine has no rights to lend',
    next: 'run it on your own computer',
  })
}
