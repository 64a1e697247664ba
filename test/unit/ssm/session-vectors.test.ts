import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8 } from '#core/ssm/bytes.ts'
import { SessionCipher } from '#core/ssm/cipher.ts'
import { decodeMessage, encodeMessage, type OutgoingMessage } from '#core/ssm/message.ts'
import {
  channelClosedOutput,
  decodeAcknowledgement,
  decodeChallenge,
  decodeExitCode,
  decodeFlag,
  decodeHandshakeComplete,
  decodeHandshakeRequest,
  decodeHandshakeResponse,
  decodeSize,
  encodeAcknowledgement,
  encodeChallenge,
  encodeExitCode,
  encodeFlag,
  encodeHandshakeComplete,
  encodeHandshakeRequest,
  encodeHandshakeResponse,
  encodeOpenDataChannel,
  encodeSize,
} from '#core/ssm/payloads.ts'
import { encodeFrame, SMUX_FIN, SMUX_PSH, SMUX_SYN, writeFrameHeader } from '#core/ssm/smux/frame.ts'
import { encodeSessionState } from '../../support/gateway-payloads.ts'
import {
  sessionVectors,
  vectorBytes,
  vectorDataKey,
  vectorKeyCiphertext,
} from '../../support/session-vectors.ts'

/** What the payload of a vector holds, as our own encoders write it; each row checks the content first. */
type Rebuild = (payload: Uint8Array) => Uint8Array

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

const request = 'GET /small HTTP/1.1\r\nHost: x\r\n\r\n'

function acknowledgementOf(acknowledged: string): Rebuild {
  return (payload) => {
    const message = decodeMessage(vectorBytes(acknowledged)) as OutgoingMessage
    assert.deepEqual(decodeAcknowledgement(payload), {
      messageType: message.type,
      sequence: message.sequence,
    })
    return encodeAcknowledgement(
      message.type as 'output_stream_data' | 'input_stream_data',
      message.messageId,
      message.sequence,
    )
  }
}

function handshakeRequest(check: { sessionType: string; keyId?: string }): Rebuild {
  return (payload) => {
    const decoded = decodeHandshakeRequest(payload)
    assert.equal(decoded.agentVersion, '3.3.0.0')
    const [first, second] = decoded.actions
    assert.ok(first?.type === 'session-type' && first.sessionType === check.sessionType)
    assert.equal(second?.type === 'kms-encryption' ? second.keyId : undefined, check.keyId)
    return encodeHandshakeRequest(decoded)
  }
}

function handshakeResponse(cipherTextKey?: Uint8Array): Rebuild {
  return (payload) => {
    const decoded = decodeHandshakeResponse(payload)
    assert.equal(decoded.clientVersion, '1.2.650.0')
    assert.equal(
      decoded.actions.at(-1)?.cipherTextKey,
      cipherTextKey === undefined ? undefined : base64(cipherTextKey),
    )
    return encodeHandshakeResponse({
      clientVersion: decoded.clientVersion,
      actions: decoded.actions.map((action) => ({
        ...action,
        cipherTextKey: action.cipherTextKey === undefined ? undefined : cipherTextKey,
      })),
    })
  }
}

function handshakeComplete(customerMessage: string): Rebuild {
  return (payload) => {
    const decoded = decodeHandshakeComplete(payload)
    assert.equal(decoded.customerMessage, customerMessage)
    return encodeHandshakeComplete(decoded)
  }
}

/** Opens with the reader's cipher and seals again with the writer's, under the recorded nonce. */
function sealed(plaintext: string): Rebuild {
  return (payload) => {
    const reader = new SessionCipher('client', vectorDataKey, () => assert.fail('reading draws no chance'))
    assert.equal(text(reader.decrypt(payload)), plaintext)
    return new SessionCipher('agent', vectorDataKey, () => payload.slice(0, 12)).encrypt(utf8(plaintext))
  }
}

const bytesOf =
  (content: string): Rebuild =>
  () =>
    utf8(content)
const smux =
  (...frames: Uint8Array[]): Rebuild =>
  () =>
    Buffer.concat(frames)
const flag =
  (value: number): Rebuild =>
  (payload) => {
    assert.equal(decodeFlag(payload), value)
    return encodeFlag(value)
  }
const exitCode =
  (status: number): Rebuild =>
  (payload) => {
    assert.equal(decodeExitCode(payload), status)
    return encodeExitCode(status)
  }

