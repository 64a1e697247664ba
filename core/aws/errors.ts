import {
  type AwsErrorCode,
  type AwsErrorFacts,
  classifyAwsError,
  isCertificateCode,
  isForeignAnswer,
  isProviderError,
} from '#core/aws/error-codes.ts'
import { messageOf, PgctlError } from '#core/errors.ts'

/**
 * The one place where an error of AWS becomes one of ours: of the services, of the credential providers, of the
 * network on the way. Total: what no row of `error-codes.ts` knows is `failed`, in the provider's own words.
 */

/** One call, in the words that its failure is told in. */
export interface AwsCall {
  /** As a policy spells it: `ssm:StartSession`. */
  readonly action: string
  /** Completes "cannot …": `start a session on i-0a1b2c3d`. */
  readonly purpose: string
  /** What the call is about, for a refusal that does not say so itself. */
  readonly resource?: string
}

/** Whose call it was. */
export interface AwsCaller {
  readonly profile: string | undefined
  readonly region: string
  /** Whether the calls are about an installation: only of one does `pgctl status` know anything. */
  readonly hasInstallation: boolean
}

/** The error of a call to AWS as one of ours; one that is ours already stays as it is. */
export function translateAwsError(error: unknown, call: AwsCall, caller: AwsCaller): PgctlError {
  if (error instanceof PgctlError) return error
  const facts = readFacts(error)
  const code = classifyAwsError(facts, serviceOf(call.action))
  const { what, next } = TELL[code]({ facts, call, caller })
  return new PgctlError(code, messageFor(code, what, call), {
    why: whyOf(facts),
    next,
    requestId: facts.requestId,
    // A refused signature quotes the request with its session token: that error is not passed on.
    cause: QUOTED_REQUEST.test(facts.message) ? undefined : error,
  })
}

const QUOTED_REQUEST = /\s*The (canonical string|string-to-sign)/i
const ENCODED_DETAIL = /\s*Encoded authorization failure message:.*/s
const WHY_LIMIT = 600

interface Story {
  readonly facts: AwsErrorFacts
  readonly call: AwsCall
  readonly caller: AwsCaller
}

/** Credentials are of no use to any call: which one met that first says nothing. */
function messageFor(code: AwsErrorCode, what: string, { purpose }: AwsCall): string {
  if (code.startsWith('credentials-')) return what
  return what === '' ? `cannot ${purpose}` : `cannot ${purpose}: ${what}`
}

/** `what` follows "cannot PURPOSE: ", but where credentials are the matter. */
interface Telling {
  readonly what: string
  readonly next: string | undefined
}

const TELL: Readonly<Record<AwsErrorCode, (story: Story) => Telling>> = {
  'credentials-missing': ({ facts, caller }) => ({
    what: `there are no AWS credentials${ofProfile(caller)}`,
    next: obtain(facts, caller),
  }),
  'credentials-expired': ({ facts, caller }) => ({
    what: `the AWS credentials${ofProfile(caller)} have expired`,
    next: renew(facts, caller),
  }),
  'credentials-refused': ({ facts, caller }) => ({
    what: `AWS does not accept the credentials${ofProfile(caller)}`,
    next: isSkewed(facts)
      ? "set this computer's clock, which AWS finds too far off"
      : `check the key${ofProfile(caller)}, and that ${caller.region} is enabled in its account`,
  }),
  'permission-denied': tellDenial,
  throttled: () => ({ what: 'AWS asks to slow down', next: 'wait a minute and run the command again' }),
  'endpoint-unreachable': tellUnreachable,
  'agent-offline': ({ call, caller }) => ({
    what: 'its agent is not connected to the session service',
    next: `see how instance, agent and role are: ${caller.hasInstallation ? 'pgctl status, or ' : ''}${listAgents(caller)} --filters Key=InstanceIds,Values=${call.resource ?? 'ID'}`,
  }),
  'bastion-missing': ({ caller }) => ({
    what: `there is no such instance in ${caller.region}`,
    next: caller.hasInstallation
      ? 'see which bastions there are: pgctl status'
      : `check id and region; the instances that have an agent: ${listAgents(caller)}`,
  }),
  'session-refused': ({ facts }) => ({ what: 'the session service refused', next: mendSession(facts) }),
  'session-ended': () => ({ what: 'the session has ended', next: 'run the command again for a new one' }),
  'cluster-missing': ({ caller }) => ({
    what: `there is no such cluster in ${caller.region}`,
    next: 'check the workspace and the region of the installation: pgctl config',
  }),
  'encryption-failed': ({ call }) => ({
    what: 'the key cannot be used',
    next: `ask the owner of ${call.resource ?? 'the key'} whether it is enabled and in this region`,
  }),
  failed: () => ({ what: '', next: undefined }),
}

function listAgents({ region }: AwsCaller): string {
  return `aws ssm describe-instance-information --region ${region}`
}

