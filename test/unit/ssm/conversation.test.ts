import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8 } from '#core/ssm/bytes.ts'
import { CLIENT_VERSION } from '#core/ssm/constants.ts'
import { decodeMessage, type Message } from '#core/ssm/message.ts'
import { PortSession } from '#core/ssm/port-session.ts'
import { TerminalSession } from '#core/ssm/terminal-session.ts'
import { seededBytes } from '../../support/random.ts'
import { at, feed, messages, outputs, ScriptedAgent } from '../../support/scripted-agent.ts'
import { vectorBytes, vectorDataKey, vectorKeyCiphertext } from '../../support/session-vectors.ts'

/*
 * Whole sessions in which the agent says what the vendor's agent was recorded saying, and we answer what the
 * vendor's client was recorded answering, apart from ids, dates and our version.
 */

const options = () => ({ sessionId: 's', targetId: 'i-0123456789abcdef0', random: seededBytes(1) })
const agent = new ScriptedAgent()
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')

/** What a message is, without id and date. */
function said({ type, sequence, flags, payloadType, payload }: Message) {
  return {
    type,
    sequence,
    flags,
    payloadType,
    payload: text(payload).replaceAll(CLIENT_VERSION, '1.2.650.0'),
  }
}

const recorded = (name: string) => said(decodeMessage(vectorBytes(name)))
const sent = (machine: Parameters<typeof messages>[0], now: number) => messages(machine, at(now)).map(said)

describe('a port session as recorded', { timeout: 5_000 }, () => {
  it('shakes hands, asks, is answered, and ends in order', () => {
    const session = new PortSession(options())
    session.handle({ type: 'transport-up' }, at(0))
    session.handle({ type: 'open', connection: 7 }, at(0))
    feed(session, at(1), vectorBytes('agent_session_state'), vectorBytes('handshake-request-port'))
    assert.deepEqual(sent(session, 1), [
      recorded('ack-of-handshake-request'),
      recorded('handshake-response-port'),
    ])
    feed(session, at(2), agent.acknowledge(0), vectorBytes('handshake-complete'))
    assert.deepEqual(outputs(session), [
      { type: 'full', connection: 7 },
      {
        type: 'ready',
        facts: {
          agentVersion: '3.3.0.0',
          sessionType: 'Port',
          multiplexed: true,
          encrypted: false,
          customerMessage: '',
        },
      },
      { type: 'writable', connection: 7 },
    ])

    const request = utf8('GET /small HTTP/1.1\r\nHost: x\r\n\r\n')
    session.handle({ type: 'write', connection: 7, bytes: request }, at(3))
    const [acknowledgement, first] = sent(session, 3)
    assert.equal(acknowledgement?.type, 'acknowledge')
    assert.deepEqual(first, recorded('smux-syn+psh-in-one-message'))

    feed(
      session,
      at(4),
      agent.acknowledge(1),
      vectorBytes('smux-psh-answer'),
      vectorBytes('smux-fin-from-agent'),
    )
    const [data, end] = outputs(session)
    assert.ok(data?.type === 'data' && text(data.bytes).endsWith('\r\n\r\nok\n'))
    assert.deepEqual(end, { type: 'connection-ended', connection: 7, end: { cause: 'far-end' } })

    session.handle({ type: 'close' }, at(5))
    const last = sent(session, 5).filter(({ type }) => type === 'input_stream_data')
    assert.deepEqual(last[0], { ...recorded('flag-terminate-session'), sequence: 2 })
    feed(session, at(6), agent.acknowledge(2))
    assert.deepEqual(outputs(session).at(-1), { type: 'ended', end: { how: 'closed' } })
  })

  it('takes a refusal as recorded: the flag, then the FIN of that connection', () => {
    const session = new PortSession(options())
    session.handle({ type: 'transport-up' }, at(0))
    feed(session, at(1), vectorBytes('handshake-request-port'))
    sent(session, 1)
    feed(session, at(2), agent.acknowledge(0), vectorBytes('handshake-complete'))
    session.handle({ type: 'open', connection: 1 }, at(3))
    sent(session, 3)
    outputs(session)
    feed(session, at(4), vectorBytes('flag-connect-to-port-error'), vectorBytes('smux-fin-after-refusal'))
    assert.deepEqual(outputs(session), [
      { type: 'connection-ended', connection: 1, end: { cause: 'refused' } },
    ])
  })

  it('speaks raw in a session of one stream, and leaves a lone LF alone', () => {
    const session = new PortSession(options())
    session.handle({ type: 'transport-up' }, at(0))
    feed(session, at(1), vectorBytes('basic-port-handshake-request'))
    sent(session, 1)
    feed(session, at(2), agent.acknowledge(0), vectorBytes('handshake-complete'))
    session.handle({ type: 'open', connection: 1 }, at(3))
    session.handle({ type: 'write', connection: 1, bytes: utf8('SSH-2.0-test\r\n') }, at(3))
    assert.deepEqual(sent(session, 3).at(-1), recorded('basic-port-data'))
    session.handle({ type: 'write', connection: 1, bytes: utf8('\n') }, at(4))
    assert.deepEqual(sent(session, 4), [{ ...recorded('basic-port-lf-sent-as-cr'), payload: '\n' }])
  })
})

