import { PgctlError } from '#core/errors.ts'
import type { Engine } from '#core/installation/datastores.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import { namesIn, rememberNames } from '#core/installation/known-names.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import {
  enginesFor,
  hostTarget,
  type KnownDatastores,
  NO_DATASTORES,
  resolveTarget,
  type Target,
} from '#core/tunnel/resolve-target.ts'
import type { RouteFacts } from '#core/tunnel/routes.ts'
import type { TargetWord } from '#core/tunnel/target.ts'
import { chosenRegion } from './config.ts'
import {
  type Account,
  type Deps,
  type Ports,
  type Surroundings,
  wireAccount,
  wireInstallation,
} from './deps.ts'
import { allInOrder } from './in-order.ts'
import { loadConfig } from './load-config.ts'

/** What the words of one run are about. */
export interface Goal {
  readonly account: Account
  readonly workspace: string
  /** The name of the installation; undefined for an instance alone. */
  readonly installation?: string | undefined
  readonly targets: readonly Target[]
  /** Asks for what the ways to the targets are made of. */
  findWay(signal: AbortSignal): Promise<Way>
}

/** What all tunnels of one run are opened with. */
export interface Way {
  readonly deps: Deps | undefined
  readonly facts: RouteFacts
  readonly open: Ports['open']
}

/**
 * What the words mean, in the installation that is chosen or, for addresses through an instance that is named, in the
 * account alone.
 * @throws PgctlError for a word that names nothing, and for what keeps its meaning from being found.
 */
export async function findGoal(
  surroundings: Surroundings,
  words: readonly TargetWord[],
  signal: AbortSignal,
): Promise<Goal> {
  // An installation that was asked for by name pins its account for an instance, too.
  return words.every(standsAlone) && surroundings.flags.installation === undefined
    ? findGoalAlone(surroundings, words)
    : findInstallationGoal(surroundings, words, signal)
}

function findGoalAlone(surroundings: Surroundings, words: readonly TargetWord[]): Goal {
  const { environment } = surroundings
  const config = loadConfig(surroundings)
  const { settings } = config
  const region = chosenRegion(config) ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION']
  if (region === undefined)
    throw new PgctlError('usage', 'the region of the instance is not known', {
      why: 'no installation is asked for, and neither a flag nor a variable names a region',
      next: 'add --region REGION, or set AWS_REGION',
    })
  const account = wireAccount(surroundings, {
    region,
    ...(settings.profile.value === undefined ? {} : { profile: settings.profile.value }),
  })
  const targets = words.flatMap((word) => (word.kind === 'host' ? [hostTarget(word)] : []))
  const facts = { bastion: undefined, cluster: undefined, namespace: undefined }
  return {
    account,
    workspace: targets[0]?.kind === 'host' ? (targets[0].instance ?? '') : '',
    targets,
    async findWay(signal) {
      const context = await account.sessions(signal)
      const open: Ports['open'] = (request, opening) => SessionDialer.open(context, request, opening)
      return { deps: undefined, facts, open }
    },
  }
}

async function findInstallationGoal(
  surroundings: Surroundings,
  words: readonly TargetWord[],
  signal: AbortSignal,
): Promise<Goal> {
  const deps = await wireInstallation(surroundings)
  const datastores = await findDatastores(deps, words, signal)
  const targets = words.map((word) => resolveTarget(word, { ...deps.profile, datastores }))
  return renewing(surroundings, deps, targets)
}

/** Targets that are known already. */
export async function renewedGoal(surroundings: Surroundings, targets: readonly Target[]): Promise<Goal> {
  return renewing(surroundings, await wireInstallation(surroundings), targets)
}

function renewing(surroundings: Surroundings, deps: Deps, targets: readonly Target[]): Goal {
  const first = installationGoal(deps, targets)
  let isFirst = true
  return {
    ...first,
    async findWay(signal) {
      // A later way is found anew: a bastion may have been replaced, and credentials renewed.
      const goal = isFirst ? first : installationGoal(await wireInstallation(surroundings), targets)
      isFirst = false
      return goal.findWay(signal)
    },
  }
}

/** Targets of an installation that is wired already. */
export function installationGoal(deps: Deps, targets: readonly Target[]): Goal {
  const { installation, namespace } = deps
  const needsCluster = targets.some(({ kind }) => kind !== 'host')
  return {
    account: deps,
    workspace: installation.workspace,
    installation: installation.name,
    targets,
    async findWay(signal) {
      const [{ bastion, open }, cluster] = await allInOrder([
        deps.ports(signal),
        needsCluster ? deps.clusterCredentials.endpoint(signal) : undefined,
      ])
      const { portDocument } = deps
      return { deps, facts: { bastion, cluster, namespace, portDocument }, open }
    },
  }
}

/** The datastores among which the words may be; nothing is asked where they name none. */
async function findDatastores(
  deps: Deps,
  words: readonly TargetWord[],
  signal: AbortSignal,
): Promise<KnownDatastores> {
  const engines = [...new Set(words.flatMap((word) => enginesFor(word, deps.profile)))]
  if (engines.length === 0) return NO_DATASTORES
  const inventory = await lookForDatastores(deps, engines, signal)
  return { found: inventory.datastores, unreadable: inventory.unreadable }
}

/** What there is of the engines; their names are remembered for the next Tab. */
export async function lookForDatastores(
  deps: Deps,
  engines: readonly Engine[],
  signal: AbortSignal,
): Promise<Inventory> {
  // In the wrong account nothing would be found, and that is not what is wrong.
  const [, inventory] = await allInOrder([deps.identity(signal), deps.inventory(engines, 'way', signal)])
  const now = systemClock.now().wall
  await rememberNames(deps.store, deps.installation, namesIn(inventory, engines), now)
  return inventory
}

/** An address through an instance that is named needs no installation. */
export function standsAlone(word: TargetWord): boolean {
  return word.kind === 'host' && word.instance !== undefined
}
