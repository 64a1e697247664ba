import {
  readUint32,
  textOf,
  toBase64,
  UUID_TEXT_LENGTH,
  utf8,
  writeUint32,
  writeUuidText,
} from '#core/ssm/bytes.ts'
import { ACTION_KMS_ENCRYPTION, ACTION_SESSION_TYPE } from '#core/ssm/constants.ts'
import {
  countField,
  isObject,
  type JsonObject,
  jsonOf,
  listField,
  textField,
  violation,
} from '#core/ssm/peer-json.ts'

/*
 * What messages carry, both ways, as the sandbox's agent and gateway speak from the other end. Decoders throw
 * PgctlError `protocol-violation` and nothing else, and ignore fields that they do not know: newer peers add some.
 */

// ── opening: the one text frame ─────────────────────────────────────────────────────────────────────────────────

export interface OpenDataChannel {
  /** A fresh UUID for every WebSocket. */
  readonly requestId: string
  /** Secret: never logged. */
  readonly token: string
  /** The same UUID for the whole session. */
  readonly clientId: string
  readonly clientVersion: string
}

/** The text of the first frame of a data channel, which opens it. */
export function encodeOpenDataChannel(open: OpenDataChannel): string {
  return JSON.stringify({
    MessageSchemaVersion: '1.0',
    RequestId: open.requestId,
    TokenValue: open.token,
    ClientId: open.clientId,
    ClientVersion: open.clientVersion,
  })
}

// ── acknowledge ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface Acknowledgement {
  /** The type of the acknowledged message: `output_stream_data` or `input_stream_data`. */
  readonly messageType: string
  readonly sequence: number
}

const ACK_ID_FIELD = utf8('","AcknowledgedMessageId":"')
const ACK_SEQUENCE_FIELD = utf8('","AcknowledgedMessageSequenceNumber":')
const ACK_END = utf8(',"IsSequentialMessage":true}')
const ACK_START = {
  output_stream_data: utf8('{"AcknowledgedMessageType":"output_stream_data'),
  input_stream_data: utf8('{"AcknowledgedMessageType":"input_stream_data'),
}

/**
 * The payload that acknowledges one stream message; `messageId` is in its wire form. Written byte by byte, as a
 * download makes one a kilobyte.
 */
export function encodeAcknowledgement(
  messageType: 'output_stream_data' | 'input_stream_data',
  messageId: Uint8Array,
  sequence: number,
): Uint8Array {
  const start = ACK_START[messageType]
  const digits = String(sequence)
  const payload = Buffer.allocUnsafe(
    start.length +
      ACK_ID_FIELD.length +
      UUID_TEXT_LENGTH +
      ACK_SEQUENCE_FIELD.length +
      digits.length +
      ACK_END.length,
  )
  payload.set(start, 0)
  let at = start.length
  payload.set(ACK_ID_FIELD, at)
  at += ACK_ID_FIELD.length
  writeUuidText(payload, at, messageId)
  at += UUID_TEXT_LENGTH
  payload.set(ACK_SEQUENCE_FIELD, at)
  at += ACK_SEQUENCE_FIELD.length
  for (let i = 0; i < digits.length; i++) payload[at++] = digits.charCodeAt(i)
  payload.set(ACK_END, at)
  return payload
}

export function decodeAcknowledgement(payload: Uint8Array): Acknowledgement {
  const what = 'acknowledgement'
  const json = jsonOf(what, payload)
  return {
    messageType: textField(what, json, 'AcknowledgedMessageType'),
    sequence: countField(what, json, 'AcknowledgedMessageSequenceNumber'),
  }
}

// ── handshake ───────────────────────────────────────────────────────────────────────────────────────────────────

/** One thing that the agent asks of the client before a session begins. */
export type RequestedAction =
  | {
      readonly type: 'session-type'
      readonly sessionType: string
      /** `portNumber`, `localPortNumber`, `type`, `host`; undefined for sessions without properties. */
      readonly properties: Readonly<Record<string, string>> | undefined
    }
  | { readonly type: 'kms-encryption'; readonly keyId: string; readonly challenge?: string | undefined }
  | { readonly type: 'unknown'; readonly name: string }

export interface HandshakeRequest {
  readonly agentVersion: string
  readonly actions: readonly RequestedAction[]
}

export function encodeHandshakeRequest(request: HandshakeRequest): Uint8Array {
  return utf8(
    JSON.stringify({
      AgentVersion: request.agentVersion,
      RequestedClientActions: request.actions.map((action) => ({
        ActionType: actionName(action),
        ActionParameters: actionParameters(action),
      })),
    }),
  )
}

/** What an action is called on the wire. */
export function actionName(action: RequestedAction): string {
  if (action.type === 'session-type') return ACTION_SESSION_TYPE
  return action.type === 'kms-encryption' ? ACTION_KMS_ENCRYPTION : action.name
}

function actionParameters(action: RequestedAction): JsonObject | null {
  if (action.type === 'session-type')
    return { SessionType: action.sessionType, Properties: action.properties ?? null }
  return action.type === 'kms-encryption' ? { KMSKeyId: action.keyId, Challenge: action.challenge } : null
}

export function decodeHandshakeRequest(payload: Uint8Array): HandshakeRequest {
  const what = 'handshake request'
  const json = jsonOf(what, payload)
  return {
    agentVersion: textField(what, json, 'AgentVersion'),
    actions: listField(what, json, 'RequestedClientActions').map((action) => decodeAction(what, action)),
  }
}

