import { headerOf, type WireAnswer, type WireRequest } from '../http-message.ts'
import type { Demand, Dialect } from './dialect.ts'

/** AWS JSON 1.1 (SSM, KMS, CloudTrail): POST /, the operation in `X-Amz-Target: PREFIX.Operation`. */
export function jsonDialect(targetPrefix: string): Dialect {
  return {
    read: (request) => read(request, targetPrefix),
    result: (_operation, output, requestId) => answer(200, output, requestId),
    error: (code, message, status, requestId) => answer(status, { __type: code, message }, requestId),
    errorStatus: 400,
    faults: {
      'no-token': { code: 'MissingAuthenticationTokenException', status: 400 },
      incomplete: { code: 'IncompleteSignatureException', status: 400 },
      'unknown-key': {
        code: 'UnrecognizedClientException',
        status: 400,
        message: 'The security token included in the request is invalid.',
      },
      mismatch: { code: 'InvalidSignatureException', status: 400 },
      expired: { code: 'InvalidSignatureException', status: 400 },
      early: { code: 'InvalidSignatureException', status: 400 },
      'credentials-expired': {
        code: 'ExpiredTokenException',
        status: 400,
        message: 'The security token included in the request is expired',
      },
      denied: { code: 'AccessDeniedException', status: 400 },
      failed: { code: 'InternalServerError', status: 500 },
      throttled: { code: 'ThrottlingException', status: 400, message: 'Rate exceeded' },
      'unknown-operation': { code: 'UnknownOperationException', status: 400 },
      'body-too-large': { code: 'SerializationException', status: 413 },
    },
  }
}

function read(request: WireRequest, prefix: string): Demand | undefined {
  const target = headerOf(request, 'x-amz-target') ?? ''
  const at = target.lastIndexOf('.')
  const operation = target.slice(at + 1)
  // Some clients write the prefix with the name space of the service before it.
  const known = `.${target.slice(0, Math.max(at, 0))}`.endsWith(`.${prefix}`)
  if (request.method !== 'POST' || !known || operation === '') return undefined
  const input = parseObject(request.body)
  return input === undefined ? undefined : { operation, input }
}

/** The JSON object of a body (an empty body is an empty one), or undefined. */
export function parseObject(body: Uint8Array): Record<string, unknown> | undefined {
  if (body.length === 0) return {}
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function answer(status: number, body: object, requestId: string): WireAnswer {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': requestId },
    body: JSON.stringify(body),
  }
}
