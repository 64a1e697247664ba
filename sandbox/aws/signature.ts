import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { Ms } from '#core/clock.ts'
import { headerOf, type WireRequest } from './http-message.ts'

/**
 * Signature Version 4, the verifying side.
 *
 *     Authorization: AWS4-HMAC-SHA256 Credential=KEY/20261123/eu-central-1/ssm/aws4_request,
 *                    SignedHeaders=host;x-amz-date, Signature=HEX
 *     or in the query: X-Amz-Algorithm, X-Amz-Credential, X-Amz-Date, X-Amz-Expires, X-Amz-SignedHeaders, X-Amz-Signature
 *
 *     canonical request = METHOD ⏎ URI ⏎ QUERY ⏎ HEADERS ⏎ SIGNED NAMES ⏎ SHA-256 of the body
 *     string to sign    = algorithm ⏎ time ⏎ scope ⏎ SHA-256 of the canonical request
 *     key               = HMAC chain of secret, date, region, service, "aws4_request"
 */

const ALGORITHM = 'AWS4-HMAC-SHA256'
/** How far a clock may be off, either way. */
const SKEW: Ms = 15 * 60 * 1000
/** A presigned request may be good for a week at most; EKS tokens say 60 and are good for 15 minutes. */
const LONGEST_EXPIRY_SECONDS = 7 * 24 * 60 * 60

/** What a request says about who signed it; nothing of it is checked yet. */
export interface SignatureClaim {
  readonly accessKeyId: string
  readonly scope: { readonly date: string; readonly region: string; readonly service: string }
  /** Lower case, in the order of the claim. */
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** `20261123T101500Z` */
  readonly timestamp: string
  readonly sessionToken: string | undefined
  /** Where the signature stands in the query, for how long it says to be good. */
  readonly expires: Ms | undefined
}

/** Why a signature is refused, in the words of the services where they have any. */
export interface SignatureFault {
  readonly kind: 'no-token' | 'incomplete' | 'mismatch' | 'expired' | 'early'
  readonly message: string
}

/** Reads the claim of a request, from its header or its query. */
export function readClaim(request: WireRequest): SignatureClaim | SignatureFault {
  const authorization = headerOf(request, 'authorization')
  if (authorization !== undefined) return claimOfHeader(request, authorization)
  const query = new Map(pairsOf(request.query))
  if (query.has('X-Amz-Signature') || query.has('X-Amz-Credential')) return claimOfQuery(query)
  return { kind: 'no-token', message: 'Missing Authentication Token' }
}

export function isFault(outcome: SignatureClaim | SignatureFault): outcome is SignatureFault {
  return 'kind' in outcome
}

/** The fault of a claim when it is held against `secret` at `now` (wall time), or undefined when it is good. */
export function checkClaim(
  claim: SignatureClaim,
  request: WireRequest,
  secret: string,
  now: Ms,
): SignatureFault | undefined {
  const missing = requiredHeaders(request).filter((name) => !claim.signedHeaders.includes(name))
  if (missing.length > 0)
    return {
      kind: 'mismatch',
      message: `${missing.map((name) => `'${name}'`).join(', ')} must be a 'SignedHeader' in the AWS Authorization.`,
    }
  const fault = checkTime(claim, now)
  if (fault !== undefined) return fault
  const expected = signatureOf(claim, request, secret)
  const given = Buffer.from(claim.signature)
  if (given.length === expected.length && timingSafeEqual(given, Buffer.from(expected))) return undefined
  return {
    kind: 'mismatch',
    message:
      'The request signature we calculated does not match the signature you provided. ' +
      'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  }
}

/** The signature, in hex, that `secret` gives for what the claim covers. */
export function signatureOf(claim: SignatureClaim, request: WireRequest, secret: string): string {
  const { date, region, service } = claim.scope
  const scope = `${date}/${region}/${service}/aws4_request`
  const canonical = canonicalRequest(request, claim.signedHeaders, service)
  const text = [ALGORITHM, claim.timestamp, scope, hash('sha256', canonical)].join('\n')
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (chained, part) => createHmac('sha256', chained).update(part).digest(),
    `AWS4${secret}`,
  )
  return createHmac('sha256', key).update(text).digest('hex')
}

/** The text whose digest is signed. */
export function canonicalRequest(
  request: WireRequest,
  signedHeaders: readonly string[],
  service: string,
): string {
  const headers = signedHeaders.map((name) => `${name}:${canonicalHeader(request, name)}\n`).join('')
  const payload = headerOf(request, 'x-amz-content-sha256') ?? hash('sha256', request.body)
  return [
    request.method,
    // S3 takes keys as they are: no segment of a path is resolved, nor encoded a second time.
    service === 's3' ? request.path : canonicalPath(request.path),
    canonicalQuery(request.query),
    headers,
    signedHeaders.join(';'),
    payload,
  ].join('\n')
}

/** Whether the digest that a request declares is that of its body; requests that declare none pass. */
export function hasDeclaredDigest(request: WireRequest): boolean {
  const declared = headerOf(request, 'x-amz-content-sha256')
  // S3 lets a caller leave the body to TLS.
  return (
    declared === undefined ||
    (declared === 'UNSIGNED-PAYLOAD' && request.secure) ||
    declared === hash('sha256', request.body)
  )
}

