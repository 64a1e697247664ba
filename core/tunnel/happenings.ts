import type { Instant, Ms } from '#core/clock.ts'
import type { DialerEvent, RouteName } from '#core/tunnel/dialer.ts'
import type { SessionEnd } from '#core/tunnel/ends-at.ts'
import { causeOf, type Happening, type TunnelHappening } from '#core/tunnel/events.ts'
import { formatHostPort, isLoopbackHost } from '#core/tunnel/host-port.ts'
import type { LocalListener } from '#core/tunnel/listener.ts'
import type { PortPlan } from '#core/tunnel/local-port.ts'
import type { ProbeResult } from '#core/tunnel/probe.ts'
import type { Target } from '#core/tunnel/resolve-target.ts'

const MINUTE: Ms = 60_000

/** What a tunnel tells of what its route told, as of `now`. */
export function describeDialerEvent(
  event: Exclude<DialerEvent, { event: 'ended' }>,
  now: Instant,
): TunnelHappening {
  switch (event.event) {
    case 'session': {
      const { sessionId, instance, limits } = event
      const endsAt = limits?.maximum === undefined ? undefined : toIso(now.wall + limits.maximum)
      return { event: 'session', sessionId, instance, endsAt, idleLimitMs: limits?.idle }
    }
    case 'reconnecting':
      return { event: 'reconnecting', cause: causeOf(event.error) }
    case 'resumed':
      return { event: 'resumed', downForMs: Math.round(event.downFor) }
    case 'degraded':
      return { event: 'degraded', message: event.message }
    case 'notice':
      return { event: 'notice', about: 'route', message: event.message }
    case 'asleep':
      return {
        event: 'asleep',
        afterMs: event.after,
        cause: event.error === undefined ? undefined : causeOf(event.error),
      }
  }
}

/** What is worth knowing of the port that was taken; `missing` is an address that this computer does not have. */
export function describeBinding(
  { port, addresses, missing }: Pick<LocalListener, 'port' | 'addresses'> & { missing: string | undefined },
  plan: PortPlan,
): TunnelHappening[] {
  const happenings: TunnelHappening[] = []
  if (missing !== undefined)
    happenings.push({
      event: 'notice',
      about: 'no-ipv6',
      message: `this computer has no ${missing}: only ${addresses.join(', ')} listens`,
    })
  if (plan.kind === 'preferred' && port !== plan.home)
    happenings.push({
      event: 'notice',
      about: 'port-moved',
      message: `port ${plan.home} is taken: listening on ${port} instead`,
    })
  const open = addresses.filter((address) => !isLoopbackHost(address))
  if (open.length > 0)
    happenings.push({
      event: 'warning',
      about: 'bind-not-loopback',
      message: `whoever reaches port ${port} of ${open.join(', ')} can use this tunnel`,
      next: 'leave out --bind to keep it to this computer',
    })
  return happenings
}

/** A tunnel that can be used, by where it listens and what its probe saw. */
export function describeReady(
  target: Target,
  route: RouteName,
  { address, port, addresses, host }: ReadyPlace,
  { result, detail }: ProbeResult,
): Happening<'ready'> {
  const probe = result === 'answered' ? 'answered' : 'unanswered'
  const url = urlOf(target, host ?? address, port)
  return { event: 'ready', address, port, url, route, probe, detail, addresses }
}

/** Where a tunnel listens; `host` is the name in its URL, if it has one. */
export interface ReadyPlace extends Pick<LocalListener, 'address' | 'port' | 'addresses'> {
  readonly host?: string | undefined
}

/** A lazy tunnel that listens; nothing has been asked of the far end. */
export function describeListening(
  target: Target,
  route: RouteName,
  { address, port, addresses, host }: ReadyPlace,
): Happening<'ready'> {
  const url = urlOf(target, host ?? address, port)
  const detail = 'the first connection opens a session'
  const probe = 'unanswered'
  return { event: 'ready', address, port, url, route, probe, detail, addresses, lazy: true }
}

/** A warning that the account's policy is about to end a session. */
export function describeEnd({ because, remaining, at }: SessionEnd): Happening<'warning'> {
  const minutes = Math.max(1, Math.round(remaining / MINUTE))
  const rule =
    because === 'maximum' ? 'its maximum length' : 'its limit of idle time, unless something passes'
  return {
    event: 'warning',
    about: because === 'maximum' ? 'session-ends-soon' : 'idle-ends-soon',
    message: `the account's policy ends this session in ${minutes} min: ${rule}`,
    at: toIso(at),
  }
}

/** Only for a protocol that is known for certain; an address that stands for all is none to visit. */
function urlOf({ protocol, protocolCertain }: Target, address: string, port: number): string | undefined {
  if (!protocolCertain || (protocol.kind !== 'http' && protocol.kind !== 'tls')) return undefined
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address
  return `${protocol.kind === 'http' ? 'http' : 'https'}://${formatHostPort(host, port)}`
}

function toIso(wall: Ms): string {
  return new Date(wall).toISOString()
}
