import { PgctlError } from '#core/errors.ts'
import type { Engine } from '#core/installation/datastores.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import { namesIn, rememberNames } from '#core/installation/known-names.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import type { SessionContext } from '#core/ssm/io/session.ts'
import { parseBindAddress } from '#core/tunnel/bind-address.ts'
import type { RouteName } from '#core/tunnel/dialer.ts'
import { causeOf, type TunnelEvent } from '#core/tunnel/events.ts'
import { guardOf, localName } from '#core/tunnel/http-guard.ts'
import { httpFront } from '#core/tunnel/io/http-front.ts'
import { listenLocally } from '#core/tunnel/io/listener.ts'
import { openRoute } from '#core/tunnel/io/open-route.ts'
import { runProbe } from '#core/tunnel/io/probe.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import {
  enginesFor,
  hostTarget,
  type KnownDatastores,
  NO_DATASTORES,
  resolveTarget,
  type Target,
} from '#core/tunnel/resolve-target.ts'
import { chooseRoute, type RouteFacts, type RoutePlan } from '#core/tunnel/routes.ts'
import { parseTargets, type TargetWord } from '#core/tunnel/target.ts'
import { type Front, openTunnel, type Tunnel } from '#core/tunnel/tunnel.ts'
import { chosenRegion } from './config.ts'
import { type Account, type Deps, type Surroundings, wireAccount, wireInstallation } from './deps.ts'
import { allInOrder } from './in-order.ts'
import { loadConfig } from './load-config.ts'

export interface TunnelWishes {
  readonly words: readonly string[]
  readonly port?: number | undefined
  readonly bind?: string | undefined
  readonly route?: RouteName | undefined
  readonly reason?: string | undefined
  /** Whether web services get a plain pipe as well. */
  readonly raw?: boolean | undefined
}

/** How a tunnel to a target that is known already is opened. */
export interface TargetWishes extends Pick<TunnelWishes, 'port' | 'bind' | 'route' | 'reason'> {
  readonly front?: Front | undefined
}

/** What all tunnels of one run are opened with. */
interface Way {
  readonly account: Account
  readonly deps: Deps | undefined
  readonly facts: RouteFacts
  readonly workspace: string
  readonly context: SessionContext
}

/** What has become of several targets that were asked for at once. */
export interface Opening {
  /** Those that are ready; at least one. */
  readonly tunnels: readonly Tunnel[]
  /** Why others are not; each has been reported as the end of its tunnel. */
  readonly failures: readonly unknown[]
}

/** `isOnly`: whether the target of the event is all that was asked for. */
export type Report = (event: TunnelEvent, isOnly: boolean) => void

/**
 * Opens the tunnels that the words name, all at once. One that cannot be opened takes no other away: whoever asked
 * for several at night has use for those that work.
 * @throws PgctlError of the first, where none can be opened; the signal's once that aborts, and none stays open.
 */
export async function openTunnels(
  surroundings: Surroundings,
  wishes: TunnelWishes,
  report: Report,
  signal: AbortSignal,
): Promise<Opening> {
  const words = parseTargets(wishes.words)
  if (words.length > 1 && wishes.port !== undefined && wishes.port !== 0)
    throw new PgctlError('usage', 'one --port cannot serve several targets', {
      next: 'leave --port out: each target has a port of its own, the same on every computer',
    })
  const bind = wishes.bind ?? loadConfig(surroundings).settings.bind.value
  parseBindAddress(bind)
  const way = words.every(standsAlone)
    ? await findWayAlone(surroundings, words, signal)
    : await findWay(surroundings, words, signal)
  const reportOne = (event: TunnelEvent) => report(event, words.length === 1)
  const attempts = await Promise.allSettled(
    way.targets.map((target) => {
      const front = wishes.raw ? undefined : frontFor(way, target, bind, reportOne)
      return openOne(way, target, { ...wishes, bind, front }, reportOne, signal)
    }),
  )
  const tunnels = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
  const failures = attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason] : []))
  if (failures.length === 0 || (tunnels.length > 0 && !signal.aborted)) return { tunnels, failures }
  await Promise.all(tunnels.map((tunnel) => tunnel[Symbol.asyncDispose]()))
  throw failures[0]
}

/** An address through an instance that is named needs no installation. */
function standsAlone(word: TargetWord): boolean {
  return word.kind === 'host' && word.instance !== undefined
}

/**
 * Opens a tunnel to a target of an installation that is wired already.
 * @throws PgctlError of the end that was reported; the signal's once that aborts.
 */
export async function openTunnelTo(
  deps: Deps,
  target: Target,
  wishes: TargetWishes,
  report: (event: TunnelEvent) => void,
  signal: AbortSignal,
): Promise<Tunnel> {
  return openOne(await wayOf(deps, [target], signal), target, wishes, report, signal)
}

