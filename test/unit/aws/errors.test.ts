import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AWS_ERROR_CODES } from '#core/aws/error-codes.ts'
import { translateAwsError } from '#core/aws/errors.ts'
import { type ErrorCode, PgctlError } from '#core/errors.ts'

/** An error as a client of the SDK throws it. */
function serviceError(name: string, message: string, status = 400): Error {
  return Object.assign(new Error(message), {
    name,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status, requestId: '5f0c7a52-9d1e-4c35-8a0b-3d2f8f6f2b11', attempts: 1 },
  })
}

function providerError(message: string, name = 'CredentialsProviderError'): Error {
  return Object.assign(new Error(message), { name, tryNextLink: false })
}

function networkError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, $metadata: { attempts: 4 } })
}

const USER = 'arn:aws:sts::111122223333:assumed-role/Support/alex'
const INSTANCE = 'arn:aws:ec2:eu-central-1:111122223333:instance/i-0a1b2c3d4e5f60718'
const CALL = {
  action: 'ssm:StartSession',
  purpose: 'start a session on i-0a1b2c3d4e5f60718',
  resource: 'i-0a1b2c3d4e5f60718',
}
const CALLER = { profile: 'acme', region: 'eu-central-1', hasInstallation: true }

interface Row {
  readonly reason: string
  readonly error: unknown
  readonly action?: string
  readonly profile?: undefined
  readonly code: ErrorCode
  readonly message?: RegExp
  readonly next?: RegExp
}

