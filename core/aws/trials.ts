import type { AwsConnection } from '#core/aws/clients.ts'
import { withEndpoint } from '#core/aws/clients.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import { isPgctlError } from '#core/errors.ts'
import type { Trial } from '#core/health/judge-access.ts'

/** A parameter that no document has: the service refuses the request, once it has found it allowed. */
const NO_PARAMETER = { pgctlDryRun: ['true'] }

/** One document of sessions, and the commands that use it. */
export interface DocumentTrial {
  readonly document: string
  readonly commands: readonly string[]
}

/**
 * Tries permissions without doing anything: a session on `target` by each document, with a parameter that is refused;
 * and the key of the sessions, with the service's own dry run.
 */
export function tryPermissions(
  connection: AwsConnection,
  wanted: {
    readonly target: string
    readonly documents: readonly DocumentTrial[]
    /** Undefined where sessions are not encrypted. */
    readonly key: string | undefined
  },
  signal?: AbortSignal,
): Promise<Trial[]> {
  const key = wanted.key
  return Promise.all([
    ...wanted.documents.map((each) => trySession(connection, wanted.target, each, signal)),
    ...(key === undefined ? [] : [tryKey(connection, key, signal)]),
  ])
}

function trySession(
  connection: AwsConnection,
  target: string,
  { document, commands }: DocumentTrial,
  signal: AbortSignal | undefined,
): Promise<Trial> {
  const call = { action: 'ssm:StartSession', purpose: `start a session on ${target}`, resource: target }
  return judge(`ssm:StartSession with ${document}`, commands, async () => {
    await connection.call(call, signal, async () => {
      const { SSMClient, StartSessionCommand } = await import('@aws-sdk/client-ssm')
      const client = new SSMClient(withEndpoint(connection.settings, 'ssm'))
      const request = { Target: target, DocumentName: document, Parameters: NO_PARAMETER }
      await client.send(new StartSessionCommand(request), abortedBy(signal))
    })
  })
}

function tryKey(connection: AwsConnection, key: string, signal: AbortSignal | undefined): Promise<Trial> {
  const call = { action: 'kms:GenerateDataKey', purpose: 'encrypt a session', resource: key }
  return judge(`kms:GenerateDataKey on ${key}`, ['exec', 'login'], async () => {
    await connection.call(call, signal, async () => {
      const { GenerateDataKeyCommand, KMSClient } = await import('@aws-sdk/client-kms')
      const client = new KMSClient(withEndpoint(connection.settings, 'kms'))
      const request = { KeyId: key, NumberOfBytes: 64, DryRun: true }
      await client.send(new GenerateDataKeyCommand(request), abortedBy(signal)).catch((error: unknown) => {
        // The service's word for "you may".
        if (Object(error).name !== 'DryRunOperationException') throw error
      })
    })
  })
}

/** Whatever is refused for another reason than a missing permission was allowed, as far as anyone can tell. */
async function judge(
  what: string,
  commands: readonly string[],
  attempt: () => Promise<void>,
): Promise<Trial> {
  try {
    await attempt()
    return { what, commands, verdict: 'allowed' }
  } catch (error) {
    if (!isPgctlError(error)) throw error
    if (error.code === 'permission-denied') return { what, commands, verdict: 'denied', why: error.why }
    const isAllowed = error.code === 'session-refused' || error.code === 'agent-offline'
    if (isAllowed && !/InvalidDocument\b/.test(error.why ?? '')) return { what, commands, verdict: 'allowed' }
    return { what, commands, verdict: 'unknown', why: error.why ?? error.message }
  }
}
