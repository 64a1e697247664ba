import { formatDuration } from '#core/text/duration.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { Cause, ReadyEvent, TunnelEvent } from '#core/tunnel/events.ts'
import type { Paint } from './error.ts'
import { renderEnds } from './session.ts'

/** The line of a tunnel that is ready: the result of the command. */
export function renderReady(event: ReadyEvent, paint: Paint): string {
  const at = event.url ?? `${event.address}:${event.port}`
  const how = `${event.route} route, ${event.detail}`
  return `${paint('bold', event.target)}  ${paint('cyan', at)}  ${paint('dim', neutralise(how))}`
}

/** What else happens to a tunnel, for a person; undefined for what only a program wants to know. */
export function renderTunnelEvent(event: TunnelEvent, paint: Paint): string | undefined {
  const text = sentence(event)
  if (text === undefined) return undefined
  const mark = isGrave(event) ? paint('yellow', '!') : paint('dim', '·')
  return `${mark} ${event.target}: ${neutralise(text)}`
}

function isGrave(event: TunnelEvent): boolean {
  return (
    event.event === 'warning' ||
    event.event === 'degraded' ||
    (event.event === 'asleep' && event.cause !== undefined) ||
    (event.event === 'ended' && event.cause.code !== 'closed')
  )
}

function sentence(event: TunnelEvent): string | undefined {
  switch (event.event) {
    case 'starting':
      return `opening by the ${event.route} route: ${event.why}`
    case 'session':
      return `session ${event.sessionId} on ${event.instance}${limits(event)}`
    case 'connection-closed':
      return event.cause === undefined
        ? undefined
        : `connection ${event.connection}: ${causeText(event.cause)}`
    case 'reconnecting':
      return `${causeText(event.cause)}; bringing it back, connections wait`
    case 'resumed':
      return `back after ${(event.downForMs / 1000).toFixed(1)} s, nothing was lost`
    case 'degraded':
      return event.message
    case 'asleep':
      return event.cause === undefined
        ? `unused for ${formatDuration(event.afterMs ?? 0)}: its session is closed, the next connection opens another`
        : `${causeText(event.cause)}; the next connection opens another session`
    case 'notice':
    case 'warning':
      return event.next === undefined ? event.message : `${event.message} (${event.next})`
    case 'ended':
      return event.cause.code === 'closed' ? 'closed' : `ended: ${failureText(event.cause)}`
    case 'ready':
    case 'connection-opened':
      return undefined
  }
}

function causeText({ message, why }: Cause): string {
  return why === undefined ? message : `${message} (${why})`
}

/** Told long before the error of the command may repeat it. */
function failureText(cause: Cause): string {
  return cause.next === undefined ? causeText(cause) : `${causeText(cause)}; next: ${cause.next}`
}

function limits({ endsAt, idleLimitMs }: Extract<TunnelEvent, { event: 'session' }>): string {
  const ends = renderEnds(endsAt === undefined ? undefined : Date.parse(endsAt), idleLimitMs)
  return ends === undefined ? '' : `; ${ends}`
}
