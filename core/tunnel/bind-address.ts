import { PgctlError } from '#core/errors.ts'
import { parseAddress } from '#core/tunnel/host-port.ts'

/**
 * The one address to listen on, undefined for both loopbacks, which is what `localhost` means. Another name would be
 * looked up, and might be someone else's. Whether this computer has the address is known only by listening on it.
 * @throws PgctlError `usage` for what is no address.
 */
export function parseBindAddress(text: string | undefined): string | undefined {
  if (text === undefined || text.toLowerCase() === 'localhost') return undefined
  const address = parseAddress(text)
  if (address !== undefined) return address
  throw new PgctlError('usage', `${JSON.stringify(text)} is not an address to listen on`, {
    why: 'an IP address of this computer is needed, or localhost for both loopbacks',
    next: 'leave out --bind to keep the tunnel to this computer',
  })
}
