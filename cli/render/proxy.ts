import { neutralise } from '#core/text/neutralise.ts'
import type { DialerEvent } from '#core/tunnel/dialer.ts'
import type { ProxyEvent } from '#core/tunnel/io/proxy-server.ts'
import type { Paint } from './error.ts'

/** The lines by which a shell takes over the variables; nothing in their values needs more than these quotes. */
export function renderExports(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value}'`)
    .join('\n')
}

/** What happens to the clients, for a person; undefined for what only a program wants to know. */
export function renderProxyEvent(event: ProxyEvent, paint: Paint): string | undefined {
  if (event.event === 'refused') {
    const where = event.to === undefined ? 'a client' : event.to
    return `${paint('yellow', '!')} ${neutralise(where)}: refused, ${neutralise(event.why)}`
  }
  // What was open when the proxy ended was ended by it.
  if (event.event === 'connection-closed' && event.cause !== undefined && event.cause.code !== 'interrupted')
    return `${paint('yellow', '!')} ${neutralise(event.to)}: ${neutralise(event.cause.message)}`
  return undefined
}

/** What happens to a way, for a person. */
export function renderProxyRoute(target: string, event: DialerEvent, paint: Paint): string | undefined {
  const mark = paint('dim', '·')
  switch (event.event) {
    case 'session':
      return `${mark} ${neutralise(target)}: session ${event.sessionId} on ${event.instance}`
    case 'reconnecting':
      return `${mark} ${neutralise(target)}: ${neutralise(event.error.message)}; bringing it back`
    case 'ended':
      return `${paint('yellow', '!')} ${neutralise(target)}: ${neutralise(event.error.message)}`
    default:
      return undefined
  }
}
