/** The Kubernetes API's way to say no: a `Status` object, in the API server's own words. */

import type { Attributes } from './request-info.ts'

export interface StatusBody {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: { readonly continue?: string }
  readonly status: 'Failure'
  readonly message: string
  readonly reason: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly code: number
}

/** Thrown by handlers; the server answers with its status. */
export class ApiFailure extends Error {
  readonly body: StatusBody

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: Readonly<Record<string, unknown>>,
    metadata: StatusBody['metadata'] = {},
  ) {
    super(message)
    this.body = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata,
      status: 'Failure',
      message,
      reason,
      ...(details && { details }),
      code,
    }
  }
}

export const unauthorized = () => new ApiFailure(401, 'Unauthorized', 'Unauthorized')

export const badRequest = (message: string) => new ApiFailure(400, 'BadRequest', message)

/** An object that is not there; `kind` is the resource's plural. */
export function notFound(kind: string, name: string, group = ''): ApiFailure {
  const qualified = group === '' ? kind : `${kind}.${group}`
  return new ApiFailure(404, 'NotFound', `${qualified} "${name}" not found`, {
    name,
    ...(group !== '' && { group }),
    kind,
  })
}

/** A change of an object that is another one meanwhile. */
export const modifiedMeanwhile = (kind: string, name: string) =>
  new ApiFailure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${kind} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    { name, kind },
  )

export const unsupportedMediaType = (given: string) =>
  new ApiFailure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: application/merge-patch+json (${given})`,
    {},
  )

export const unknownResource = () =>
  new ApiFailure(404, 'NotFound', 'the server could not find the requested resource', {})

export const methodNotAllowed = () =>
  new ApiFailure(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  )

/** A value of an option that breaks its rule: field, why. */
export function invalidLogOption(pod: string, field: string, why: string): ApiFailure {
  return new ApiFailure(422, 'Invalid', `PodLogOptions "${pod}" is invalid: ${field}: ${why}`, {
    name: pod,
    kind: 'PodLogOptions',
    causes: [{ reason: 'FieldValueInvalid', message: why, field }],
  })
}

export function expiredContinue(fresh: string): ApiFailure {
  return new ApiFailure(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list ' +
      'without the continue parameter, or use the continue token in this response to retrieve the remainder of ' +
      'the results. Continuing with the provided token results in an inconsistent list - objects that were ' +
      'created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    undefined,
    { continue: fresh },
  )
}

export function expiredVersion(asked: number, oldest: number): ApiFailure {
  return new ApiFailure(410, 'Expired', `too old resource version: ${asked} (${oldest})`)
}

export function versionAhead(asked: number, current: number): ApiFailure {
  return new ApiFailure(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${asked}, current: ${current}`,
    {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  )
}

/** What the authorizer's refusal reads like; `why` is its own reason, where it gives one. */
export function forbidden(user: string, asked: Attributes, why?: string): ApiFailure {
  const reason = why === undefined ? '' : `: ${why}`
  if (asked.resource === undefined)
    return new ApiFailure(
      403,
      'Forbidden',
      `forbidden: User "${user}" cannot ${asked.verb} path "${asked.path}"${reason}`,
      {},
    )
  const qualified = asked.group === '' ? asked.resource : `${asked.resource}.${asked.group}`
  const resource = asked.subresource === undefined ? asked.resource : `${asked.resource}/${asked.subresource}`
  const where =
    asked.namespace === undefined ? 'at the cluster scope' : `in the namespace "${asked.namespace}"`
  const named = asked.name === undefined ? qualified : `${qualified} "${asked.name}"`
  return new ApiFailure(
    403,
    'Forbidden',
    `${named} is forbidden: User "${user}" cannot ${asked.verb} resource "${resource}" ` +
      `in API group "${asked.group}" ${where}${reason}`,
    {
      ...(asked.name !== undefined && { name: asked.name }),
      ...(asked.group !== '' && { group: asked.group }),
      kind: asked.resource,
    },
  )
}
