import { utf8 } from '#core/ssm/bytes.ts'
import { AT_MESSAGE_TYPE, MESSAGE_TYPE_BYTES } from '#core/ssm/constants.ts'
import { encodeMessage } from '#core/ssm/message.ts'
import { worldOfBastion } from '#sandbox/world.ts'

export interface TaskComplete {
  readonly sessionId: string
  readonly instanceId: string
  /** Why the session ended, for people; empty for an ordinary end. */
  readonly output: string
}

/** The message by which an agent tells its service that a session is over; `messageId` is a UUID in its wire form. */
export function taskCompleteMessage(
  complete: TaskComplete,
  messageId: Uint8Array,
  createdDate: number,
): Uint8Array {
  const payload = {
    SchemaVersion: 1,
    TaskId: complete.sessionId,
    Topic: 'agent_task_complete',
    FinalTaskStatus: complete.output === '' ? 'Success' : 'Failed',
    IsRoutingFailure: false,
    AwsAccountId: worldOfBastion(complete.instanceId)?.account ?? '',
    InstanceId: complete.instanceId,
    Output: complete.output,
    S3Bucket: '',
    S3UrlSuffix: '',
    CwlGroup: '',
    CwlStream: '',
    RetryNumber: 0,
  }
  const frame = encodeMessage({
    type: 'acknowledge',
    createdDate,
    sequence: 0,
    flags: 0,
    messageId,
    payloadType: 0,
    payload: utf8(JSON.stringify(payload)),
  })
  // The client's codec writes no message that no client sends or receives, so the name is put in here.
  frame.set(utf8('agent_task_complete'.padEnd(MESSAGE_TYPE_BYTES, ' ')), AT_MESSAGE_TYPE)
  return frame
}