const BINARY: Readonly<Record<string, Rebuild>> = {
  agent_session_state: (payload) => encodeSessionState(JSON.parse(text(payload)).SessionId),
  'handshake-request-port': handshakeRequest({ sessionType: 'Port' }),
  'ack-of-handshake-request': acknowledgementOf('handshake-request-port'),
  'handshake-response-port': handshakeResponse(),
  'ack-of-handshake-response': (payload) => {
    // Its handshake response is another session's, so that only the id differs from what is recorded.
    const id = JSON.parse(text(payload)).AcknowledgedMessageId as string
    const wire = Buffer.from(id.replaceAll('-', ''), 'hex')
    assert.deepEqual(decodeAcknowledgement(payload), { messageType: 'input_stream_data', sequence: 0 })
    return encodeAcknowledgement(
      'input_stream_data',
      Buffer.concat([wire.subarray(8), wire.subarray(0, 8)]),
      0,
    )
  },
  'handshake-complete': handshakeComplete(''),
  'smux-syn-stream3': smux(encodeFrame(SMUX_SYN, 3)),
  'smux-psh-request': smux(encodeFrame(SMUX_PSH, 3, utf8(request))),
  'smux-psh-answer': (payload) => encodeFrame(SMUX_PSH, 3, payload.subarray(8)),
  'smux-fin-from-client': smux(encodeFrame(SMUX_FIN, 3)),
  'smux-fin-from-agent': smux(encodeFrame(SMUX_FIN, 3)),
  'flag-terminate-session': flag(2),
  'smux-syn+psh-in-one-message': smux(encodeFrame(SMUX_SYN, 3), encodeFrame(SMUX_PSH, 3, utf8(request))),
  'smux-psh-32768-first-1024': (payload) => {
    const first = payload.slice()
    writeFrameHeader(first, 0, SMUX_PSH, 3, 32_768)
    return first
  },
  'flag-connect-to-port-error': flag(3),
  'smux-fin-after-refusal': smux(encodeFrame(SMUX_FIN, 3)),
  'channel_closed-made-by-throwaway-gateway-accepted-by-plugin': (payload) => {
    assert.equal(channelClosedOutput(payload), 'made by our gateway')
    return payload
  },
  'basic-port-handshake-request': handshakeRequest({ sessionType: 'Port' }),
  'basic-port-data': bytesOf('SSH-2.0-test\r\n'),
  'basic-port-lf-sent-as-cr': bytesOf('\r'),
  'exitcode-payload-0': exitCode(0),
  'size-payload': (payload) => {
    assert.deepEqual(decodeSize(payload), { columns: 101, rows: 33 })
    return encodeSize({ columns: 101, rows: 33 })
  },
  'shell-input': bytesOf('stty size; tty; echo $((6*7))\n'),
  'shell-output': bytesOf('$ '),
  'stderr-payload': bytesOf('err\n'),
  'exitcode-payload-7': exitCode(7),
  'kms-handshake-request': handshakeRequest({
    sessionType: 'NonInteractiveCommands',
    keyId: 'arn:aws:kms:us-east-1:111122223333:key/k',
  }),
  'kms-handshake-response': handshakeResponse(vectorKeyCiphertext),
  'kms-enc-challenge-request': (payload) => encodeChallenge(decodeChallenge(payload)),
  'kms-enc-challenge-response': (payload) => {
    const nonce = Buffer.from(decodeChallenge(payload), 'base64').subarray(0, 12)
    const asked = decodeChallenge(decodeMessage(vectorBytes('kms-enc-challenge-request')).payload)
    const cipher = new SessionCipher('client', vectorDataKey, () => new Uint8Array(nonce))
    return encodeChallenge(cipher.answerChallenge(asked))
  },
  'kms-handshake-complete': handshakeComplete('This session is encrypted using AWS KMS.'),
  'kms-output-encrypted': sealed('out\n'),
  'kms-stderr-encrypted': sealed('err\n'),
  'kms-exitcode-encrypted': sealed('EXIT_CODE: 7'),
}

/** The opening frames: the client's is ours to write, the agent's only to know. */
const TEXT: Readonly<Record<string, (opening: Readonly<Record<string, string>>, frame: string) => void>> = {
  'open-data-channel-client': (opening, frame) => {
    const {
      RequestId: requestId,
      TokenValue: token,
      ClientId: clientId,
      ClientVersion: clientVersion,
    } = opening
    const ours = { requestId, token, clientId, clientVersion } as Parameters<typeof encodeOpenDataChannel>[0]
    assert.equal(encodeOpenDataChannel(ours), frame)
  },
  'open-data-channel-agent': (opening) => {
    assert.deepEqual(Object.keys(opening), [
      'MessageSchemaVersion',
      'RequestId',
      'TokenValue',
      'ClientInstanceId',
      'ClientId',
    ])
  },
}

describe('messages recorded from the vendor’s own programs', () => {
  it('is neither an empty list nor one with names that no row expects', () => {
    const expected = [...Object.keys(BINARY), ...Object.keys(TEXT)].sort()
    assert.equal(expected.length, 36)
    assert.deepEqual(sessionVectors.map((vector) => vector.name).sort(), expected)
  })

  for (const vector of sessionVectors) {
    it(`${vector.name}: decodes, and ours is the same byte for byte`, { timeout: 5_000 }, () => {
      const frame = vectorBytes(vector.name)
      if (vector.frame === 'text') {
        TEXT[vector.name]?.(JSON.parse(text(frame)), text(frame))
        return
      }
      const message = decodeMessage(frame) as OutgoingMessage
      assert.equal(message.type, vector.messageType)
      assert.equal(message.sequence, vector.sequence ?? message.sequence)
      assert.equal(message.flags, vector.flags ?? message.flags)
      assert.equal(message.payloadType, vector.payloadType ?? message.payloadType)
      assert.equal(message.payload.length, vector.payloadLength ?? message.payload.length)
      const payload = (BINARY[vector.name] as Rebuild)(message.payload)
      assert.equal(hex(encodeMessage({ ...message, payload })), vector.hex)
    })
  }
})
