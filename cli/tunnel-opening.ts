import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { parseBindAddress } from '#core/tunnel/bind-address.ts'
import type { Dialer, RouteName } from '#core/tunnel/dialer.ts'
import { causeOf, type TunnelEvent } from '#core/tunnel/events.ts'
import { guardOf, localName } from '#core/tunnel/http-guard.ts'
import { httpFront } from '#core/tunnel/io/http-front.ts'
import { listenLocally } from '#core/tunnel/io/listener.ts'
import { openRoute } from '#core/tunnel/io/open-route.ts'
import { runProbe } from '#core/tunnel/io/probe.ts'
import { LazyDialer } from '#core/tunnel/lazy-dialer.ts'
import type { Target } from '#core/tunnel/resolve-target.ts'
import { chooseRoute, type RoutePlan } from '#core/tunnel/routes.ts'
import { parseTargets } from '#core/tunnel/target.ts'
import { type Front, openTunnel, type Tunnel } from '#core/tunnel/tunnel.ts'
import type { Deps, Surroundings } from './deps.ts'
import { loadConfig } from './load-config.ts'
import { findGoal, type Goal, installationGoal, renewedGoal, type Way } from './tunnel-goal.ts'

export interface TunnelWishes {
  readonly words: readonly string[]
  readonly port?: number | undefined
  readonly bind?: string | undefined
  readonly route?: RouteName | undefined
  readonly reason?: string | undefined
  /** Whether web services get a plain pipe as well. */
  readonly raw?: boolean | undefined
  /** Listen first, open a session for the first connection, and close it when none has been open for so long. */
  readonly lazy?: { readonly idle: Ms } | undefined
}

/** How a tunnel to a target that is known already is opened. */
export interface TargetWishes extends Pick<TunnelWishes, 'port' | 'bind' | 'route' | 'reason'> {
  readonly front?: Front | undefined
}

/** What has become of several targets that were asked for at once. */
export interface Opening {
  /** Of each word what came of it, in their order; at least one is a tunnel that is ready. */
  readonly attempts: readonly PromiseSettledResult<OpenedTunnel>[]
  /** Those that are ready; at least one. */
  readonly tunnels: readonly OpenedTunnel[]
  /** Why others are not; each has been reported as the end of its tunnel. */
  readonly failures: readonly unknown[]
}

/** A tunnel; a lazy one can be told to open its session. */
export type OpenedTunnel = Tunnel & { readonly lazy?: LazyDialer | undefined }

/** `isOnly`: whether the target of the event is all that was asked for; `at`: which of the words it is. */
export type Report = (event: TunnelEvent, isOnly: boolean, at: number) => void

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
  const goal = await findGoal(surroundings, words, signal)
  // All that are not lazy go by what is found now, once.
  const way = wishes.lazy === undefined ? await goal.findWay(signal) : undefined
  const attempts = await Promise.allSettled(
    goal.targets.map((target, at) => {
      const reportOne = (event: TunnelEvent) => report(event, words.length === 1, at)
      const front = wishes.raw ? undefined : frontFor(goal, target, bind, reportOne)
      const opening = { goal, target, wishes: { ...wishes, bind, front }, report: reportOne, signal }
      return way === undefined ? openLazily(opening) : openNow(opening, way)
    }),
  )
  const tunnels = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
  const failures = attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason] : []))
  if (failures.length === 0 || (tunnels.length > 0 && !signal.aborted)) return { attempts, tunnels, failures }
  await Promise.all(tunnels.map((tunnel) => tunnel[Symbol.asyncDispose]()))
  throw failures[0]
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
  const goal = installationGoal(deps, [target])
  return openNow({ goal, target, wishes, report, signal }, await goal.findWay(signal))
}

/**
 * Opens a tunnel to a target that is known already, by a session that comes with the first connection.
 * @throws PgctlError of the end that was reported; the signal's once that aborts.
 */
export async function openTargetLazily(
  surroundings: Surroundings,
  target: Target,
  wishes: TargetWishes & Required<Pick<TunnelWishes, 'lazy'>>,
  report: (event: TunnelEvent) => void,
  signal: AbortSignal,
): Promise<OpenedTunnel> {
  return openLazily({ goal: await renewedGoal(surroundings, [target]), target, wishes, report, signal })
}

interface OpeningOne {
  readonly goal: Goal
  readonly target: Target
  readonly wishes: TargetWishes & Pick<TunnelWishes, 'lazy'>
  readonly report: (event: TunnelEvent) => void
  readonly signal: AbortSignal
}

async function openNow(opening: OpeningOne, way: Way): Promise<Tunnel> {
  const { target, wishes, report } = opening
  const plan = planRoute(way, target, wishes, report)
  return openTunnel({
    ...common(opening),
    plan,
    dial: (dialing) => dialRoute(way, plan, wishes, dialing),
  })
}

/** Nothing is opened and nothing of the way asked for, before a connection comes. */
async function openLazily(opening: OpeningOne): Promise<OpenedTunnel> {
  const { goal, target, wishes } = opening
  const route = wishes.route ?? (target.kind === 'service' ? 'cluster' : 'direct')
  const lazy = new LazyDialer({
    route,
    clock: systemClock,
    idle: wishes.lazy?.idle ?? 0,
    async open(dialing) {
      const way = await goal.findWay(dialing)
      return dialRoute(way, chooseRoute(target, way.facts, wishes.route), wishes, dialing)
    },
  })
  const plan = { route, why: 'when the first connection comes', parameters: {} }
  const tunnel = await openTunnel({ ...common(opening), plan, lazy: true, dial: async () => lazy })
  return Object.assign(tunnel, { lazy })
}

function dialRoute(
  way: Way,
  plan: RoutePlan,
  { reason }: TargetWishes,
  signal: AbortSignal,
): Promise<Dialer> {
  const tools = {
    startSession: way.open,
    credentials: () => clusterOf(way),
    listen: listenLocally,
    clock: systemClock,
    reason,
  }
  return openRoute(plan, tools, signal)
}

function common({ goal, target, wishes, report, signal }: OpeningOne) {
  const shell = {
    listen: listenLocally,
    probe: runProbe,
    clock: systemClock,
    random: systemRandom,
    store: goal.account.store,
  }
  const { workspace } = goal
  const { port, bind, front } = wishes
  return { target, workspace, port, bind, front, report, signal, shell }
}

/** How many different refusals are told: whoever sends requests by the thousand has no more to say. */
const TOLD_REFUSALS = 10

/** The front of a target that is known to speak HTTP; it has a name of its own where there is an installation. */
function frontFor(
  { installation }: Goal,
  target: Target,
  bind: string | undefined,
  report: (event: TunnelEvent) => void,
): Front | undefined {
  if (installation === undefined || target.protocol.kind !== 'http' || !target.protocolCertain)
    return undefined
  const place = { target: target.name, installation, bind: parseBindAddress(bind) }
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
