import type { Bytes, Instant } from '#core/clock.ts'
import { uuidWire } from '#core/ssm/bytes.ts'
import {
  type MessageType,
  PAYLOAD_FLAG,
  PAYLOAD_HANDSHAKE_COMPLETE,
  PAYLOAD_HANDSHAKE_REQUEST,
  PAYLOAD_OUTPUT,
} from '#core/ssm/constants.ts'
import type { CommonInput, Machine } from '#core/ssm/machine.ts'
import { decodeMessage, encodeMessage, type Message } from '#core/ssm/message.ts'
import {
  decodeAcknowledgement,
  encodeAcknowledgement,
  encodeFlag,
  encodeHandshakeComplete,
  encodeHandshakeRequest,
  type RequestedAction,
} from '#core/ssm/payloads.ts'

import { encodeChannelClosed, encodeSessionState } from './gateway-payloads.ts'

const messageId = uuidWire('7ec25101-4755-49f2-bfa3-84b9eb620c83') as Uint8Array

/** A moment of a test, in ms from its start. */
export const at = (mono: number): Instant => ({ mono, wall: 1_795_000_000_000 + mono })

/** The agent's side of a conversation, said by hand: numbers its stream messages and does nothing by itself. */
export class ScriptedAgent {
  sequence = 0

  message(type: MessageType, payloadType: number, payload: Uint8Array, sequence = 0): Uint8Array {
    return encodeMessage({ type, createdDate: 1, sequence, flags: 0, messageId, payloadType, payload })
  }

  /** The next stream message. */
  say(payloadType: number, payload: Uint8Array): Uint8Array {
    return this.message('output_stream_data', payloadType, payload, this.sequence++)
  }

  output(payload: Uint8Array): Uint8Array {
    return this.say(PAYLOAD_OUTPUT, payload)
  }

  flag(flag: number): Uint8Array {
    return this.say(PAYLOAD_FLAG, encodeFlag(flag))
  }

  request(actions: readonly RequestedAction[], agentVersion = '3.3.0.0'): Uint8Array {
    return this.say(PAYLOAD_HANDSHAKE_REQUEST, encodeHandshakeRequest({ agentVersion, actions }))
  }

  complete(customerMessage = ''): Uint8Array {
    return this.say(PAYLOAD_HANDSHAKE_COMPLETE, encodeHandshakeComplete({ nanoseconds: 1, customerMessage }))
  }

  acknowledge(
    sequence: number,
    messageType: 'input_stream_data' | 'output_stream_data' = 'input_stream_data',
  ) {
    return this.message('acknowledge', 0, encodeAcknowledgement(messageType, messageId, sequence))
  }

  closed(output: string): Uint8Array {
    const closed = { messageId, sessionId: 's', createdDate: '2026-11-23T07:26:29Z', output }
    return this.message('channel_closed', 0, encodeChannelClosed(closed))
  }

  sessionState(): Uint8Array {
    return this.message('agent_session_state', 0, encodeSessionState('s'))
  }
}

export const sessionType = (type: string, properties?: Record<string, string>): RequestedAction => ({
  type: 'session-type',
  sessionType: type,
  properties,
})

type AnyMachine<Output> = Machine<CommonInput, Output>

/** Feeds frames, one after the other. */
export function feed<Output>(machine: AnyMachine<Output>, now: Instant, ...frames: Uint8Array[]): void {
  for (const bytes of frames) machine.handle({ type: 'frame', bytes }, now)
}

/** All that a machine has to tell. */
export function outputs<Output>(machine: AnyMachine<Output>): Output[] {
  const all: Output[] = []
  for (let event = machine.pollEvent(); event !== undefined; event = machine.pollEvent()) all.push(event)
  return all
}

/** All that a machine has to send. */
export function messages<Output>(
  machine: AnyMachine<Output>,
  now: Instant,
  budget: Bytes = 1_000_000,
): Message[] {
  const all: Message[] = []
  for (let i = 0; i < 100_000; i++) {
    const frame = machine.pollTransmit(now, budget)
    if (frame === undefined) return all
    all.push(decodeMessage(frame))
  }
  throw new Error('the machine never stops sending')
}

/** The stream messages among {@link messages}. */
export function streamMessages<Output>(machine: AnyMachine<Output>, now: Instant): Message[] {
  return messages(machine, now).filter((message) => message.type === 'input_stream_data')
}

/** The sequence numbers that a machine acknowledges now. */
export function acknowledged<Output>(machine: AnyMachine<Output>, now: Instant): number[] {
  return messages(machine, now)
    .filter((message) => message.type === 'acknowledge')
    .map((message) => decodeAcknowledgement(message.payload).sequence)
}

/** Acknowledges everything that a machine sends, until it has nothing more; gives the payload bytes sent. */
export function acknowledgeAll<Output>(
  machine: AnyMachine<Output>,
  agent: ScriptedAgent,
  now: Instant,
): Message[] {
  const all: Message[] = []
  for (let sent = streamMessages(machine, now); sent.length > 0; sent = streamMessages(machine, now)) {
    all.push(...sent)
    for (const { sequence } of sent) feed(machine, now, agent.acknowledge(sequence))
  }
  return all
}
