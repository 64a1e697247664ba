import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import { utf8, uuidWire } from '#core/ssm/bytes.ts'
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
  encodeHandshakeRequest,
  encodeHandshakeResponse,
} from '#core/ssm/payloads.ts'
import { boxed } from '../../support/boxed.ts'
import { encodeChannelClosed } from '../../support/gateway-payloads.ts'
import { sessionVectors, vectorBytes } from '../../support/session-vectors.ts'

const violation = (error: unknown) => isPgctlError(error, 'protocol-violation')
const messageId = uuidWire('7ec25101-4755-49f2-bfa3-84b9eb620c83') as Uint8Array
const parsed = (payload: Uint8Array) => JSON.parse(Buffer.from(payload).toString('utf8'))

const DECODERS: Readonly<Record<string, (payload: Uint8Array) => unknown>> = {
  decodeAcknowledgement,
  decodeChallenge,
  decodeExitCode,
  decodeFlag,
  decodeHandshakeComplete,
  decodeHandshakeRequest,
  decodeHandshakeResponse,
  decodeSize,
}

describe('every decoder', { timeout: 30_000 }, () => {
  for (const [name, decode] of Object.entries(DECODERS)) {
    it(`${name} refuses what is no payload of its kind`, () => {
      for (const wrong of ['', '[]', 'null ', '"text"', '{', '{}', '{"Challenge":1}', '\u0000']) {
        assert.throws(() => decode(utf8(wrong)), violation, wrong)
      }
      assert.throws(() => decode(Uint8Array.of(0xff, 0xfe, 0xfd)), violation)
    })

    it(`${name} answers anything at all with a value or a typed error`, () => {
      const recorded = sessionVectors.map((vector) => vectorBytes(vector.name).subarray(120))
      const mutated = fc
        .tuple(fc.constantFrom(...recorded), fc.nat(300), fc.nat(255))
        .map(([bytes, at, value]) => bytes.map((byte, index) => (index === at ? value : byte)))
      const json = fc.json({ maxDepth: 3 }).map(utf8)
      const property = fc.property(fc.oneof(mutated, json, fc.uint8Array({ maxLength: 64 })), (payload) => {
        try {
          decode(payload)
        } catch (error) {
          assert.ok(violation(error), String(error))
        }
        assert.equal(typeof channelClosedOutput(payload), 'string')
      })
      fc.assert(property, boxed(1_000, 1_500))
    })
  }
})

describe('acknowledgement', { timeout: 5_000 }, () => {
  for (const sequence of [0, 9, 10, 4_294_967_296, Number.MAX_SAFE_INTEGER]) {
    it(`of ${sequence} comes back`, () => {
      const payload = encodeAcknowledgement('input_stream_data', messageId, sequence)
      assert.deepEqual(decodeAcknowledgement(payload), { messageType: 'input_stream_data', sequence })
      assert.equal(parsed(payload).AcknowledgedMessageId, '7ec25101-4755-49f2-bfa3-84b9eb620c83')
    })
  }

  it('refuses a sequence that is no count', () => {
    for (const sequence of ['-1', '1.5', '"1"', '9007199254740992', 'null']) {
      const payload = `{"AcknowledgedMessageType":"input_stream_data","AcknowledgedMessageSequenceNumber":${sequence}}`
      assert.throws(() => decodeAcknowledgement(utf8(payload)), violation, sequence)
    }
  })
})

describe('handshake', { timeout: 5_000 }, () => {
  it('keeps an action that it does not know, by name and in place', () => {
    const request = utf8(
      '{"AgentVersion":"3.9.0.0","RequestedClientActions":[{"ActionType":"Dance"},{"ActionType":"SessionType","ActionParameters":{"SessionType":"Port","Properties":{"portNumber":"22","odd":7}}}]}',
    )
    assert.deepEqual(decodeHandshakeRequest(request).actions, [
      { type: 'unknown', name: 'Dance' },
      { type: 'session-type', sessionType: 'Port', properties: { portNumber: '22' } },
    ])
  })

  it('refuses an action that it knows without its parameters', () => {
    for (const action of ['SessionType', 'KMSEncryption']) {
      const request = `{"AgentVersion":"3","RequestedClientActions":[{"ActionType":"${action}"}]}`
      assert.throws(() => decodeHandshakeRequest(utf8(request)), violation)
    }
  })

  it('writes null for a session without properties', () => {
    const request = encodeHandshakeRequest({
      agentVersion: '3.3.0.0',
      actions: [{ type: 'session-type', sessionType: 'NonInteractiveCommands', properties: undefined }],
    })
    assert.equal(parsed(request).RequestedClientActions[0].ActionParameters.Properties, null)
  })

  it('lists the errors of actions that failed', () => {
    const response = encodeHandshakeResponse({
      clientVersion: '1',
      actions: [
        { name: 'SessionType', status: 1, error: '' },
        { name: 'KMSEncryption', status: 2, error: 'denied' },
      ],
    })
    assert.deepEqual(parsed(response).Errors, ['denied'])
  })
})

describe('the rest', { timeout: 5_000 }, () => {
  it('reads exit codes as the agent writes them and nothing else', () => {
    assert.equal(decodeExitCode(utf8('EXIT_CODE: 137')), 137)
    assert.equal(decodeExitCode(utf8('EXIT_CODE: -1\n')), -1)
    for (const wrong of [
      '7',
      'EXIT_CODE: ',
      'EXIT_CODE: seven',
      'EXIT_CODE: 7 8',
      'EXIT_CODE: 99999999999',
    ]) {
      assert.throws(() => decodeExitCode(utf8(wrong)), violation, wrong)
    }
  })

  it('reads why a channel was closed, and takes a closing without words', () => {
    const closed = {
      messageId,
      sessionId: 's',
      createdDate: '2026-11-23T07:26:29Z',
      output: 'Session timed out.',
    }
    assert.equal(channelClosedOutput(encodeChannelClosed(closed)), 'Session timed out.')
    assert.equal(channelClosedOutput(new Uint8Array(0)), '')
  })
})