async function findWayAlone(
  surroundings: Surroundings,
  words: readonly TargetWord[],
  signal: AbortSignal,
): Promise<Way & { targets: Target[] }> {
  const { environment, flags } = surroundings
  const config = loadConfig(surroundings)
  const { settings } = config
  const region = chosenRegion(config) ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION']
  if (region === undefined)
    throw new PgctlError('usage', 'the region of the instance is not known', {
      why: 'no installation is asked for, and neither a flag nor a variable names a region',
      next: 'add --region REGION, or set AWS_REGION',
    })
  // An installation that was asked for by name pins its account for this instance, too.
  if (flags.installation !== undefined) return findWay(surroundings, words, signal)
  const account = wireAccount(surroundings, {
    region,
    ...(settings.profile.value === undefined ? {} : { profile: settings.profile.value }),
  })
  const targets = words.flatMap((word) => (word.kind === 'host' ? [hostTarget(word)] : []))
  const facts = { bastion: undefined, cluster: undefined, namespace: undefined }
  const workspace = targets[0]?.kind === 'host' ? (targets[0].instance ?? '') : ''
  return { account, deps: undefined, facts, workspace, context: await account.sessions(signal), targets }
}

async function findWay(
  surroundings: Surroundings,
  words: readonly TargetWord[],
  signal: AbortSignal,
): Promise<Way & { targets: Target[] }> {
  const deps = await wireInstallation(surroundings)
  const datastores = await findDatastores(deps, words, signal)
  const targets = words.map((word) => resolveTarget(word, { ...deps.profile, datastores }))
  return { ...(await wayOf(deps, targets, signal)), targets }
}

async function wayOf(deps: Deps, targets: readonly Target[], signal: AbortSignal): Promise<Way> {
  const needsCluster = targets.some(({ kind }) => kind !== 'host')
  const [context, { bastion }, cluster] = await allInOrder([
    deps.sessions(signal),
    deps.bastion(signal),
    needsCluster ? deps.clusterCredentials.endpoint(signal) : undefined,
  ])
  return {
    account: deps,
    deps,
    facts: { bastion: bastion.id, cluster, namespace: deps.namespace },
    workspace: deps.installation.workspace,
    context,
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

async function openOne(
  way: Way,
  target: Target,
  wishes: TargetWishes,
  report: (event: TunnelEvent) => void,
  signal: AbortSignal,
): Promise<Tunnel> {
  const plan = planRoute(way, target, wishes, report)
  return openTunnel({
    target,
    plan,
    workspace: way.workspace,
    port: wishes.port,
    bind: wishes.bind,
    front: wishes.front,
    dial: (dialing) =>
      openRoute(
        plan,
        {
          startSession: (request, starting) => SessionDialer.open(way.context, request, starting),
          credentials: () => clusterOf(way),
          listen: listenLocally,
          clock: systemClock,
          reason: wishes.reason,
        },
        dialing,
      ),
    report,
    signal,
    shell: {
      listen: listenLocally,
      probe: runProbe,
      clock: systemClock,
      random: systemRandom,
      store: way.account.store,
    },
  })
}

/** How many different refusals are told: whoever sends requests by the thousand has no more to say. */
const TOLD_REFUSALS = 10

/** The front of a target that is known to speak HTTP; it has a name of its own where there is an installation. */
function frontFor(
  { deps }: Way,
  target: Target,
  bind: string | undefined,
  report: (event: TunnelEvent) => void,
): Front | undefined {
  if (deps === undefined || target.protocol.kind !== 'http' || !target.protocolCertain) return undefined
  const place = {
    target: target.name,
    installation: deps.installation.name,
    bind: parseBindAddress(bind),
  }
  const told = new Set<string>()
  return httpFront({
    guard: guardOf(place),
    host: localName(place),
    onRefused: (why) => {
      if (told.has(why) || told.size === TOLD_REFUSALS) return
      told.add(why)
      const message = `a request was refused: ${why}`
      const next = 'if that was you: leave out what names another site, or pass bytes as they are with --raw'
      report({ event: 'warning', target: target.name, about: 'request-refused', message, next })
    },
  })
}

/** A target without a way has no tunnel that could tell of its end. */
function planRoute(
  way: Way,
  target: Target,
  wishes: TargetWishes,
  report: (event: TunnelEvent) => void,
): RoutePlan {
  try {
    return chooseRoute(target, way.facts, wishes.route)
  } catch (error) {
    report({ event: 'ended', target: target.name, cause: causeOf(error) })
    throw error
  }
}

function clusterOf({ deps }: Way): Deps['clusterCredentials'] {
  if (deps === undefined) throw new TypeError('a route through the cluster needs an installation')
  return deps.clusterCredentials
}