/** Milliseconds of a `20261123T101500Z`, or undefined. */
export function parseTimestamp(text: string): Ms | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second] = parts
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time) ? undefined : time
}

function claimOfHeader(request: WireRequest, authorization: string): SignatureClaim | SignatureFault {
  if (!authorization.startsWith(`${ALGORITHM} `))
    return incomplete(`Unsupported AWS 'algorithm' in the Authorization header`)
  const fields = new Map(
    authorization
      .slice(ALGORITHM.length + 1)
      .split(',')
      .map((field) => field.trim().split(/=(.*)/s, 2) as [string, string]),
  )
  for (const name of ['Credential', 'SignedHeaders', 'Signature'])
    if (!fields.get(name)) return incomplete(`Authorization header requires '${name}' parameter.`)
  const timestamp = headerOf(request, 'x-amz-date')
  if (timestamp === undefined)
    return incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
  return claimOf({
    credential: fields.get('Credential') ?? '',
    signedHeaders: fields.get('SignedHeaders') ?? '',
    signature: fields.get('Signature') ?? '',
    timestamp,
    sessionToken: headerOf(request, 'x-amz-security-token'),
    expires: undefined,
  })
}

function claimOfQuery(query: ReadonlyMap<string, string>): SignatureClaim | SignatureFault {
  if (query.get('X-Amz-Algorithm') !== ALGORITHM)
    return incomplete("AWS query-string parameters must include 'X-Amz-Algorithm'.")
  for (const name of ['X-Amz-Credential', 'X-Amz-Date', 'X-Amz-SignedHeaders', 'X-Amz-Signature'])
    if (!query.get(name)) return incomplete(`AWS query-string parameters must include '${name}'.`)
  const seconds = Number(query.get('X-Amz-Expires') ?? '')
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > LONGEST_EXPIRY_SECONDS)
    return incomplete("'X-Amz-Expires' must be a whole number of seconds, at most a week.")
  return claimOf({
    credential: query.get('X-Amz-Credential') ?? '',
    signedHeaders: query.get('X-Amz-SignedHeaders') ?? '',
    signature: query.get('X-Amz-Signature') ?? '',
    timestamp: query.get('X-Amz-Date') ?? '',
    sessionToken: query.get('X-Amz-Security-Token'),
    expires: seconds * 1000,
  })
}

function claimOf(fields: {
  credential: string
  signedHeaders: string
  signature: string
  timestamp: string
  sessionToken: string | undefined
  expires: Ms | undefined
}): SignatureClaim | SignatureFault {
  const [accessKeyId, date, region, service, terminator, ...rest] = fields.credential.split('/')
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request' || rest.length > 0)
    return incomplete(
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${fields.credential}'`,
    )
  if (parseTimestamp(fields.timestamp) === undefined)
    return incomplete(
      `Date must be in ISO-8601 'basic format'. Got '${fields.timestamp}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    )
  return {
    accessKeyId,
    scope: { date, region, service },
    signedHeaders: fields.signedHeaders.split(';'),
    signature: fields.signature,
    timestamp: fields.timestamp,
    sessionToken: fields.sessionToken,
    expires: fields.expires,
  }
}

function incomplete(message: string): SignatureFault {
  return { kind: 'incomplete', message }
}

/** Host and every x-amz-… header must be covered, or somebody on the way could change them. */
function requiredHeaders(request: WireRequest): string[] {
  const amazon = request.headers
    .map(([name]) => name.toLowerCase())
    .filter((name) => name.startsWith('x-amz-'))
  return ['host', ...new Set(amazon)]
}

function checkTime(claim: SignatureClaim, now: Ms): SignatureFault | undefined {
  const signed = parseTimestamp(claim.timestamp) ?? 0
  if (claim.scope.date !== claim.timestamp.slice(0, 8))
    return {
      kind: 'mismatch',
      message: `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${claim.scope.date}' != '${claim.timestamp.slice(0, 8)}'.`,
    }
  const latest = signed + Math.max(claim.expires ?? 0, SKEW)
  if (now > latest)
    return {
      kind: 'expired',
      message: `Signature expired: ${claim.timestamp} is now earlier than ${basicTime(now - SKEW)} (${basicTime(now)} - 15 min.)`,
    }
  if (signed > now + SKEW)
    return {
      kind: 'early',
      message: `Signature not yet current: ${claim.timestamp} is still later than ${basicTime(now + SKEW)} (${basicTime(now)} + 15 min.)`,
    }
  return undefined
}

function basicTime(time: Ms): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

function canonicalHeader(request: WireRequest, name: string): string {
  return request.headers
    .filter(([candidate]) => candidate.toLowerCase() === name)
    .map(([, value]) => value.trim().replace(/\s+/g, ' '))
    .join(',')
}

/** Dot segments resolved, and every segment encoded once more than on the wire (all services but S3 do so). */
function canonicalPath(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(encode(segment))
  }
  return `/${segments.join('/')}${segments.length > 0 && path.endsWith('/') ? '/' : ''}`
}

function canonicalQuery(query: string): string {
  return pairsOf(query)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function pairsOf(query: string): Array<[name: string, value: string]> {
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      return at < 0 ? [decode(pair), ''] : [decode(pair.slice(0, at)), decode(pair.slice(at + 1))]
    })
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}