describe('a command with encryption as recorded', { timeout: 5_000 }, () => {
  it('asks for a key, answers the challenge, and reads what the agent encrypted', () => {
    const session = new TerminalSession(options())
    session.handle({ type: 'transport-up' }, at(0))
    feed(session, at(1), vectorBytes('kms-handshake-request'))
    const [need] = outputs(session)
    assert.ok(need?.type === 'need-key')
    assert.equal(need.keyId, 'arn:aws:kms:us-east-1:111122223333:key/k')
    assert.deepEqual(
      sent(session, 1).map(({ type }) => type),
      ['acknowledge'],
      'the request is acknowledged while KMS is asked',
    )

    const key = { plaintext: vectorDataKey, ciphertext: vectorKeyCiphertext }
    session.handle({ type: 'key-ready', epoch: need.epoch, key }, at(2))
    assert.deepEqual(sent(session, 2), [recorded('kms-handshake-response')])
    feed(session, at(3), agent.acknowledge(0), vectorBytes('kms-enc-challenge-request'))
    assert.deepEqual(
      sent(session, 3).map(({ payloadType, sequence }) => [payloadType, sequence]),
      [
        [0, 0],
        [9, 1],
      ],
    )
    feed(session, at(4), agent.acknowledge(1), vectorBytes('kms-handshake-complete'))
    const [ready] = outputs(session)
    assert.ok(ready?.type === 'ready' && ready.facts.encrypted)
    assert.equal(ready.facts.customerMessage, 'This session is encrypted using AWS KMS.')

    feed(session, at(5), vectorBytes('kms-stderr-encrypted'), vectorBytes('kms-output-encrypted'))
    feed(session, at(5), vectorBytes('kms-exitcode-encrypted'), agent.closed(''))
    assert.deepEqual(
      outputs(session).map((output) =>
        'bytes' in output ? { ...output, bytes: text(output.bytes) } : output,
      ),
      [
        { type: 'output', stream: 'stderr', bytes: 'err\n' },
        { type: 'output', stream: 'stdout', bytes: 'out\n' },
        { type: 'exit', status: 7 },
        { type: 'ended', end: { how: 'far-end', output: '' } },
      ],
    )
  })
})

describe('a shell as recorded', { timeout: 5_000 }, () => {
  it('is ready at its first output, tells its size, and sends what is typed as it is', () => {
    const session = new TerminalSession({ ...options(), size: { columns: 101, rows: 33 } })
    session.handle({ type: 'transport-up' }, at(0))
    session.handle({ type: 'input', bytes: utf8('stty size; tty; echo $((6*7))\n') }, at(0))
    feed(session, at(1), vectorBytes('agent_session_state'))
    assert.deepEqual(sent(session, 1), [], 'nothing is sent to a session that has not begun')
    feed(session, at(2), vectorBytes('shell-output'))
    const [ready, output] = outputs(session)
    assert.ok(ready?.type === 'ready' && ready.facts.sessionType === undefined)
    assert.ok(output?.type === 'output' && text(output.bytes) === '$ ')
    const [, size, input] = sent(session, 2)
    assert.deepEqual(size, recorded('size-payload'))
    assert.deepEqual(input, recorded('shell-input'))
  })
})