const ROWS: readonly Row[] = [
  {
    reason: 'no credentials anywhere',
    error: providerError('Could not load credentials from any providers'),
    code: 'credentials-missing',
    message: /^there are no AWS credentials of the profile acme$/,
    next: /aws sso login --profile acme/,
  },
  {
    reason: 'no credentials and no profile',
    error: providerError('Could not load credentials from any providers'),
    profile: undefined,
    code: 'credentials-missing',
    next: /AWS_PROFILE/,
  },
  {
    reason: 'a profile that does not exist',
    error: providerError(
      'Could not resolve credentials using profile: [acme] in configuration/credentials file(s).',
    ),
    code: 'credentials-missing',
  },
  {
    reason: 'a profile that wants a second factor',
    error: providerError(
      'Profile acme requires multi-factor authentication, but no MFA code callback was provided.',
    ),
    code: 'credentials-missing',
    next: /export-credentials --profile acme/,
  },
  {
    reason: 'single sign-on, expired',
    error: providerError(
      'The SSO session associated with this profile has expired. To refresh this SSO session run aws sso login with the corresponding profile.',
    ),
    code: 'credentials-expired',
    next: /^aws sso login --profile acme$/,
  },
  {
    reason: 'single sign-on, never logged in',
    error: providerError(
      'The SSO session associated with this profile is invalid. To refresh this SSO session run aws sso login with the corresponding profile.',
    ),
    code: 'credentials-expired',
    next: /^aws sso login --profile acme$/,
  },
  {
    reason: 'single sign-on token that cannot be refreshed',
    error: providerError(
      "Token is expired. To refresh this SSO session run 'aws sso login' with the corresponding profile.",
      'TokenProviderError',
    ),
    code: 'credentials-expired',
    next: /^aws sso login --profile acme$/,
  },
  {
    reason: 'single sign-on service rejects the cached token',
    error: providerError('UnauthorizedException: Session token not found or invalid'),
    code: 'credentials-expired',
  },
  {
    reason: 'single sign-on role that the person does not have',
    error: providerError('ForbiddenException: No access'),
    code: 'permission-denied',
    message: /sso:GetRoleCredentials/,
  },
  {
    reason: 'the login of the console, expired',
    error: providerError('Failed to refresh token: Error: gone. Please re-authenticate using aws login'),
    code: 'credentials-expired',
    next: /^aws login --profile acme$/,
  },
  {
    reason: 'SSM with an expired session token',
    error: serviceError('ExpiredTokenException', 'The security token included in the request is expired'),
    code: 'credentials-expired',
    next: /of the profile acme/,
  },
  {
    reason: 'STS with an expired session token',
    error: serviceError('ExpiredToken', 'The security token included in the request is expired', 403),
    action: 'sts:GetCallerIdentity',
    code: 'credentials-expired',
  },
  {
    reason: 'EC2 with an expired session token',
    error: serviceError('RequestExpired', 'Request has expired.'),
    action: 'ec2:DescribeInstances',
    code: 'credentials-expired',
  },
  {
    reason: 'a key that was deleted',
    error: serviceError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    ),
    code: 'credentials-refused',
    next: /eu-central-1 is enabled/,
  },
  {
    reason: 'a key that was deleted, in the words of STS',
    error: serviceError(
      'InvalidClientTokenId',
      'The security token included in the request is invalid.',
      403,
    ),
    action: 'sts:GetCallerIdentity',
    code: 'credentials-refused',
  },
  {
    reason: 'a key that was deleted, in the words of EC2',
    error: serviceError('AuthFailure', 'AWS was not able to validate the provided access credentials', 401),
    action: 'ec2:DescribeInstances',
    code: 'credentials-refused',
  },
  {
    reason: 'a clock that is an hour off',
    error: serviceError(
      'InvalidSignatureException',
      'Signature expired: 20261123T091117Z is now earlier than 20261123T100617Z (20261123T101117Z - 5 min.)',
    ),
    code: 'credentials-refused',
    next: /clock/,
  },
  {
    reason: 'SSM denies by absence of a policy',
    error: serviceError(
      'AccessDeniedException',
      `User: ${USER} is not authorized to perform: ssm:StartSession on resource: ${INSTANCE} because no identity-based policy allows the ssm:StartSession action`,
    ),
    code: 'permission-denied',
    message: new RegExp(`not allowed: ssm:StartSession on ${INSTANCE}$`),
    next: new RegExp(`allow ssm:StartSession on ${INSTANCE} to ${USER}$`),
  },
  {
    reason: 'EC2 denies, with an encoded detail of no use to people',
    error: serviceError(
      'UnauthorizedOperation',
      `You are not authorized to perform this operation. User: ${USER} is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action. Encoded authorization failure message: ${'Q1'.repeat(400)}`,
      403,
    ),
    action: 'ec2:DescribeInstances',
    code: 'permission-denied',
    message: /not allowed: ec2:DescribeInstances/,
  },
  {
    reason: 'STS denies the role, which its message does not name as resource of the call',
    error: serviceError('AccessDenied', 'Roles may not be assumed by root accounts.', 403),
    action: 'sts:AssumeRole',
    code: 'permission-denied',
    message: /not allowed: sts:AssumeRole on i-0a1b2c3d4e5f60718/,
  },
  {
    reason: 'KMS denies',
    error: serviceError(
      'AccessDeniedException',
      `User: ${USER} is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-central-1:111122223333:key/5d0a2c8e because no resource-based policy allows the kms:GenerateDataKey action`,
    ),
    action: 'kms:GenerateDataKey',
    code: 'permission-denied',
    message: /kms:GenerateDataKey on arn:aws:kms/,
  },
  {
    reason: 'an unknown name with the status of a denial',
    error: serviceError('SomethingNew', 'no', 403),
    code: 'permission-denied',
  },
  { reason: 'SSM throttles', error: serviceError('ThrottlingException', 'Rate exceeded'), code: 'throttled' },
  {
    reason: 'EC2 throttles',
    error: serviceError('RequestLimitExceeded', 'Request limit exceeded.', 503),
    action: 'ec2:DescribeInstances',
    code: 'throttled',
  },
  {
    reason: 'an unknown name with the status of throttling',
    error: serviceError('Novel', '', 429),
    code: 'throttled',
  },
  {
    reason: 'an agent that is not online',
    error: serviceError('TargetNotConnected', 'i-0a1b2c3d4e5f60718 is not connected.'),
    code: 'agent-offline',
    next: /pgctl status/,
  },
  {
    reason: 'a target that does not exist',
    error: serviceError('InvalidTarget', "The target isn't valid or doesn't exist."),
    code: 'bastion-missing',
  },
  {
    reason: 'an instance id that does not exist',
    error: serviceError('InvalidInstanceID.NotFound', "The instance ID 'i-0a1b2c3d4e5f60718' does not exist"),
    action: 'ec2:DescribeInstances',
    code: 'bastion-missing',
  },
  {
    reason: 'a session document that does not exist',
    error: serviceError('InvalidDocument', 'Document with name X does not exist.'),
    code: 'session-refused',
  },
  {
    reason: 'a host that the session document does not take',
    error: serviceError('InvalidParameters', 'The value of parameter host does not match the pattern.'),
    code: 'session-refused',
    next: /correct the value/,
  },
  {
    reason: 'a target that is no id',
    error: serviceError('ValidationException', "1 validation error detected: Value at 'target' failed"),
    code: 'session-refused',
    next: /correct the value/,
  },
  {
    reason: 'too many sessions',
    error: serviceError('ServiceQuotaExceededException', 'The number of active sessions exceeds the limit.'),
    code: 'session-refused',
    next: /describe-sessions/,
  },
  {
    reason: 'a session that has ended',
    error: serviceError('DoesNotExistException', 'Session alex-0d9b does not exist'),
    action: 'ssm:ResumeSession',
    code: 'session-ended',
  },
  {
    reason: 'a cluster that does not exist',
    error: serviceError(
      'ResourceNotFoundException',
      'No cluster found for name: paragon-acme-5d1f0c2e.',
      404,
    ),
    action: 'eks:DescribeCluster',
    code: 'cluster-missing',
  },
  {
    reason: 'a key that is disabled',
    error: serviceError('DisabledException', 'arn:aws:kms:…:key/5d0a2c8e is disabled.'),
    action: 'kms:GenerateDataKey',
    code: 'encryption-failed',
  },
  {
    reason: 'a failure of the service',
    error: serviceError('InternalServerError', 'Internal error', 500),
    code: 'endpoint-unreachable',
    message: /HTTP 500/,
  },
  {
    reason: 'nobody listens',
    error: networkError('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:9'),
    code: 'endpoint-unreachable',
    next: /AWS_ENDPOINT_URL/,
  },
  {
    reason: 'nobody listens on either loopback, which Node tells without a message',
    error: Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:9')]), {
      code: 'ECONNREFUSED',
    }),
    code: 'endpoint-unreachable',
  },
  {
    reason: 'a region that is misspelt',
    error: networkError('ENOTFOUND', 'getaddrinfo ENOTFOUND ssm.eu-centrall-1.amazonaws.com'),
    code: 'endpoint-unreachable',
    next: /spelt/,
  },
  {
    reason: 'no answer',
    error: Object.assign(new Error('Request timed out.'), { name: 'TimeoutError' }),
    code: 'endpoint-unreachable',
  },
  {
    reason: 'a proxy that opens TLS',
    error: networkError('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'),
    code: 'endpoint-unreachable',
    next: /AWS_CA_BUNDLE/,
  },
  {
    reason: 'a proxy that asks for a password',
    error: serviceError('Unknown', 'UnknownError', 407),
    code: 'endpoint-unreachable',
    next: /HTTPS_PROXY/,
  },
  {
    reason: "a hotel's login page in the place of JSON",
    error: Object.assign(
      new SyntaxError(
        'Unexpected token \'<\', "<html>" is not valid JSON\n  Deserialization error: to see the raw response, inspect the hidden field {error}.$response on this object.',
      ),
      { $metadata: { httpStatusCode: 200 } },
    ),
    code: 'endpoint-unreachable',
    message: /something else answered/,
  },
  { reason: 'an error that no row knows', error: serviceError('Novel', 'What?'), code: 'failed' },
  { reason: 'a thrown text', error: 'boom', code: 'failed' },
  { reason: 'nothing thrown', error: undefined, code: 'failed' },
]

