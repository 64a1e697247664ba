import { PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import type { SessionContext } from '#core/ssm/io/session.ts'
import { parseBindAddress } from '#core/tunnel/bind-address.ts'
import type { RouteName } from '#core/tunnel/dialer.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { listenLocally } from '#core/tunnel/io/listener.ts'
import { openRoute } from '#core/tunnel/io/open-route.ts'
import { runProbe } from '#core/tunnel/io/probe.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import { hostTarget, resolveTarget, type Target } from '#core/tunnel/resolve-target.ts'
import { chooseRoute, type RouteFacts } from '#core/tunnel/routes.ts'
import { parseTargets, type TargetWord } from '#core/tunnel/target.ts'
import { openTunnel, type Tunnel } from '#core/tunnel/tunnel.ts'
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
}

/** What all tunnels of one run are opened with. */
interface Way {
  readonly account: Account
  readonly deps: Deps | undefined
  readonly facts: RouteFacts
  readonly workspace: string
  readonly context: SessionContext
}

/**
 * Opens the tunnels that the words name, all at once.
 * @throws PgctlError of the first that cannot be opened; the others are closed again.
 */
export async function openTunnels(
  surroundings: Surroundings,
  wishes: TunnelWishes,
  report: (event: TunnelEvent) => void,
  signal: AbortSignal,
): Promise<Tunnel[]> {
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
  const attempts = await Promise.allSettled(
    way.targets.map((target) => openOne(way, target, { ...wishes, bind }, report, signal)),
  )
  const opened = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
  const failed = attempts.find((attempt) => attempt.status === 'rejected')
  if (failed === undefined) return opened
  await Promise.all(opened.map((tunnel) => tunnel[Symbol.asyncDispose]()))
  throw failed.reason
}

/** An address through an instance that is named needs no installation. */
function standsAlone(word: TargetWord): boolean {
  return word.kind === 'host' && word.instance !== undefined
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
  const targets = words.map((word) => resolveTarget(word, deps.profile))
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
    targets,
  }
}

/** Async, so that a target without a way rejects as any other that fails, and what is open beside it is closed. */
async function openOne(
  way: Way,
  target: Target,
  wishes: TunnelWishes,
  report: (event: TunnelEvent) => void,
  signal: AbortSignal,
): Promise<Tunnel> {
  const plan = chooseRoute(target, way.facts, wishes.route)
  return openTunnel({
    target,
    plan,
    workspace: way.workspace,
    port: wishes.port,
    bind: wishes.bind,
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

function clusterOf({ deps }: Way): Deps['clusterCredentials'] {
  if (deps === undefined) throw new TypeError('a route through the cluster needs an installation')
  return deps.clusterCredentials
}
