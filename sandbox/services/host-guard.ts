/**
 * Who may speak to a service of the sandbox.
 *
 * Every listener is on loopback, so the only stranger that can reach one is a web page open in the browser of the
 * same computer: by a form or a script (which sends its own Origin), or by a name of its own that it points at
 * 127.0.0.1 (which shows in Host). A request is served when Host is a name by which the service is really called,
 * and Origin, where a browser sends one, is the service itself.
 */

import type { IncomingHttpHeaders } from 'node:http'
import { WORLD, WORLD_SERVICES, WORLDS, type WorldService } from '#sandbox/world.ts'

/** Why a request is not served: an HTTP status and one sentence. */
export interface Refusal {
  readonly status: 403
  readonly reason: string
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1'])

const IN_CLUSTER_NAMES: ReadonlySet<string> = new Set(namesOfTheWorld())

/** Splits `name:port` or `[v6]:port`; undefined for anything that is not a plain authority. */
function hostnameOf(authority: string): string | undefined {
  const match = /^(?:\[([0-9a-f:]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(authority)
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, '')
}

function namesOfTheWorld(): string[] {
  const names: string[] = [WORLD.payloadHost, 'kubernetes', 'kubernetes.default.svc']
  for (const { cluster, pods } of WORLDS)
    names.push(cluster.host, ...pods.flatMap(({ address, name }) => [address, name]))
  for (const service of Object.keys(WORLD_SERVICES) as WorldService[]) {
    const inNamespace = `${service}.${WORLD.namespace}`
    names.push(service, inNamespace, `${inNamespace}.svc`, `${inNamespace}.svc.cluster.local`)
    names.push(WORLD_SERVICES[service].clusterIp)
  }
  return names
}

/** Whether `authority` (a Host header) names this computer, or a part of the world that a tunnel leads to. */
function isKnownHost(authority: string): boolean {
  const name = hostnameOf(authority)
  if (name === undefined) return false
  return LOOPBACK_NAMES.has(name) || name.endsWith('.localhost') || IN_CLUSTER_NAMES.has(name)
}

/** The refusal that a request with `headers` earns, or undefined when it may be served. */
export function refusalOf(headers: IncomingHttpHeaders): Refusal | undefined {
  const { host, origin } = headers
  // Only HTTP/1.0 may leave it out (Node refuses the rest), and no browser speaks that.
  if (host === undefined) return origin === undefined ? undefined : foreign(origin)
  if (!isKnownHost(host)) return { status: 403, reason: `the sandbox does not answer to the host "${host}"` }
  if (origin === undefined) return undefined
  // A page of another port of this computer is as foreign as one of another machine.
  if (
    /^https?:\/\//i.test(origin) &&
    origin.replace(/^https?:\/\//i, '').toLowerCase() === host.toLowerCase()
  )
    return undefined
  return foreign(origin)
}

function foreign(origin: string): Refusal {
  return { status: 403, reason: `requests of pages from "${origin}" are refused` }
}
