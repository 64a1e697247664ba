import { hash, randomUUID } from 'node:crypto'
import type { Ms } from '#core/clock.ts'
import { UUID_BYTES, utf8, uuidWire, writeUint32, writeUint64 } from '#core/ssm/bytes.ts'
import {
  AT_CREATED_DATE,
  AT_DIGEST,
  AT_FLAGS,
  AT_MESSAGE_ID,
  AT_MESSAGE_TYPE,
  AT_SCHEMA_VERSION,
  AT_SEQUENCE,
  FLAG_FIN,
  FLAG_SYN,
  HEADER_BYTES,
  MESSAGE_TYPE_BYTES,
  PAYLOAD_OFFSET,
  SCHEMA_VERSION,
} from '#core/ssm/constants.ts'

/**
 * The messages that the gateway makes itself.
 *
 *     control channel, to the agent    interactive_shell       a session begins: its task
 *                                      channel_closed          a session ends
 *                                      agent_task_acknowledge  the agent's agent_task_complete has arrived
 *     data channel, to the agent       pause_publication, start_publication, channel_closed
 *     data channel, to the client      channel_closed          with the reason in Output
 */
export type GatewayMessageType =
  | 'interactive_shell'
  | 'agent_task_acknowledge'
  | 'channel_closed'
  | 'pause_publication'
  | 'start_publication'

/** What an agent is told to do: the text inside the `Content` of an `interactive_shell` message. */
export interface SessionTask {
  readonly SessionId: string
  readonly DocumentName: string
  /** The session document, its placeholders unfilled. */
  readonly DocumentContent: object
  readonly Parameters: Readonly<Record<string, string>>
  readonly RunAsUser: string
  readonly SessionOwner: string
}

const EMPTY = new Uint8Array(0)

/** The message that makes an agent open a session's data channel. */
export function sessionTaskMessage(task: SessionTask, wall: Ms): Uint8Array {
  return encode('interactive_shell', wall, {
    Content: JSON.stringify(task),
    TaskId: task.SessionId,
    Topic: 'aws.ssm.startSession',
    SchemaVersion: 1,
  })
}

/** The answer to an agent that says how a session ended; without it the agent says so again. */
export function taskAcknowledgeMessage(messageId: string, sessionId: string, wall: Ms): Uint8Array {
  return encode('agent_task_acknowledge', wall, {
    SchemaVersion: 1,
    MessageId: messageId,
    TaskId: sessionId,
    Topic: 'agent_task_complete',
  })
}

/** The end of a session; `output` is what the vendor's client prints. */
export function channelClosedMessage(
  session: { readonly id: string; readonly target: string },
  output: string,
  wall: Ms,
): Uint8Array {
  const messageId = randomUUID()
  return encode(
    'channel_closed',
    wall,
    {
      MessageType: 'channel_closed',
      MessageId: messageId,
      DestinationId: session.target,
      SessionId: session.id,
      SchemaVersion: 1,
      CreatedDate: new Date(wall).toISOString(),
      Output: output,
    },
    messageId,
  )
}

/** Tells an agent that nobody listens just now (`pause_publication`) or that somebody does again. */
export function publicationMessage(type: 'pause_publication' | 'start_publication', wall: Ms): Uint8Array {
  return encode(type, wall, undefined)
}

function encode(
  type: GatewayMessageType,
  wall: Ms,
  body: object | undefined,
  id: string = randomUUID(),
): Uint8Array {
  const payload = body === undefined ? EMPTY : utf8(JSON.stringify(body))
  const frame = new Uint8Array(PAYLOAD_OFFSET + payload.length)
  writeUint32(frame, 0, HEADER_BYTES)
  frame.set(utf8(type.padEnd(MESSAGE_TYPE_BYTES)), AT_MESSAGE_TYPE)
  writeUint32(frame, AT_SCHEMA_VERSION, SCHEMA_VERSION)
  writeUint64(frame, AT_CREATED_DATE, Math.floor(wall))
  writeUint64(frame, AT_SEQUENCE, 0)
  writeUint64(frame, AT_FLAGS, FLAG_SYN | FLAG_FIN)
  frame.set(uuidWire(id) ?? new Uint8Array(UUID_BYTES), AT_MESSAGE_ID)
  frame.set(hash('sha256', payload, 'buffer'), AT_DIGEST)
  writeUint32(frame, HEADER_BYTES, payload.length)
  frame.set(payload, PAYLOAD_OFFSET)
  return frame
}