/** The refused action and resource in the provider's own words, where it says them. */
function tellDenial({ facts, call, caller }: Story): Telling {
  const said = /not authorized to perform: ([\w-]+:[\w*]+)(?: on resource: (\S+))?/.exec(facts.message)
  const action = said?.[1] ?? (isProviderError(facts) ? 'sso:GetRoleCredentials' : call.action)
  const resource = said?.[2] ?? call.resource
  const user = /User: (arn:\S+)/.exec(facts.message)?.[1]
  const what = resource === undefined ? action : `${action} on ${resource}`
  if (action === 'sts:AssumeRole' && resource !== undefined)
    return { what: `not allowed: ${what}`, next: askForRole(resource, user, call, caller) }
  return {
    what: `not allowed: ${what}`,
    next: `ask the administrator of the account to allow ${what}${user === undefined ? '' : ` to ${user}`}`,
  }
}

/** A role that is not there, one that does not trust the caller and a wrong external id are refused alike. */
function askForRole(
  role: string,
  user: string | undefined,
  { resource }: AwsCall,
  { profile }: AwsCaller,
): string {
  const isLink = resource !== undefined && resource !== role
  const link = isLink
    ? `, which ${profile === undefined ? 'is taken first,' : `the profile ${profile} takes first,`}`
    : ''
  return `ask who owns ${role}${link} whether it exists, trusts ${user ?? 'you'}, and which external id it wants`
}

function tellUnreachable({ facts, caller }: Story): Telling {
  if (isCertificateCode(facts.errno))
    return {
      what: 'the certificate of the endpoint is not trusted',
      next: 'if a proxy opens TLS here, name its authority: AWS_CA_BUNDLE=FILE.pem, or NODE_USE_SYSTEM_CA=1',
    }
  if (facts.status === 407)
    return { what: 'the proxy asks who you are', next: 'put user and password into HTTPS_PROXY' }
  if (isForeignAnswer(facts.message))
    return {
      what: 'something else answered in the place of AWS',
      next: 'check the proxy, or log in to this network',
    }
  if (facts.status !== undefined)
    return {
      what: `AWS failed (HTTP ${facts.status})`,
      next: `run the command again; if it stays so, see whether AWS reports trouble in ${caller.region}`,
    }
  return {
    what: 'the endpoint of AWS cannot be reached',
    next: `check the network, the proxy (HTTPS_PROXY, NO_PROXY), AWS_ENDPOINT_URL, and that ${caller.region} is spelt right`,
  }
}

function mendSession({ name }: AwsErrorFacts): string {
  if (name === 'InvalidDocument')
    return 'check that the session document exists in this region; those of an installation are made from pgctl iam documents'
  if (name === 'InvalidParameters' || name === 'ValidationException')
    return 'correct the value that the message names'
  return 'end sessions that nobody needs: aws ssm describe-sessions --state Active lists them'
}

function obtain({ message }: AwsErrorFacts, { profile }: AwsCaller): string {
  const flag = profile === undefined ? '' : ` --profile ${profile}`
  // A prompt of ours would come in the middle of a session when the credentials are renewed.
  if (/multi-factor/i.test(message))
    return `give the code to the AWS CLI (aws sts get-caller-identity${flag}), and name a profile with: credential_process = aws configure export-credentials${flag}`
  return profile === undefined
    ? "name a profile (--profile, AWS_PROFILE, or the installation's own), or log in: aws sso login"
    : `log in: aws sso login${flag}, or set the profile up: aws configure${flag}`
}

function renew({ name, message }: AwsErrorFacts, caller: AwsCaller): string {
  const flag = caller.profile === undefined ? '' : ` --profile ${caller.profile}`
  if (message.includes('using aws login')) return `aws login${flag}`
  if (isProviderError({ name } as AwsErrorFacts)) return `aws sso login${flag}`
  return `renew the credentials${ofProfile(caller)} the way you got them, for example: aws sso login${flag}`
}

function ofProfile({ profile }: AwsCaller): string {
  return profile === undefined ? '' : ` of the profile ${profile}`
}

/** AWS refuses signatures more than a few minutes from its own clock. */
function isSkewed({ name, message }: AwsErrorFacts): boolean {
  return name === 'RequestTimeTooSkewed' || /Signature (expired|not yet current)/.test(message)
}

function serviceOf(action: string): string {
  return action.slice(0, action.indexOf(':'))
}

/** The provider's words, with its name for the error where a service answered. */
function whyOf({ name, message, status }: AwsErrorFacts): string {
  const [text = ''] = message.replace(ENCODED_DETAIL, '').split(QUOTED_REQUEST)
  const shown = text.length > WHY_LIMIT ? `${text.slice(0, WHY_LIMIT)}…` : text
  if (shown === '') return name
  return status === undefined ? shown : `${shown} (${name})`
}

/** Reads what an error says of itself, whatever it is: services, providers and Node agree on no shape. */
function readFacts(error: unknown): AwsErrorFacts {
  const { name, Code, code, $metadata } = Object(error) as Record<string, unknown>
  const { httpStatusCode, requestId } = Object($metadata) as Record<string, unknown>
  return {
    name: textOf(Code) ?? textOf(name) ?? 'Error',
    message: messageOf(error),
    errno: textOf(code),
    status: typeof httpStatusCode === 'number' ? httpStatusCode : undefined,
    requestId: textOf(requestId),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
