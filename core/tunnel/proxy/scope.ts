import { isLoopbackHost, parseAddress } from '#core/tunnel/host-port.ts'
import type { Destination } from '#core/tunnel/proxy/handshake.ts'
import type { TargetWord } from '#core/tunnel/target.ts'

/** What of an installation a proxy may lead to. */
export interface ProxyScope {
  /** The cluster's API and the datastores. */
  readonly endpoints: readonly Destination[]
  /** Names of Services are those of this namespace. */
  readonly namespace: string
  /** `--any`: whatever the bastion reaches. */
  readonly any: boolean
}

export type Verdict =
  /** How to get there. */
  | { readonly allowed: true; readonly word: TargetWord }
  /** Only if this address is that of an endpoint: whoever can look names up there decides. */
  | { readonly allowed: 'if-endpoint'; readonly word: TargetWord }
  | { readonly allowed: false; readonly why: string }

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/

/**
 * Whether a client of the proxy may go there, and by which target. Names are never looked up on this computer: of a
 * Service by the cluster, of anything else by the bastion.
 */
export function judgeDestination({ host, port }: Destination, scope: ProxyScope): Verdict {
  const name = host.toLowerCase().replace(/\.$/, '')
  const service = serviceIn(name)
  if (service !== undefined) {
    if (service.namespace !== undefined && service.namespace !== scope.namespace)
      return { allowed: false, why: `it is of the namespace ${service.namespace}, not of ${scope.namespace}` }
    return { allowed: true, word: { kind: 'service', service: service.name, port } }
  }
  const word: TargetWord = { kind: 'host', host: name, port, instance: undefined }
  const isEndpoint = scope.endpoints.some((each) => each.host.toLowerCase() === name && each.port === port)
  if (isEndpoint || scope.any) return { allowed: true, word }
  if (isLoopbackHost(name)) return { allowed: false, why: 'it is the bastion itself' }
  const isAddress = parseAddress(name) !== undefined
  if (isAddress && scope.endpoints.some((each) => each.port === port)) return { allowed: 'if-endpoint', word }
  return { allowed: false, why: 'it is none of the hosts of the installation' }
}

/** `hermes`, `hermes.paragon`, …, `hermes.paragon.svc.cluster.local`. */
function serviceIn(name: string): { name: string; namespace: string | undefined } | undefined {
  const [service = '', namespace, ...rest] = name.split('.')
  if (!LABEL.test(service) || service === 'localhost' || /^\d+$/.test(service)) return undefined
  if (namespace === undefined) return { name: service, namespace: undefined }
  return LABEL.test(namespace) && ['svc', 'svc.cluster.local'].includes(rest.join('.'))
    ? { name: service, namespace }
    : undefined
}

/** The addresses in what `getent ahosts` prints. */
export function parseAddresses(text: string): string[] {
  const addresses = text.split('\n').flatMap((line) => parseAddress(line.split(/\s/)[0] ?? '') ?? [])
  return [...new Set(addresses)]
}
