import { BlockList, isIP } from 'node:net'
import { resolveFromBastion, type WorldPorts } from '#sandbox/world.ts'

/**
 * Where a bastion's connection to `host:port` leads.
 *
 * Agents before 3.3.4851.0 compared the text of an address and so forwarded to the metadata service when it was
 * spelled in another way (CVE-2026-89049). Here every spelling is turned into one first, and nothing but a loopback
 * port of the sandbox's own world is ever dialled.
 */
export type Destination =
  | { readonly kind: 'dial'; readonly loopbackPort: number }
  /** The host is there, the port is closed. */
  | { readonly kind: 'closed' }
  /** No such name or address. */
  | { readonly kind: 'unknown' }
  /** An address that no session may reach, in its one spelling. */
  | { readonly kind: 'forbidden'; readonly address: string }

/** Decides about `host:port` as seen from the bastion. */
export function destinationOf(host: string, port: number, world: WorldPorts): Destination {
  const canonical = canonicalHost(host)
  if (canonical === undefined) return { kind: 'unknown' }
  const family = isIP(canonical)
  if (family !== 0 && FORBIDDEN.check(canonical, family === 4 ? 'ipv4' : 'ipv6')) {
    return { kind: 'forbidden', address: canonical }
  }
  // The bastion itself runs an agent, and nothing that listens unless the sandbox was told of it.
  if (
    canonical === 'localhost' ||
    (family !== 0 && ITSELF.check(canonical, family === 4 ? 'ipv4' : 'ipv6'))
  ) {
    const loopbackPort = world.bastion?.get(port)
    return loopbackPort === undefined ? { kind: 'closed' } : { kind: 'dial', loopbackPort }
  }
  if (isClusterName(canonical)) return { kind: 'unknown' }
  const { known, loopbackPort } = resolveFromBastion(canonical, port, world)
  if (!known) return { kind: 'unknown' }
  return loopbackPort === undefined ? { kind: 'closed' } : { kind: 'dial', loopbackPort }
}

/**
 * The one spelling of a host: names in lower case without the root's dot, IPv4 as four decimals whatever base and
 * count of parts it was written in, IPv6 compressed, and the IPv4 address inside an IPv6 one where it embeds one.
 * Undefined for text that is no host.
 */
export function canonicalHost(host: string): string | undefined {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  if (!/^[0-9a-z._:-]+$/i.test(bare)) return undefined
  const parsed = URL.parse(bare.includes(':') ? `http://[${bare}]/` : `http://${bare}/`)
  if (parsed === null || parsed.port !== '') return undefined
  if (!parsed.hostname.startsWith('[')) return parsed.hostname.replace(/\.$/, '') || undefined
  const address = parsed.hostname.slice(1, -1)
  return embeddedIpv4(address) ?? address
}

/** Whether only the cluster's own DNS knows the name. */
function isClusterName(name: string): boolean {
  return /(^|\.)(svc|cluster\.local)$/.test(name) || /\.svc\./.test(name)
}

/** The IPv4 address that a mapped, compatible, NAT64 or 6to4 address leads to. */
function embeddedIpv4(address: string): string | undefined {
  const groups = groupsOf(address)
  const leadsWith = (...first: number[]) => first.every((group, i) => groups[i] === group)
  const dotted = (at: number) => {
    const high = groups[at] ?? 0
    const low = groups[at + 1] ?? 0
    return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`
  }
  if (leadsWith(0, 0, 0, 0, 0, 0xffff) || leadsWith(0x64, 0xff9b, 0, 0, 0, 0)) return dotted(6)
  // :: and ::1 belong to no IPv4 address.
  if (leadsWith(0, 0, 0, 0, 0, 0) && (groups[6] !== 0 || (groups[7] ?? 0) > 1)) return dotted(6)
  if (leadsWith(0x2002)) return dotted(1)
  return undefined
}

/** The eight groups of an IPv6 address as the URL parser writes it. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const numbers = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  if (tail === undefined) return numbers(head)
  const left = numbers(head)
  const right = numbers(tail)
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}

/** Link-local addresses, among them the metadata service, its DNS and its time, and their IPv6 twins. */
const FORBIDDEN = new BlockList()
FORBIDDEN.addSubnet('169.254.0.0', 16, 'ipv4')
FORBIDDEN.addSubnet('fe80::', 10, 'ipv6')
FORBIDDEN.addSubnet('fd00:ec2::', 32, 'ipv6')

const ITSELF = new BlockList()
ITSELF.addSubnet('127.0.0.0', 8, 'ipv4')
ITSELF.addSubnet('0.0.0.0', 8, 'ipv4')
ITSELF.addAddress('::1', 'ipv6')
ITSELF.addAddress('::', 'ipv6')
