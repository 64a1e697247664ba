import { isLoopbackHost, parseAddress, parseHost, parseLabel } from '#core/tunnel/host-port.ts'

/**
 * Who may speak to a web service at the near end of a tunnel.
 *
 * The port is on the loopback, and so the stranger to fear is a page in the browser of the same computer: it names the
 * port outright (a form, an image, a script, a WebSocket: then `Origin` or `Sec-Fetch-Site` tells), or by a name of its
 * own that it lets point at this computer (then `Host` tells). Cookies know no ports: installations are kept apart by
 * a host name each.
 */
export interface HttpGuard {
  /** Hosts by which the service is called here, in canonical form. */
  readonly hosts: ReadonlySet<string>
  /** Whether any address will do: whoever listens on all of this computer's does not know them. */
  readonly anyAddress: boolean
}

/** What of a request decides; header values as they came, one for each time that the header is there. */
export interface HttpAsk {
  readonly method: string
  /** The request's target, a path as a rule. */
  readonly target: string
  readonly hosts: readonly string[]
  readonly origins: readonly string[]
  readonly fetchSite: string | undefined
  readonly fetchMode: string | undefined
  readonly fetchDest: string | undefined
}

export type HttpVerdict =
  | { readonly allow: true }
  | {
      readonly allow: false
      readonly status: 400 | 403
      readonly why: string
      /** Whether a person has followed a link of another site, and may go on by a click of their own. */
      readonly maySayYes: boolean
    }

/** Where a tunnel is on this computer, and what it is called. */
export interface NearPlace {
  readonly target: string
  readonly installation: string
  /** `--bind`: one address, or undefined for both loopbacks. */
  readonly bind: string | undefined
}

/**
 * The name of a target for browsers: `grafana.acme.localhost`, which they know to be this computer. Undefined where it
 * would be none, or the tunnel does not listen on the loopback.
 */
export function localName({ target, installation, bind }: NearPlace): string | undefined {
  const onLoopback = bind === undefined || isLoopbackHost(bind) || EVERY_ADDRESS.has(bind)
  const labels = [target, installation]
  if (!onLoopback || labels.some((label) => parseLabel(label) !== label)) return undefined
  return [...labels, 'localhost'].join('.')
}

const EVERY_ADDRESS = new Set(['0.0.0.0', '::'])

/** The guard of a tunnel: its own name, and the ways to write this computer or the address that it listens on. */
export function guardOf(place: NearPlace): HttpGuard {
  const { bind } = place
  const hosts = [localName(place), 'localhost', '127.0.0.1', '::1', bind]
  return {
    hosts: new Set(hosts.filter((host) => host !== undefined)),
    anyAddress: bind !== undefined && EVERY_ADDRESS.has(bind),
  }
}

/** Whether the request is served, or why it is not. */
export function judgeRequest(ask: HttpAsk, guard: HttpGuard): HttpVerdict {
  const { target, hosts, origins, fetchSite } = ask
  if (!target.startsWith('/') && !(target === '*' && ask.method === 'OPTIONS'))
    return refuse(400, 'the target of a request is a path here')
  const [authority, ...others] = hosts
  if (authority === undefined || others.length > 0) return refuse(400, 'a request names one host')
  const host = hostIn(authority)
  if (
    host === undefined ||
    !(guard.hosts.has(host) || (guard.anyAddress && parseAddress(host) !== undefined))
  )
    return refuse(403, `nothing here is called ${shortened(authority)}`)
  // A page of another port of this computer is as foreign as one of another machine.
  const foreign = origins.find((origin) => origin.toLowerCase() !== `http://${authority.toLowerCase()}`)
  if (foreign !== undefined) return refuse(403, `pages of ${shortened(foreign)} have no business here`)
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none')
    return { ...refuse(403, 'a page of another site has asked for this'), maySayYes: isNavigation(ask) }
  return { allow: true }
}

function refuse(status: 400 | 403, why: string): HttpVerdict & { allow: false } {
  return { allow: false, status, why, maySayYes: false }
}

/** It is the words of a stranger, who may have many. */
function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

/** A page that is shown as a whole, and asked for by nothing but its address. */
function isNavigation({ method, fetchMode, fetchDest }: HttpAsk): boolean {
  return method === 'GET' && fetchMode === 'navigate' && fetchDest === 'document'
}

/** The host of `host:port` in canonical form. */
function hostIn(authority: string): string | undefined {
  const [, host] = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(authority) ?? []
  return host === undefined || host === '' ? undefined : parseHost(host)
}
