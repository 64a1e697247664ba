import { DATABASE_LOGIN, datastoreEntries } from '#sandbox/datastores/logins.ts'
import { WORLD } from '#sandbox/world.ts'
import { digits, passwordSecretOf } from '#sandbox/worlds/ids.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { AwsError } from '../aws-error.ts'
import { jsonDialect } from '../dialects/json.ts'
import { type AwsService, textIn } from '../service.ts'

/** The secret that holds the license key of the product, as its Terraform writes it. */
export const LICENSE_SECRET = `arn:aws:secretsmanager:${WORLD.region}:${WORLD.account}:secret:${WORLD.workspace}-secrets-a1b2c3`

interface Secret {
  readonly arn: string
  readonly content: object
}

/** Secrets Manager with what Terraform and RDS keep there for an installation. */
export function createSecretsManager(): AwsService {
  return {
    name: 'secretsmanager',
    dialect: jsonDialect('secretsmanager'),
    operations: {
      GetSecretValue: {
        resources: (input, { world }) => [
          findSecret(input['SecretId'], world)?.arn ?? String(input['SecretId']),
        ],
        run(input, { world }) {
          const id = textIn(input, 'SecretId', (why) => new AwsError('InvalidParameterException', why))
          const secret = findSecret(id, world)
          if (secret === undefined)
            throw new AwsError(
              'ResourceNotFoundException',
              "Secrets Manager can't find the specified secret.",
            )
          return {
            ARN: secret.arn,
            Name: nameOf(secret.arn),
            SecretString: JSON.stringify(secret.content),
            VersionStages: ['AWSCURRENT'],
          }
        },
      },
    },
  }
}

/** By its ARN, or by its name alone. */
function findSecret(id: unknown, world: World | undefined): Secret | undefined {
  return world === undefined
    ? undefined
    : secretsOf(world).find(({ arn }) => id === arn || id === nameOf(arn))
}

/** What stands behind the last dash of an ARN is no part of the name. */
function nameOf(arn: string): string {
  return arn.replace(/^.*:secret:/, '').replace(/-[^-]*$/, '')
}

function secretsOf(world: World): Secret[] {
  const { account, region, workspace, databases } = world
  const own = workspace === WORLD.workspace
  const environment = `paragon/${workspace}/env`
  return [
    ...(own ? [{ arn: LICENSE_SECRET, content: { LICENSE: 'a-password-of-the-product' } }] : []),
    {
      arn: `arn:aws:secretsmanager:${region}:${account}:secret:${environment}-${digits(environment, 6)}`,
      content: datastoreEntries(world),
    },
    ...databases
      .filter(({ keepsPassword }) => keepsPassword)
      .map(({ id }) => ({
        arn: passwordSecretOf(world, id),
        content: { username: DATABASE_LOGIN.user, password: DATABASE_LOGIN.password },
      })),
  ]
}
