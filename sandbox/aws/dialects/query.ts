import { headerOf, type WireAnswer, type WireRequest } from '../http-message.ts'
import { document, type XmlValue } from '../xml.ts'
import type { Demand, Dialect } from './dialect.ts'

/** AWS Query (STS, RDS, ElastiCache, Auto Scaling, load balancers): parameters in a form or the query, answers in XML. */
export function queryDialect(version: string, namespace: string): Dialect {
  return {
    read: (request) => readForm(request, version),
    result: (operation, output, requestId) =>
      answer(
        200,
        document(
          `${operation}Response`,
          {
            [`${operation}Result`]: output as { [name: string]: XmlValue },
            ResponseMetadata: { RequestId: requestId },
          },
          namespace,
        ),
        requestId,
      ),
    error: (code, message, status, requestId) =>
      answer(
        status,
        document(
          'ErrorResponse',
          {
            Error: { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message },
            RequestId: requestId,
          },
          namespace,
        ),
        requestId,
      ),
    errorStatus: 400,
    faults: {
      'no-token': {
        code: 'MissingAuthenticationToken',
        status: 403,
        message: 'Request is missing Authentication Token',
      },
      incomplete: { code: 'IncompleteSignature', status: 400 },
      'unknown-key': {
        code: 'InvalidClientTokenId',
        status: 403,
        message: 'The security token included in the request is invalid.',
      },
      mismatch: { code: 'SignatureDoesNotMatch', status: 403 },
      expired: { code: 'SignatureDoesNotMatch', status: 403 },
      early: { code: 'SignatureDoesNotMatch', status: 403 },
      'credentials-expired': {
        code: 'ExpiredToken',
        status: 403,
        message: 'The security token included in the request is expired',
      },
      denied: { code: 'AccessDenied', status: 403 },
      failed: { code: 'InternalFailure', status: 500 },
      throttled: { code: 'Throttling', status: 400, message: 'Rate exceeded' },
      'unknown-operation': { code: 'InvalidAction', status: 400 },
      'body-too-large': { code: 'RequestEntityTooLarge', status: 413 },
    },
  }
}

/** EC2's own query protocol: the same requests, answers without a result element, errors in a list. */
export function ec2Dialect(version: string): Dialect {
  return {
    read: (request) => readForm(request, version),
    result: (operation, output, requestId) =>
      answer(
        200,
        document(
          `${operation}Response`,
          { requestId, ...output },
          `http://ec2.amazonaws.com/doc/${version}/`,
        ),
        requestId,
      ),
    error: (code, message, status, requestId) =>
      answer(
        status,
        document('Response', { Errors: { Error: { Code: code, Message: message } }, RequestID: requestId }),
        requestId,
      ),
    errorStatus: 400,
    faults: {
      'no-token': {
        code: 'MissingParameter',
        status: 400,
        message: 'The request must contain the parameter AWSAccessKeyId',
      },
      incomplete: { code: 'IncompleteSignature', status: 400 },
      'unknown-key': { code: 'AuthFailure', status: 401, message: NOT_VALIDATED },
      mismatch: { code: 'AuthFailure', status: 401, message: NOT_VALIDATED },
      expired: { code: 'RequestExpired', status: 400, message: 'Request has expired.' },
      early: { code: 'AuthFailure', status: 401, message: NOT_VALIDATED },
      'credentials-expired': { code: 'RequestExpired', status: 400, message: 'Request has expired.' },
      denied: { code: 'UnauthorizedOperation', status: 403 },
      failed: { code: 'InternalError', status: 500 },
      throttled: { code: 'RequestLimitExceeded', status: 503, message: 'Request limit exceeded.' },
      'unknown-operation': { code: 'InvalidAction', status: 400 },
      'body-too-large': { code: 'RequestEntityTooLarge', status: 413 },
    },
  }
}

const NOT_VALIDATED = 'AWS was not able to validate the provided access credentials'

function readForm(request: WireRequest, version: string): Demand | undefined {
  const form = (headerOf(request, 'content-type') ?? '').startsWith('application/x-www-form-urlencoded')
  const text = request.method === 'POST' && form ? Buffer.from(request.body).toString('utf8') : request.query
  const { Action: operation, Version: wanted, ...input } = Object.fromEntries(new URLSearchParams(text))
  return operation === undefined || wanted !== version ? undefined : { operation, input }
}

function answer(status: number, body: string, requestId: string): WireAnswer {
  return {
    status,
    headers: { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': requestId },
    body,
  }
}