describe('errors of AWS', () => {
  for (const { reason, error, action = CALL.action, code, message, next, ...rest } of ROWS) {
    it(`${reason}: ${code}`, () => {
      const caller = 'profile' in rest ? { ...CALLER, profile: undefined } : CALLER
      const ours = translateAwsError(error, { ...CALL, action }, caller)
      assert.equal(ours.code, code)
      if (!code.startsWith('credentials-'))
        assert.match(ours.message, /^cannot start a session on i-0a1b2c3d4e5f60718/)
      if (message !== undefined) assert.match(ours.message, message)
      if (next !== undefined) assert.match(ours.next ?? '', next)
      if (code !== 'failed') assert.ok(ours.next, 'it says what to do')
      assert.ok(ours.why, 'it says why')
    })
  }

  for (const [name, advice] of [
    [
      'TargetNotConnected',
      /: aws ssm describe-instance-information --region eu-central-1 --filters Key=InstanceIds,/,
    ],
    ['InvalidTarget', /: aws ssm describe-instance-information --region eu-central-1$/],
  ] as const)
    it(`${name}: advises nothing that needs an installation, where there is none`, () => {
      const error = serviceError(name, 'no')
      const { next = '' } = translateAwsError(error, CALL, { ...CALLER, hasInstallation: false })
      assert.match(next, advice)
      assert.doesNotMatch(next, /pgctl status/)
      assert.match(translateAwsError(error, CALL, CALLER).next ?? '', /pgctl status/)
    })

  it('has a row for every code that AWS can become', () => {
    assert.deepEqual(new Set(ROWS.map(({ code }) => code)), new Set(AWS_ERROR_CODES))
  })

  it("keeps the provider's request id and words, and its name for the error", () => {
    const ours = translateAwsError(serviceError('ThrottlingException', 'Rate exceeded'), CALL, CALLER)
    assert.equal(ours.requestId, '5f0c7a52-9d1e-4c35-8a0b-3d2f8f6f2b11')
    assert.equal(ours.why, 'Rate exceeded (ThrottlingException)')
  })

  it('leaves an error of ours as it is', () => {
    const error = new PgctlError('credentials-expired', 'expired')
    assert.equal(translateAwsError(error, CALL, CALLER), error)
  })

  it('does not repeat the request that a refused signature quotes, which holds the session token', () => {
    const quoted =
      "The request signature we calculated does not match the signature you provided.\n\nThe Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:FwoGZXIvYXdzSECRET\n'"
    const ours = translateAwsError(serviceError('SignatureDoesNotMatch', quoted, 403), CALL, CALLER)
    assert.equal(ours.code, 'credentials-refused')
    assert.doesNotMatch(`${ours.message} ${ours.why} ${ours.next} ${JSON.stringify(ours.cause)}`, /SECRET/)
    assert.equal(ours.cause, undefined)
  })

  it('cuts what is of no use to people', () => {
    const encoded = ROWS.find(({ reason }) => reason.startsWith('EC2 denies'))?.error
    const ours = translateAwsError(encoded, { ...CALL, action: 'ec2:DescribeInstances' }, CALLER)
    assert.doesNotMatch(ours.why ?? '', /Encoded|Q1Q1/)
    const long = translateAwsError(serviceError('Novel', 'x'.repeat(5_000)), CALL, CALLER)
    assert.ok((long.why ?? '').length < 700)
  })
})
