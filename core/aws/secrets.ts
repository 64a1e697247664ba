import type { AwsConnection } from '#core/aws/clients.ts'
import { PgctlError } from '#core/errors.ts'

/**
 * A text from Secrets Manager: the whole secret, or one field of a secret that is a JSON object.
 * @throws PgctlError `config-invalid` where the secret holds no such text; its content is in no error.
 */
export async function readSecret(
  connection: AwsConnection,
  { id, field }: { readonly id: string; readonly field: string | undefined },
  signal?: AbortSignal,
): Promise<string> {
  const text = await readSecretText(connection, id, signal)
  const value = field === undefined ? text : fieldOf(text, field)
  if (typeof value === 'string' && value !== '') return value
  throw new PgctlError(
    'config-invalid',
    `the secret ${id} holds no text${field === undefined ? '' : ` "${field}"`}`,
    {
      next: 'see which secret and field the deployment names for the license key',
    },
  )
}

/** The text of a secret; undefined for one that holds bytes. */
export function readSecretText(
  connection: AwsConnection,
  id: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const call = { action: 'secretsmanager:GetSecretValue', purpose: `read the secret ${id}`, resource: id }
  return connection.call(call, signal, async () => {
    const { GetSecretValueCommand, SecretsManagerClient } = await import('#core/aws/parts/secrets.ts')
    const client = new SecretsManagerClient(connection.settings)
    const { SecretString } = await client.send(
      new GetSecretValueCommand({ SecretId: id }),
      signal === undefined ? {} : { abortSignal: signal },
    )
    return SecretString
  })
}

function fieldOf(text: string | undefined, field: string): unknown {
  try {
    return (JSON.parse(text ?? '') as Record<string, unknown>)[field]
  } catch {
    return undefined
  }
}