function decodeAction(what: string, action: JsonObject): RequestedAction {
  const name = textField(what, action, 'ActionType')
  if (name !== ACTION_SESSION_TYPE && name !== ACTION_KMS_ENCRYPTION) return { type: 'unknown', name }
  const parameters = action['ActionParameters']
  if (!isObject(parameters)) throw violation(what, `has no parameters of ${name}`)
  if (name === ACTION_KMS_ENCRYPTION) {
    const challenge = parameters['Challenge']
    return {
      type: 'kms-encryption',
      keyId: textField(what, parameters, 'KMSKeyId'),
      challenge: typeof challenge === 'string' ? challenge : undefined,
    }
  }
  return {
    type: 'session-type',
    sessionType: textField(what, parameters, 'SessionType'),
    properties: textProperties(parameters['Properties']),
  }
}

/** The properties that are texts; all that anything depends on are. */
function textProperties(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isObject(value)) return undefined
  const texts = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return Object.fromEntries(texts)
}

export interface ProcessedAction {
  /** The name on the wire. */
  readonly name: string
  /** ACTION_SUCCEEDED, ACTION_FAILED or ACTION_UNSUPPORTED. */
  readonly status: number
  /** The data key, encrypted by KMS, for the agent to decrypt. */
  readonly cipherTextKey?: Uint8Array | undefined
  readonly error: string
}

export interface HandshakeResponse {
  readonly clientVersion: string
  readonly actions: readonly ProcessedAction[]
}

export function encodeHandshakeResponse(response: HandshakeResponse): Uint8Array {
  const errors = response.actions.map((action) => action.error).filter((error) => error !== '')
  return utf8(
    JSON.stringify({
      ClientVersion: response.clientVersion,
      ProcessedClientActions: response.actions.map((action) => ({
        ActionType: action.name,
        ActionStatus: action.status,
        ActionResult:
          action.cipherTextKey === undefined
            ? null
            : { KMSCipherTextKey: toBase64(action.cipherTextKey), KMSCipherTextHash: null },
        Error: action.error,
      })),
      Errors: errors.length === 0 ? null : errors,
    }),
  )
}

/** A response as an agent reads it; the key stays in base64, as it was sent. */
export interface ReceivedHandshakeResponse {
  readonly clientVersion: string
  readonly actions: ReadonlyArray<{
    readonly name: string
    readonly status: number
    readonly cipherTextKey: string | undefined
    readonly error: string
  }>
}

export function decodeHandshakeResponse(payload: Uint8Array): ReceivedHandshakeResponse {
  const what = 'handshake response'
  const json = jsonOf(what, payload)
  return {
    clientVersion: textField(what, json, 'ClientVersion'),
    actions: listField(what, json, 'ProcessedClientActions').map((action) => {
      const result = action['ActionResult']
      const key = isObject(result) ? result['KMSCipherTextKey'] : undefined
      return {
        name: textField(what, action, 'ActionType'),
        status: countField(what, action, 'ActionStatus'),
        cipherTextKey: typeof key === 'string' ? key : undefined,
        error: typeof action['Error'] === 'string' ? action['Error'] : '',
      }
    }),
  }
}

export interface HandshakeComplete {
  readonly nanoseconds: number
  /** What the customer's preferences show at the start of a session. */
  readonly customerMessage: string
}

export function encodeHandshakeComplete(complete: HandshakeComplete): Uint8Array {
  return utf8(
    JSON.stringify({
      HandshakeTimeToComplete: complete.nanoseconds,
      CustomerMessage: complete.customerMessage,
    }),
  )
}

export function decodeHandshakeComplete(payload: Uint8Array): HandshakeComplete {
  const what = 'handshake completion'
  const json = jsonOf(what, payload)
  const message = json['CustomerMessage'] ?? ''
  if (typeof message !== 'string') throw violation(what, 'has a CustomerMessage that is no text')
  return { nanoseconds: countField(what, json, 'HandshakeTimeToComplete'), customerMessage: message }
}

/** The challenge of the encryption, in either direction: base64 of nonce, ciphertext and tag. */
export function encodeChallenge(challenge: string): Uint8Array {
  return utf8(JSON.stringify({ Challenge: challenge }))
}

export function decodeChallenge(payload: Uint8Array): string {
  const what = 'encryption challenge'
  return textField(what, jsonOf(what, payload), 'Challenge')
}

// ── the session ─────────────────────────────────────────────────────────────────────────────────────────────────

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export function encodeSize(size: TerminalSize): Uint8Array {
  return utf8(JSON.stringify({ cols: size.columns, rows: size.rows }))
}

export function decodeSize(payload: Uint8Array): TerminalSize {
  const json = jsonOf('size', payload)
  return { columns: countField('size', json, 'cols'), rows: countField('size', json, 'rows') }
}

export function encodeFlag(flag: number): Uint8Array {
  const payload = new Uint8Array(4)
  writeUint32(payload, 0, flag)
  return payload
}

export function decodeFlag(payload: Uint8Array): number {
  if (payload.length !== 4) throw violation('flag', `is ${payload.length} bytes long instead of 4`)
  return readUint32(payload, 0)
}

export function encodeExitCode(status: number): Uint8Array {
  return utf8(`EXIT_CODE: ${status}`)
}

export function decodeExitCode(payload: Uint8Array): number {
  const digits = /^EXIT_CODE: (-?\d{1,10})$/.exec(textOf(payload)?.trim() ?? '')?.[1]
  if (digits === undefined) throw violation('exit code', 'is no EXIT_CODE')
  return Number(digits)
}

/** Why the channel was closed. Never throws: that it was closed does not depend on the words. */
export function channelClosedOutput(payload: Uint8Array): string {
  try {
    const output = jsonOf('closing message', payload)['Output']
    return typeof output === 'string' ? output : ''
  } catch {
    return ''
  }
}
