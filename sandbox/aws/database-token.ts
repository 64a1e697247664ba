import type { Ms } from '#core/clock.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import type { Authenticator } from './authenticator.ts'
import type { WireRequest } from './http-message.ts'

const PARAMETERS = new Set([
  ...['Action', 'DBUser', 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Expires'],
  ...['X-Amz-SignedHeaders', 'X-Amz-Security-Token', 'X-Amz-Signature'],
])

/** Longer than this RDS takes no token. */
const LONGEST: Ms = 15 * 60_000

export interface DatabasePlace {
  readonly host: string
  readonly port: number
  readonly user: string
}

/**
 * Whether RDS lets in who shows the token: a presigned `connect` of the action `rds-db`, without its scheme, for the
 * database's own address and port and for that user, signed by somebody of its account no more than 15 minutes ago.
 */
export function verifyDatabaseToken(
  token: string,
  { host, port, user }: DatabasePlace,
  world: World,
  authenticator: Authenticator,
  now: Ms,
): boolean {
  const url = URL.parse(`https://${token}`)
  if (url === null || !token.startsWith(`${host}:${port}/?`)) return false
  const { searchParams } = url
  if (searchParams.get('Action') !== 'connect' || searchParams.get('DBUser') !== user) return false
  for (const name of searchParams.keys()) if (!PARAMETERS.has(name)) return false
  const request: WireRequest = {
    ...{
      method: 'GET',
      path: url.pathname,
      query: url.search.slice(1),
      body: new Uint8Array(0),
      secure: true,
    },
    headers: [['host', `${host}:${port}`]],
  }
  const authentication = authenticator.authenticate(request, ['rds-db'], now)
  if (!authentication.ok) return false
  const { caller, claim } = authentication
  return caller.account === world.account && claim.expires !== undefined && claim.expires <= LONGEST
}
