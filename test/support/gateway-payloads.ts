import { utf8, uuidText } from '#core/ssm/bytes.ts'

/** What the agent says first of all. */
export function encodeSessionState(sessionId: string): Uint8Array {
  return utf8(JSON.stringify({ SchemaVersion: 1, SessionState: 'Connected', SessionId: sessionId }))
}

export interface ChannelClosed {
  readonly messageId: Uint8Array
  readonly sessionId: string
  /** ISO time. */
  readonly createdDate: string
  /** Why, for people; empty where there is nothing to say. */
  readonly output: string
}

/** What the service says last of all. */
export function encodeChannelClosed(closed: ChannelClosed): Uint8Array {
  return utf8(
    JSON.stringify({
      MessageType: 'channel_closed',
      MessageId: uuidText(closed.messageId),
      DestinationId: closed.sessionId,
      SessionId: closed.sessionId,
      SchemaVersion: 1,
      CreatedDate: closed.createdDate,
      Output: closed.output,
    }),
  )
}
