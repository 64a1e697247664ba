import { PgctlError } from '#core/errors.ts'

/** Where a session's data channel may be. */
export interface StreamUrlPolicy {
  readonly region: string
  /** The configured endpoint (a URL) that stands in for the service's own, as in a sandbox. */
  readonly override?: string | undefined
}

/** What follows `ssmmessages.REGION.`, by partition; `.api.aws` is dual stack. */
const SUFFIXES = ['amazonaws.com', 'amazonaws.com.cn', 'api.aws', 'api.amazonwebservices.com.cn']

/** `us-east-1`, `cn-north-1`, `us-gov-west-1`: nothing that could leave its place in a host name. */
const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/

/**
 * The URL to open, when it may be opened: what stands there gets the session's token.
 *
 * Accepted is `wss` on the region's own ssmmessages host (plain or FIPS), or the configured override's scheme
 * counterpart, host and port; where one is configured, the service's own address is opened there, as the service does
 * not know of a PrivateLink endpoint that is asked by a name of its own. Plain `ws` goes only to a loopback address, as everything in a session would be
 * readable on the way.
 *
 * @throws PgctlError `stream-url-refused`
 */
export function acceptStreamUrl(streamUrl: string, policy: StreamUrlPolicy): URL {
  const url = URL.canParse(streamUrl) ? new URL(streamUrl) : undefined
  if (url === undefined) throw refused('it is no URL', policy)
  if (url.protocol !== 'wss:' && url.protocol !== 'ws:')
    throw refused(`its scheme is ${url.protocol} instead of wss:`, policy)
  if (url.username !== '' || url.password !== '') throw refused('it names a user', policy)
  if (url.protocol === 'ws:' && !isLoopback(url.hostname))
    throw refused(`it is plain ws: to ${url.hostname}, which is not this computer`, policy)
  const { override } = policy
  if (isServiceHost(url, policy.region)) return override === undefined ? url : atOverride(url, override)
  if (!isOverride(url, override)) throw refused(`its host ${url.host} is not the service's`, policy)
  return url
}

function refused(why: string, policy: StreamUrlPolicy): PgctlError {
  return new PgctlError('stream-url-refused', "the address of the session's data channel is not acceptable", {
    why,
    next:
      policy.override === undefined
        ? `check the region (${policy.region}); set an endpoint in the configuration if one stands in for the service`
        : `check the configured endpoint (${policy.override})`,
  })
}

function isServiceHost(url: URL, region: string): boolean {
  if (url.protocol !== 'wss:' || url.port !== '' || !REGION.test(region)) return false
  return SUFFIXES.some(
    (suffix) =>
      url.hostname === `ssmmessages.${region}.${suffix}` ||
      url.hostname === `ssmmessages-fips.${region}.${suffix}`,
  )
}

/** The service's address at the host and port of the override, or as it is where that is no URL under TLS. */
function atOverride(url: URL, override: string): URL {
  const chosen = URL.parse(override)
  if (chosen?.protocol !== 'https:' && chosen?.protocol !== 'wss:') return url
  const moved = new URL(url)
  moved.hostname = chosen.hostname
  moved.port = chosen.port
  return moved
}

/** An override is a host and port that somebody chose, under TLS or on loopback. */
function isOverride(url: URL, override: string | undefined): boolean {
  if (override === undefined || !URL.canParse(override)) return false
  const chosen = new URL(override)
  const scheme = { 'https:': 'wss:', 'http:': 'ws:', 'wss:': 'wss:', 'ws:': 'ws:' }[chosen.protocol]
  return scheme === url.protocol && chosen.host === url.host
}

/** URL has made one spelling of all: 127.1 and 0x7f000001 are 127.0.0.1 by now. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
