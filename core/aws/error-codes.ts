import type { ErrorCode } from '#core/errors.ts'

/**
 * What the names that AWS gives its errors mean to us. Pure tables and one function over them; the words are in
 * `errors.ts`.
 */

/** The codes that an error of AWS can become. */
export const AWS_ERROR_CODES = [
  'credentials-missing',
  'credentials-expired',
  'credentials-refused',
  'permission-denied',
  'throttled',
  'endpoint-unreachable',
  'agent-offline',
  'bastion-missing',
  'session-refused',
  'session-ended',
  'cluster-missing',
  'encryption-failed',
  'failed',
] as const satisfies readonly ErrorCode[]

export type AwsErrorCode = (typeof AWS_ERROR_CODES)[number]

/** What can be read of anything that a call to AWS threw. */
export interface AwsErrorFacts {
  /** The service's own name of the error, or the class of the one that was thrown on the way. */
  readonly name: string
  readonly message: string
  /** An errno or a code of Node's, where the network failed. */
  readonly errno: string | undefined
  /** The HTTP status of the answer. */
  readonly status: number | undefined
  readonly requestId: string | undefined
}

/** Errors of one service that mean something of their own, by `service/Name`. */
const SERVICE_ERRORS: Readonly<Record<string, AwsErrorCode>> = {
  'ssm/TargetNotConnected': 'agent-offline',
  'ssm/InvalidTarget': 'bastion-missing',
  'ssm/InvalidInstanceId': 'bastion-missing',
  'ssm/InvalidInstanceInformationFilterValue': 'bastion-missing',
  'ssm/InvalidDocument': 'session-refused',
  'ssm/InvalidParameters': 'session-refused',
  'ssm/ValidationException': 'session-refused',
  'ssm/DoesNotExistException': 'session-ended',
  'ec2/InvalidInstanceID.NotFound': 'bastion-missing',
  'ec2/InvalidInstanceID.Malformed': 'bastion-missing',
  'eks/ResourceNotFoundException': 'cluster-missing',
  'kms/NotFoundException': 'encryption-failed',
  'kms/DisabledException': 'encryption-failed',
  'kms/KMSInvalidStateException': 'encryption-failed',
  'kms/InvalidKeyUsageException': 'encryption-failed',
  'kms/UnsupportedOperationException': 'encryption-failed',
  'kms/KeyUnavailableException': 'encryption-failed',
  'kms/InvalidGrantTokenException': 'encryption-failed',
}

/** Errors that mean the same everywhere: services name one thing in several ways. */
const COMMON_ERRORS: readonly (readonly [AwsErrorCode, readonly string[]])[] = [
  [
    'credentials-expired',
    ['ExpiredToken', 'ExpiredTokenException', 'RequestExpired', 'TokenRefreshRequired'],
  ],
  [
    'credentials-refused',
    [
      'UnrecognizedClientException',
      'InvalidClientTokenId',
      'InvalidAccessKeyId',
      'AuthFailure',
      'SignatureDoesNotMatch',
      'InvalidSignatureException',
      'IncompleteSignature',
      'IncompleteSignatureException',
      'MissingAuthenticationToken',
      'MissingAuthenticationTokenException',
      'RequestTimeTooSkewed',
      'NotAuthorized',
      'UnauthorizedException',
    ],
  ],
  [
    'permission-denied',
    [
      'AccessDenied',
      'AccessDeniedException',
      'UnauthorizedOperation',
      'UnauthorizedAccess',
      'AuthorizationError',
      'AuthorizationErrorException',
      'ForbiddenException',
      'OptInRequired',
      'PendingVerification',
    ],
  ],
  [
    'throttled',
    [
      'Throttling',
      'ThrottlingException',
      'ThrottledException',
      'RequestThrottled',
      'RequestThrottledException',
      'RequestLimitExceeded',
      'TooManyRequestsException',
      'BandwidthLimitExceeded',
      'EC2ThrottledException',
      'PriorRequestNotComplete',
      'SlowDown',
    ],
  ],
  [
    'endpoint-unreachable',
    [
      'InternalServerError',
      'InternalServerException',
      'InternalFailure',
      'InternalError',
      'KMSInternalException',
      'DependencyTimeoutException',
      'ServerException',
      'ServiceUnavailable',
      'ServiceUnavailableException',
      'Unavailable',
      'TimeoutError',
    ],
  ],
]

const CODE_OF: ReadonlyMap<string, AwsErrorCode> = new Map(
  COMMON_ERRORS.flatMap(([code, names]) => names.map((name) => [name, code] as const)),
)

/** Errno and TLS codes of a connection that could not be made or kept. */
const NETWORK_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'],
  ...[
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENETDOWN',
    'EADDRNOTAVAIL',
    'EPROTO',
    'EACCES',
    'EPERM',
    'ERR_PROXY_TUNNEL',
  ],
])
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/
const QUOTA = /(LimitExceeded|QuotaExceeded)(Exception|Fault)?$/

const EXPIRED =
  /expired|session associated with this profile is invalid|not found or is invalid|re-authenticate|cannot refresh/i
const NOT_FROM_AWS = /Deserialization error|is not valid JSON|Unexpected token/

/** Which of our codes the error of a call to `service` is. */
export function classifyAwsError(facts: AwsErrorFacts, service: string): AwsErrorCode {
  if (isProviderError(facts)) return classifyProviderError(facts)
  return SERVICE_ERRORS[`${service}/${facts.name}`] ?? CODE_OF.get(facts.name) ?? classifyByKind(facts)
}

/** Whether the failure is of the chain that looks for credentials, not of a service. */
export function isProviderError({ name }: AwsErrorFacts): boolean {
  return name === 'CredentialsProviderError' || name === 'TokenProviderError' || name === 'ProviderError'
}

/** The credential chain quotes the error of the single sign-on service as text: `ForbiddenException: No access`. */
function classifyProviderError({ message }: AwsErrorFacts): AwsErrorCode {
  if (message.startsWith('ForbiddenException')) return 'permission-denied'
  if (message.startsWith('UnauthorizedException') || EXPIRED.test(message)) return 'credentials-expired'
  return 'credentials-missing'
}

function classifyByKind({ name, message, errno, status }: AwsErrorFacts): AwsErrorCode {
  if (errno !== undefined && (NETWORK_CODES.has(errno) || isCertificateCode(errno)))
    return 'endpoint-unreachable'
  if (QUOTA.test(name)) return 'session-refused'
  if (status === 429) return 'throttled'
  if (status === 401 || status === 403) return 'permission-denied'
  if (status === 407 || (status ?? 0) >= 500 || isForeignAnswer(message)) return 'endpoint-unreachable'
  return 'failed'
}

/** Whether a TLS code says that the far end's certificate is not trusted. */
export function isCertificateCode(errno: string | undefined): boolean {
  return errno !== undefined && CERTIFICATE.test(errno)
}

/** Whether something else answered in the place of AWS: the page of a proxy or of a hotel's network. */
export function isForeignAnswer(message: string): boolean {
  return NOT_FROM_AWS.test(message)
}
