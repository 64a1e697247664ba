import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { type ErrorCode, messageOf, PgctlError } from '#core/errors.ts'
import { roleGiving, waysTo } from '#core/kube/rights.ts'

/** What was asked of the API, in the words that its access rules use. */
export interface ApiSubject {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'patch'
  /** The API group; undefined is the core one. */
  readonly group?: string | undefined
  /** With its subresource: `pods`, `pods/log`, `services`. */
  readonly resource: string
  /** Undefined for what stands outside of all. */
  readonly namespace: string | undefined
  readonly name?: string | undefined
}

/** The API answered, and the answer is no. */
export class KubeApiError extends PgctlError {
  /** The HTTP status. */
  readonly status: number
  /** The wait that the server asked for. */
  readonly retryAfter: Ms | undefined

  constructor(subject: ApiSubject, cluster: string, answer: ApiAnswer) {
    const why = wordsOf(answer)
    const { code, message, next } = describeAnswer(subject, cluster, answer.status, why)
    super(code, message, { why, next, requestId: answer.requestId })
    this.status = answer.status
    this.retryAfter = answer.retryAfter
  }
}

/** The parts of an HTTP answer that an error is made of. */
export interface ApiAnswer {
  readonly status: number
  /** The body: a Status document, or whatever a proxy in between has written. */
  readonly body: string
  /** The id under which the cluster's audit log has the request. */
  readonly requestId?: string | undefined
  readonly retryAfter?: Ms | undefined
}

const statusSchema = z.object({
  kind: z.literal('Status'),
  message: z.string().optional(),
  code: z.number().optional(),
})

/** The API's own word for an outcome; undefined where `body` is something else. */
function parseStatus(body: unknown): { message: string | undefined; code: number | undefined } | undefined {
  const parsed = statusSchema.safeParse(body)
  return parsed.success ? { message: parsed.data.message, code: parsed.data.code } : undefined
}

/** Whether the same request may succeed a little later. */
export function isPassing(error: unknown): boolean {
  if (error instanceof KubeApiError) return error.status === 429 || error.status >= 500
  return error instanceof PgctlError && (error.code === 'cluster-unreachable' || error.code === 'timed-out')
}

const SEE_CLUSTER = 'run the command again; if it stays so, see how the cluster is: pgctl status'

/** Failures of TLS that no second try mends. */
const UNTRUSTED = new Set([
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
])

/** A connection that could not be made, or broke, as an error that names the cluster. */
export function connectionError(cluster: string, error: unknown): PgctlError {
  if (error instanceof PgctlError) return error
  const untrusted = UNTRUSTED.has((error as NodeJS.ErrnoException | undefined)?.code ?? '')
  if (untrusted)
    return new PgctlError(
      'endpoint-unreachable',
      `the certificate of the Kubernetes API is not the one of ${cluster}`,
      {
        why: messageOf(error),
        next: 'check that the installation names the right cluster and that nothing on the way ends TLS',
        cause: error,
      },
    )
  return new PgctlError('cluster-unreachable', `cannot reach the Kubernetes API of ${cluster}`, {
    why: describeBreak(error),
    next: SEE_CLUSTER,
    cause: error,
  })
}

/** Node's one word for a connection that broke while an answer was under way names whoever did not do it. */
function describeBreak(error: unknown): string {
  const words = messageOf(error)
  return words === 'aborted' ? 'the connection broke' : words
}

function describeAnswer(
  subject: ApiSubject,
  cluster: string,
  status: number,
  why: string,
): { code: ErrorCode; message: string; next: string } {
  const what = phrase(subject)
  switch (status) {
    case 401:
      return {
        code: 'permission-denied',
        message: `the cluster ${cluster} does not accept this identity`,
        next: 'ask for an access entry in the cluster for your identity, which pgctl status shows as caller',
      }
    case 403:
      return {
        code: 'permission-denied',
        message: `not allowed to ${what}`,
        next: askForRight(subject, why),
      }
    case 404:
      return {
        code: 'target-unknown',
        message: `the cluster ${cluster} has nothing to ${what}`,
        next: 'check the namespace and the workspace of the installation: pgctl config',
      }
    case 409:
      return {
        code: 'state-conflict',
        message: `somebody else has changed it meanwhile: could not ${what}`,
        next: 'see how it is now, and run the command again',
      }
    case 429:
      return {
        code: 'throttled',
        message: `the cluster ${cluster} is too busy to ${what}`,
        next: 'wait a minute and run the command again',
      }
    case 502:
    case 503:
      return {
        code: 'cluster-unreachable',
        message: `the Kubernetes API of ${cluster} could not ${what}`,
        next: SEE_CLUSTER,
      }
    case 504:
      return {
        code: 'timed-out',
        message: `the Kubernetes API of ${cluster} took too long to ${what}`,
        next: SEE_CLUSTER,
      }
    default:
      return {
        code: 'failed',
        message: `the Kubernetes API of ${cluster} did not ${what}`,
        next: SEE_CLUSTER,
      }
  }
}

/** A request may take several rights, and the refusal alone says which one was missing. */
function askForRight(subject: ApiSubject, why: string): string {
  const verb = /cannot (\w+) resource/.exec(why)?.[1] ?? subject.verb
  const { resource, group = '' } = subject
  const asked = `ask for a Role with the verb "${verb}" on "${resource}"${placeOf(subject)}`
  const right = { verb, group, resource }
  return roleGiving(right) === undefined ? asked : `${asked}; ${waysTo(right)}`
}

function placeOf({ namespace }: ApiSubject): string {
  return namespace === undefined ? ', in a ClusterRole' : ` in namespace "${namespace}"`
}

function phrase({ verb, resource, namespace, name }: ApiSubject): string {
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`
  return `${verb} ${resource}${name === undefined ? '' : ` of ${name}`}${where}`
}

/** At most a line or two of what a proxy wrote; a Status gives its message alone. */
function wordsOf(answer: ApiAnswer): string {
  const plain = answer.body.trim().slice(0, 300)
  try {
    return parseStatus(JSON.parse(answer.body))?.message ?? `HTTP ${answer.status}: ${plain}`
  } catch {
    return plain === '' ? `HTTP ${answer.status}` : `HTTP ${answer.status}: ${plain}`
  }
}
