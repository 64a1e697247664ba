import type { Ms } from '#core/clock.ts'
import { WORLDS } from '#sandbox/world.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import type { Authenticator } from './authenticator.ts'
import type { WireRequest } from './http-message.ts'
import { type Identity, principalArnOf } from './identity.ts'

const PREFIX = 'k8s-aws-v1.'
const CLUSTER_HEADER = 'x-k8s-aws-id'
const PARAMETERS = new Set([
  'Action',
  'Version',
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Security-Token',
  'X-Amz-Signature',
])

/** Whom an EKS token stands for, or why it stands for nobody. */
export type TokenVerdict =
  | { readonly ok: true; readonly identity: Identity; readonly principalArn: string }
  | { readonly ok: false; readonly why: string }

/**
 * Judges a bearer token as the EKS of `world` does: it holds a presigned GetCallerIdentity, good for 15 minutes, whose signature
 * covers the cluster's name, so that the token of one cluster opens no other.
 */
export function verifyEksToken(
  token: string,
  world: World,
  authenticator: Authenticator,
  now: Ms,
): TokenVerdict {
  if (!token.startsWith(PREFIX)) return refused(`the token does not begin with ${PREFIX}`)
  const url = URL.parse(Buffer.from(token.slice(PREFIX.length), 'base64url').toString('utf8'))
  if (url === null) return refused('the token holds no URL')
  if (!isTokenService(url)) return refused(`${url.host} is not the security token service`)
  if (url.pathname !== '/' || url.searchParams.get('Action') !== 'GetCallerIdentity')
    return refused('the token does not ask for the caller')
  for (const name of url.searchParams.keys())
    if (!PARAMETERS.has(name)) return refused(`the parameter ${name} has no place in a token`)
  const request: WireRequest = {
    method: 'GET',
    path: url.pathname,
    query: url.search.slice(1),
    headers: [
      ['host', url.host],
      [CLUSTER_HEADER, world.cluster.name],
    ],
    body: new Uint8Array(0),
    secure: true,
  }
  const authentication = authenticator.authenticate(request, ['sts'], now)
  if (!authentication.ok) return refused(authentication.message)
  const { account } = authentication.caller
  if (account !== world.account) return refused(`the token is of account ${account}`)
  if (
    authentication.claim.expires === undefined ||
    !authentication.claim.signedHeaders.includes(CLUSTER_HEADER)
  )
    return refused(`the signature does not cover ${CLUSTER_HEADER}`)
  const { principal, caller } = authentication
  return { ok: true, identity: caller, principalArn: principalArnOf(principal, caller) }
}

/** The region's own STS, the global one, or this computer: an endpoint override signs for that. */
function isTokenService(url: URL): boolean {
  const names = [...WORLDS.map(({ region }) => `sts.${region}.amazonaws.com`), 'sts.amazonaws.com']
  return names.includes(url.host) || ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
}

function refused(why: string): TokenVerdict {
  return { ok: false, why }
}
