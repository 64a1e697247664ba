import type { Ms } from '#core/clock.ts'
import { WORLDS } from '#sandbox/world.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import type { Authenticator } from '../authenticator.ts'
import { AwsError } from '../aws-error.ts'
import { queryDialect } from '../dialects/query.ts'
import type { AwsService, Call, Input } from '../service.ts'

const SECOND: Ms = 1000
const LEAST_SECONDS = 900
/** What the roles of the world allow at most; it is also what a session lasts that does not say. */
const MOST_SECONDS = 3600

/** STS: who is calling, which no policy can forbid to ask, and roles that are assumed. */
export function createSts(authenticator: Authenticator): AwsService {
  return {
    name: 'sts',
    dialect: queryDialect('2011-06-15', 'https://sts.amazonaws.com/doc/2011-06-15/'),
    alwaysAllowed: ['GetCallerIdentity'],
    operations: {
      GetCallerIdentity: {
        resources: () => [],
        run: (_input, { caller }) => ({ Arn: caller.arn, UserId: caller.userId, Account: caller.account }),
      },
      AssumeRole: {
        resources: (input) => [required(input, 'RoleArn', 20)],
        run: (input, call) => assumeRole(input, call, authenticator),
      },
    },
  }
}

function assumeRole(input: Input, call: Call, authenticator: Authenticator): object {
  const arn = required(input, 'RoleArn', 20)
  const name = required(input, 'RoleSessionName', 2)
  if (!/^[\w+=,.@-]{2,64}$/.test(name))
    throw invalid('roleSessionName', name, 'Member must satisfy regular expression pattern: [\\w+=,.@-]*')
  const seconds = Number(input['DurationSeconds'] ?? MOST_SECONDS)
  if (!Number.isInteger(seconds) || seconds < LEAST_SECONDS)
    throw invalid('durationSeconds', String(seconds), `Member must have value greater than or equal to 900`)
  const role = WORLDS.map((world) => roleOf(world, arn)).find((each) => each !== undefined)
  // A role that is not there, one that does not trust the caller and a wrong external id are answered alike.
  if (role?.trusted !== call.caller.account || input['ExternalId'] !== role.externalId)
    throw new AwsError(
      'AccessDenied',
      `User: ${call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
      403,
    )
  if (seconds > MOST_SECONDS)
    throw new AwsError(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    )
  const session = authenticator.openSession(arn, name, call.now.wall, seconds * SECOND)
  return {
    Credentials: {
      AccessKeyId: session.key.accessKeyId,
      SecretAccessKey: session.key.secretAccessKey,
      SessionToken: session.token,
      Expiration: new Date(session.expires).toISOString(),
    },
    AssumedRoleUser: {
      AssumedRoleId: `AROA7SANDBOXOPERATOR2:${name}`,
      Arn: `${arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/${name}`,
    },
  }
}

/** The way in from another account, or the role of the installation's own stack that deletes snapshots. */
function roleOf({ role, account, workspace }: World, arn: string) {
  if (role?.arn === arn) return role
  const own = `arn:aws:iam::${account}:role/${workspace}-snapshot-delete`
  return arn === own ? { trusted: account, externalId: undefined } : undefined
}

function required(input: Input, name: string, least: number): string {
  const value = input[name]
  if (typeof value === 'string' && value.length >= least) return value
  const member = `${name[0]?.toLowerCase()}${name.slice(1)}`
  throw value === undefined
    ? new AwsError(
        'ValidationError',
        `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
      )
    : invalid(member, String(value), `Member must have length greater than or equal to ${least}`)
}

function invalid(member: string, value: string, constraint: string): AwsError {
  return new AwsError(
    'ValidationError',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`,
  )
}
