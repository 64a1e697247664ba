import { type AwsConnection, withEndpoint } from '#core/aws/clients.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import { sessionKeyIn } from '#core/aws/session-preferences.ts'
import { isPgctlError } from '#core/errors.ts'

const PREFERENCES_DOCUMENT = 'SSM-SessionManagerRunShell'

/**
 * The key by which the account's preferences encrypt sessions, as they name it (an ARN, an id or an alias); undefined
 * where they name none.
 */
export async function readSessionKey(
  connection: AwsConnection,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const call = {
    action: 'ssm:GetDocument',
    purpose: 'read the session preferences',
    resource: PREFERENCES_DOCUMENT,
  }
  try {
    const output = await connection.call(call, signal, async () => {
      const { GetDocumentCommand, SSMClient } = await import('@aws-sdk/client-ssm')
      const command = new GetDocumentCommand({ Name: PREFERENCES_DOCUMENT, DocumentFormat: 'JSON' })
      return new SSMClient(withEndpoint(connection.settings, 'ssm')).send(command, abortedBy(signal))
    })
    return sessionKeyIn(output.Content ?? '')
  } catch (error) {
    // An account that has never changed its preferences has no such document.
    if (isPgctlError(error, 'session-refused')) return undefined
    throw error
  }
}
