/**
 * Hosts and ports as people write them. A host comes out in its one canonical spelling, so that two ways to write
 * one far end are one tunnel with one local port.
 */

const PORT = /^[1-9]\d{0,4}$/
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i
/** Real zones hold names with underscores, whatever RFC 1123 says of hosts. */
const HOST_LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i
const IPV4_PART = /^(0|[1-9]\d{0,2})$/

/** The port that `text` writes in decimal, 1 to 65535; undefined for anything else, signs and leading zeros included. */
export function parsePort(text: string): number | undefined {
  const port = PORT.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? port : undefined
}

/** `text` in lower case when it is one DNS label (a Service's name, say), else undefined. */
export function parseLabel(text: string): string | undefined {
  // Checked before it is lower-cased: some letters of other scripts become Latin ones by that.
  return LABEL.test(text) ? text.toLowerCase() : undefined
}

/**
 * The canonical form of a host name or an IP address (IPv6 with or without brackets, given back without), or
 * undefined. A name is lower-cased and loses its final dot. Four numbers that are no address, and the short or octal
 * spellings that resolvers read in different ways, are refused.
 */
export function parseHost(text: string): string | undefined {
  if (text.startsWith('[') || text.includes(':')) return parseIpv6(text)
  const labels = text.replace(/\.$/, '').split('.')
  if (/^\d+$/.test(labels.at(-1) ?? '')) return parseIpv4(labels)
  const name = labels.join('.').toLowerCase()
  return name.length <= 253 && labels.every((label) => HOST_LABEL.test(label)) ? name : undefined
}

/** The canonical form of an IP address; undefined for anything else, names included. */
export function parseAddress(text: string): string | undefined {
  const host = parseHost(text)
  return host !== undefined && (host.includes(':') || /^[\d.]+$/.test(host)) ? host : undefined
}

/** Whether `host`, in canonical form, is this very machine as seen from wherever it is used. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function parseIpv4(parts: readonly string[]): string | undefined {
  const valid = parts.length === 4 && parts.every((part) => IPV4_PART.test(part) && Number(part) <= 255)
  return valid ? parts.join('.') : undefined
}

/** The URL parser knows the grammar of RFC 4291 and the spelling of RFC 5952; zones it refuses, as we do. */
function parseIpv6(text: string): string | undefined {
  const address = /^\[([0-9a-f:.]+)\]$/i.exec(text)?.[1] ?? (/^[0-9a-f:.]+$/i.test(text) ? text : undefined)
  if (address === undefined) return undefined
  const url = URL.parse(`http://[${address}]/`)
  return url === null ? undefined : url.hostname.slice(1, -1)
}
