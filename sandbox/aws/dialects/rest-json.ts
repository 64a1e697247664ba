import type { WireAnswer, WireRequest } from '../http-message.ts'
import type { Demand, Dialect } from './dialect.ts'
import { parseObject } from './json.ts'

/** One operation's place: `/clusters/{name}` takes one segment as the parameter `name`. */
export interface Route {
  readonly method: string
  readonly path: string
  readonly operation: string
}

/** REST-JSON (EKS, MSK): the operation is the method and the path, errors are named by a header. */
export function restJsonDialect(routes: readonly Route[], faults: Partial<Dialect['faults']> = {}): Dialect {
  return {
    read: (request) => read(request, routes),
    result: (_operation, output, requestId) => answer(200, output, requestId),
    error: (code, message, status, requestId) =>
      answer(status, { message }, requestId, { 'x-amzn-errortype': code }),
    errorStatus: 400,
    faults: {
      'no-token': { code: 'MissingAuthenticationTokenException', status: 403 },
      incomplete: { code: 'IncompleteSignatureException', status: 403 },
      'unknown-key': {
        code: 'UnrecognizedClientException',
        status: 403,
        message: 'The security token included in the request is invalid.',
      },
      mismatch: { code: 'InvalidSignatureException', status: 403 },
      expired: { code: 'InvalidSignatureException', status: 403 },
      early: { code: 'InvalidSignatureException', status: 403 },
      'credentials-expired': {
        code: 'ExpiredTokenException',
        status: 403,
        message: 'The security token included in the request is expired',
      },
      denied: { code: 'AccessDeniedException', status: 403 },
      failed: { code: 'InternalServerErrorException', status: 500 },
      throttled: { code: 'ThrottlingException', status: 429, message: 'Rate exceeded' },
      'unknown-operation': { code: 'UnknownOperationException', status: 404 },
      'body-too-large': { code: 'RequestEntityTooLargeException', status: 413 },
      ...faults,
    },
  }
}

function read(request: WireRequest, routes: readonly Route[]): Demand | undefined {
  for (const route of routes) {
    const parameters = route.method === request.method ? matchPath(route.path, request.path) : undefined
    if (parameters === undefined) continue
    const body = parseObject(request.body)
    const query = Object.fromEntries(new URLSearchParams(request.query))
    return body === undefined
      ? undefined
      : { operation: route.operation, input: { ...body, ...query, ...parameters } }
  }
  return undefined
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [i, part] of wanted.entries()) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1]
    if (name === undefined && part !== given[i]) return undefined
    if (name !== undefined) parameters[name] = decodeURIComponent(given[i] as string)
  }
  return parameters
}

function answer(
  status: number,
  body: object,
  requestId: string,
  headers: Record<string, string> = {},
): WireAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-amzn-requestid': requestId, ...headers },
    body: JSON.stringify(body),
  }
}
