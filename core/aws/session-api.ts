import type { KMSClient } from '@aws-sdk/client-kms'
import type { SSMClient, StartSessionCommandOutput } from '@aws-sdk/client-ssm'
import { type AwsConnection, withEndpoint } from '#core/aws/clients.ts'
import { parseSessionLimits } from '#core/aws/session-preferences.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type {
  DataKey,
  SessionApi,
  SessionGrant,
  SessionLimits,
  SessionRequest,
} from '#core/ssm/session-api.ts'

/** The document in which an account keeps its session preferences. */
const PREFERENCES_DOCUMENT = 'SSM-SessionManagerRunShell'
const DATA_KEY_BYTES = 64
const REASON_LIMIT = 256

/** The control plane of Session Manager, and the key service for the sessions that are encrypted. */
export function createSessionApi(connection: AwsConnection): SessionApi {
  let ssmClient: Promise<SSMClient> | undefined
  let kmsClient: Promise<KMSClient> | undefined
  const ssm = () => (ssmClient ??= loadSsm(connection))
  const kms = () => (kmsClient ??= loadKms(connection))

  return {
    start: (request, signal) => startSession(connection, ssm, request, signal),
    resume: (sessionId, signal) => resumeSession(connection, ssm, sessionId, signal),
    terminate: (sessionId, signal) => terminateSession(connection, ssm, sessionId, signal),
    dataKey: (keyId, context, signal) => generateDataKey(connection, kms, keyId, context, signal),
    limits: (signal) => readLimits(connection, ssm, signal),
  }
}

type Lazy<T> = () => Promise<T>

async function loadSsm({ settings }: AwsConnection): Promise<SSMClient> {
  const { SSMClient } = await import('@aws-sdk/client-ssm')
  return new SSMClient(withEndpoint(settings, 'ssm'))
}

async function loadKms({ settings }: AwsConnection): Promise<KMSClient> {
  const { KMSClient } = await import('@aws-sdk/client-kms')
  return new KMSClient(withEndpoint(settings, 'kms'))
}

async function startSession(
  connection: AwsConnection,
  ssm: Lazy<SSMClient>,
  request: SessionRequest,
  signal: AbortSignal | undefined,
): Promise<SessionGrant> {
  const { target, document, parameters, reason } = request
  const call = { action: 'ssm:StartSession', purpose: `start a session on ${target}`, resource: target }
  const output = await connection.call(call, signal, async () => {
    const { StartSessionCommand } = await import('@aws-sdk/client-ssm')
    const command = new StartSessionCommand({
      Target: target,
      ...(document === undefined ? {} : { DocumentName: document }),
      ...(parameters === undefined ? {} : { Parameters: copyParameters(parameters) }),
      ...(reason === undefined ? {} : { Reason: reason.slice(0, REASON_LIMIT) }),
    })
    return (await ssm()).send(command, abortable(signal))
  })
  const grant = grantOf(output)
  if (grant !== undefined) return grant
  throw new PgctlError('session-refused', `cannot start a session on ${target}: the answer holds no grant`, {
    why: 'it has no session id, no stream URL or no token',
    next: 'run the command again',
    requestId: output.$metadata.requestId,
  })
}

async function resumeSession(
  connection: AwsConnection,
  ssm: Lazy<SSMClient>,
  sessionId: string,
  signal: AbortSignal | undefined,
): Promise<SessionGrant | undefined> {
  const call = {
    action: 'ssm:ResumeSession',
    purpose: `resume the session ${sessionId}`,
    resource: sessionId,
  }
  return unlessEnded(undefined, async () => {
    const output = await connection.call(call, signal, async () => {
      const { ResumeSessionCommand } = await import('@aws-sdk/client-ssm')
      return (await ssm()).send(new ResumeSessionCommand({ SessionId: sessionId }), abortable(signal))
    })
    // An ended session is no error to this call: its answer only lacks the token.
    return grantOf({ SessionId: sessionId, ...output })
  })
}

async function terminateSession(
  connection: AwsConnection,
  ssm: Lazy<SSMClient>,
  sessionId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const call = {
    action: 'ssm:TerminateSession',
    purpose: `end the session ${sessionId}`,
    resource: sessionId,
  }
  await unlessEnded(undefined, async () => {
    await connection.call(call, signal, async () => {
      const { TerminateSessionCommand } = await import('@aws-sdk/client-ssm')
      await (await ssm()).send(new TerminateSessionCommand({ SessionId: sessionId }), abortable(signal))
    })
  })
}

async function generateDataKey(
  connection: AwsConnection,
  kms: Lazy<KMSClient>,
  keyId: string,
  context: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<DataKey> {
  const call = { action: 'kms:GenerateDataKey', purpose: 'encrypt the session', resource: keyId }
  const output = await connection.call(call, signal, async () => {
    const { GenerateDataKeyCommand } = await import('@aws-sdk/client-kms')
    const command = new GenerateDataKeyCommand({
      KeyId: keyId,
      NumberOfBytes: DATA_KEY_BYTES,
      EncryptionContext: { ...context },
    })
    return (await kms()).send(command, abortable(signal))
  })
  const { Plaintext: plaintext, CiphertextBlob: ciphertext } = output
  if (plaintext?.length === DATA_KEY_BYTES && ciphertext !== undefined) return { plaintext, ciphertext }
  throw new PgctlError(
    'encryption-failed',
    `cannot encrypt the session: ${keyId} gave no key of ${DATA_KEY_BYTES} bytes`,
    {
      next: 'run the command again',
      requestId: output.$metadata.requestId,
    },
  )
}

/** An account that never changed its preferences has no such document, and the service's own limits. */
async function readLimits(
  connection: AwsConnection,
  ssm: Lazy<SSMClient>,
  signal: AbortSignal | undefined,
): Promise<SessionLimits | undefined> {
  const call = {
    action: 'ssm:GetDocument',
    purpose: 'read the session limits',
    resource: PREFERENCES_DOCUMENT,
  }
  try {
    const output = await connection.call(call, signal, async () => {
      const { GetDocumentCommand } = await import('@aws-sdk/client-ssm')
      const command = new GetDocumentCommand({ Name: PREFERENCES_DOCUMENT, DocumentFormat: 'JSON' })
      return (await ssm()).send(command, abortable(signal))
    })
    return parseSessionLimits(output.Content ?? '')
  } catch (error) {
    if (isPgctlError(error, 'permission-denied')) return undefined
    if (isPgctlError(error, 'session-refused')) return parseSessionLimits('')
    throw error
  }
}

function grantOf(output: Partial<StartSessionCommandOutput>): SessionGrant | undefined {
  const { SessionId: sessionId, StreamUrl: streamUrl, TokenValue: token } = output
  return sessionId && streamUrl && token ? { sessionId, streamUrl, token } : undefined
}

async function unlessEnded<T>(ended: T, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (isPgctlError(error, 'session-ended')) return ended
    throw error
  }
}

function copyParameters(parameters: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(parameters).map(([name, values]) => [name, [...values]]))
}

function abortable(signal: AbortSignal | undefined) {
  return signal === undefined ? {} : { abortSignal: signal }
}
