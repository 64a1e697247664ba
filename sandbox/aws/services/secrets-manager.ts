import { WORLD } from '#sandbox/world.ts'
import { AwsError } from '../aws-error.ts'
import { jsonDialect } from '../dialects/json.ts'
import { type AwsService, textIn } from '../service.ts'

/** The secret that holds the license key of the product, as its Terraform writes it. */
export const LICENSE_SECRET = `arn:aws:secretsmanager:${WORLD.region}:${WORLD.account}:secret:${WORLD.workspace}-secrets-a1b2c3`
const CONTENT = JSON.stringify({ LICENSE: 'a-password-of-the-product' })

/** Secrets Manager with one secret. */
export function createSecretsManager(): AwsService {
  return {
    name: 'secretsmanager',
    dialect: jsonDialect('secretsmanager'),
    operations: {
      GetSecretValue: {
        resources: (input) => [String(input['SecretId'])],
        run(input) {
          const id = textIn(input, 'SecretId', (why) => new AwsError('InvalidParameterException', why))
          if (id !== LICENSE_SECRET)
            throw new AwsError(
              'ResourceNotFoundException',
              "Secrets Manager can't find the specified secret.",
            )
          return {
            ARN: id,
            Name: `${WORLD.workspace}-secrets`,
            SecretString: CONTENT,
            VersionStages: ['AWSCURRENT'],
          }
        },
      },
    },
  }
}
