import { headerOf, type WireAnswer, type WireRequest } from '../http-message.ts'
import { document, type XmlValue } from '../xml.ts'
import type { Demand, Dialect } from './dialect.ts'

/** One operation of S3: which requests ask for it. */
export interface BucketRoute {
  readonly method: 'GET' | 'HEAD' | 'PUT'
  /** The query parameter that says what of a bucket is meant: `versioning`. */
  readonly of?: string
  /** Whether a bucket is named. */
  readonly bucket: boolean
  /** Whether an object in it is. */
  readonly object?: boolean
  readonly operation: string
}

/** What an operation of S3 answers: a document or the bytes of an object, headers, or both. */
export interface XmlOutput {
  readonly body?: Uint8Array
  readonly root?: string
  readonly content?: XmlValue
  readonly headers?: Readonly<Record<string, string>>
}

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** REST-XML (S3): the bucket in the path or before the host's name, the operation in method and query. */
export function restXmlDialect(routes: readonly BucketRoute[]): Dialect {
  return {
    read: (request) => read(request, routes),
    result(_operation, output, requestId) {
      const { root, content = {}, headers, body = '' } = output as XmlOutput
      return answer(200, root === undefined ? body : document(root, content, NAMESPACE), requestId, headers)
    },
    error: (code, message, status, requestId) =>
      answer(
        status,
        document('Error', { Code: code, Message: message, RequestId: requestId, HostId: HOST_ID }),
        requestId,
      ),
    errorStatus: 400,
    faults: {
      'no-token': { code: 'AccessDenied', status: 403, message: 'Access Denied' },
      incomplete: { code: 'AuthorizationHeaderMalformed', status: 400 },
      'unknown-key': {
        code: 'InvalidAccessKeyId',
        status: 403,
        message: 'The AWS Access Key Id you provided does not exist in our records.',
      },
      mismatch: { code: 'SignatureDoesNotMatch', status: 403 },
      expired: { code: 'RequestTimeTooSkewed', status: 403, message: SKEWED },
      early: { code: 'RequestTimeTooSkewed', status: 403, message: SKEWED },
      'credentials-expired': {
        code: 'ExpiredToken',
        status: 400,
        message: 'The provided token has expired.',
      },
      denied: { code: 'AccessDenied', status: 403 },
      throttled: { code: 'SlowDown', status: 503, message: 'Please reduce your request rate.' },
      failed: {
        code: 'InternalError',
        status: 500,
        message: 'We encountered an internal error. Please try again.',
      },
      'unknown-operation': { code: 'NotImplemented', status: 501 },
      'body-too-large': { code: 'EntityTooLarge', status: 400 },
    },
  }
}

const SKEWED = 'The difference between the request time and the current time is too large.'
const HOST_ID = 'c2FuZGJveCBzYW5kYm94IHNhbmRib3ggc2FuZGJveA=='

function read(request: WireRequest, routes: readonly BucketRoute[]): Demand | undefined {
  const query = Object.fromEntries(new URLSearchParams(request.query))
  const { bucket, key } = placeOf(request)
  const named = routes.filter(({ of }) => of !== undefined && query[of] !== undefined)
  const route = (named.length > 0 ? named : routes.filter(({ of }) => of === undefined)).find(
    ({ method, bucket: needsBucket, object: needsObject = false }) =>
      method === request.method &&
      needsBucket === (bucket !== undefined) &&
      needsObject === (key !== undefined),
  )
  if (route === undefined) return undefined
  if (bucket === undefined) return { operation: route.operation, input: query }
  if (key === undefined) return { operation: route.operation, input: { ...query, bucket } }
  const condition = headerOf(request, 'if-none-match')
  return {
    operation: route.operation,
    input: { ...query, bucket, key, body: request.body, 'if-none-match': condition },
  }
}

/** `/BUCKET/KEY` at an address or localhost, `/KEY` at `BUCKET.localhost` otherwise. */
function placeOf(request: WireRequest): {
  readonly bucket: string | undefined
  readonly key: string | undefined
} {
  const host = (headerOf(request, 'host') ?? '').replace(/:\d+$/, '')
  const [, before] = /^(.+)\.(localhost|s3[.-].*amazonaws\.com)$/.exec(host) ?? []
  const [, first = '', rest = ''] = /^\/([^/]*)\/?(.*)$/.exec(request.path) ?? []
  const filled = (text: string) => (text === '' ? undefined : decodeURIComponent(text))
  if (before !== undefined) return { bucket: before, key: filled(request.path.slice(1)) }
  return { bucket: filled(first), key: filled(rest) }
}

function answer(
  status: number,
  body: string | Uint8Array,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): WireAnswer {
  return {
    status,
    headers: {
      'content-type': 'application/xml',
      'x-amz-request-id': requestId,
      'x-amz-id-2': HOST_ID,
      ...headers,
    },
    body,
  }
}
