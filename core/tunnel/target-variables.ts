import { formatHostPort } from '#core/tunnel/host-port.ts'
import type { Tunnel } from '#core/tunnel/tunnel.ts'

/**
 * The variables that tell a program where a tunnel listens: `TUNNEL_POSTGRES_HERMES_HOST`, `_PORT`, `_ADDRESS` and,
 * where the far end is known to have one, `_URL`.
 */
export function targetVariables(target: string, { ready }: Pick<Tunnel, 'ready'>): Record<string, string> {
  const prefix = `TUNNEL_${target
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replace(/^_/, '')}`
  const { address, port, url } = ready
  return {
    [`${prefix}_HOST`]: address,
    [`${prefix}_PORT`]: String(port),
    [`${prefix}_ADDRESS`]: formatHostPort(address, port),
    ...(url === undefined ? {} : { [`${prefix}_URL`]: byAddress(url, address) }),
  }
}

/** Names below `localhost` are for browsers: not every program finds them. */
function byAddress(url: string, address: string): string {
  const host = address.includes(':') ? `[${address}]` : address
  return url.replace(/^(\w+:\/\/)(?:\[[^\]]*\]|[^/:]+)/, `$1${host}`)
}
