import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { toBase64, utf8 } from '#core/ssm/bytes.ts'
import { SessionCipher } from '#core/ssm/cipher.ts'
import {
  PAYLOAD_CHALLENGE_REQUEST,
  PAYLOAD_CHALLENGE_RESPONSE,
  PAYLOAD_HANDSHAKE_COMPLETE,
  PAYLOAD_HANDSHAKE_REQUEST,
  PAYLOAD_HANDSHAKE_RESPONSE,
} from '#core/ssm/constants.ts'
import {
  HANDSHAKE_PATIENCE,
  Handshake,
  type HandshakeEvent,
  KEY_PATIENCE,
  OPENING_PATIENCE,
  type SessionKind,
} from '#core/ssm/handshake.ts'
import {
  decodeChallenge,
  decodeHandshakeResponse,
  encodeChallenge,
  encodeHandshakeComplete,
  encodeHandshakeRequest,
  type RequestedAction,
} from '#core/ssm/payloads.ts'
import { seededBytes } from '../../support/random.ts'
import { at, sessionType } from '../../support/scripted-agent.ts'
import { vectorDataKey } from '../../support/session-vectors.ts'

const key = { plaintext: vectorDataKey, ciphertext: utf8('sealed') }
const denied = new PgctlError('permission-denied', 'no kms:GenerateDataKey')
const kms: RequestedAction = { type: 'kms-encryption', keyId: 'arn:key', challenge: 'c' }

const request = (...actions: RequestedAction[]) =>
  encodeHandshakeRequest({ agentVersion: '3.3.0.0', actions })
const complete = encodeHandshakeComplete({ nanoseconds: 5, customerMessage: 'welcome' })

function handshake(kind: SessionKind = 'terminal'): Handshake {
  const made = new Handshake({ kind, sessionId: 's-1', targetId: 'i-1', random: seededBytes(4) })
  made.transportUp(at(0))
  return made
}

function eventsOf(subject: Handshake): HandshakeEvent[] {
  const all: HandshakeEvent[] = []
  for (let event = subject.pollEvent(); event !== undefined; event = subject.pollEvent()) all.push(event)
  return all
}

function responseIn(events: readonly HandshakeEvent[]) {
  const sent = events.find((event) => event.type === 'send')
  assert.equal(sent?.payloadType, PAYLOAD_HANDSHAKE_RESPONSE)
  return decodeHandshakeResponse(sent.payload)
}

const statuses = (events: readonly HandshakeEvent[]) => responseIn(events).actions.map(({ status }) => status)
const failureIn = (events: readonly HandshakeEvent[]) =>
  events.find((event) => event.type === 'failed')?.error

/** A handshake that has asked for its key, and the epoch of the question. */
function asking(): { subject: Handshake; epoch: number } {
  const subject = handshake()
  subject.receive(PAYLOAD_HANDSHAKE_REQUEST, request(sessionType('Standard_Stream'), kms), at(100))
  const [event] = eventsOf(subject)
  assert.ok(event?.type === 'need-key')
  return { subject, epoch: event.epoch }
}

describe('a handshake without encryption', { timeout: 5_000 }, () => {
  it('answers the request, and is complete when the agent says so', () => {
    const subject = handshake('port')
    const properties = { portNumber: '22', type: 'LocalPortForwarding' }
    assert.equal(
      subject.receive(PAYLOAD_HANDSHAKE_REQUEST, request(sessionType('Port', properties)), at(1)),
      true,
    )
    assert.deepEqual(statuses(eventsOf(subject)), [1])
    assert.equal(subject.receive(PAYLOAD_HANDSHAKE_COMPLETE, complete, at(2)), true)
    const [event] = eventsOf(subject)
    assert.deepEqual(event, {
      type: 'complete',
      facts: {
        agentVersion: '3.3.0.0',
        sessionType: 'Port',
        properties,
        cipher: undefined,
        customerMessage: 'welcome',
      },
    })
    assert.equal(subject.deadline(), undefined)
  })

  it('answers an action that it does not know with unsupported, in its place', () => {
    const subject = handshake()
    subject.receive(
      PAYLOAD_HANDSHAKE_REQUEST,
      request({ type: 'unknown', name: 'Dance' }, sessionType('InteractiveCommands')),
      at(1),
    )
    const { actions } = responseIn(eventsOf(subject))
    assert.deepEqual(
      actions.map(({ name, status }) => [name, status]),
      [
        ['Dance', 3],
        ['SessionType', 1],
      ],
    )
  })

  const wrong: { kind: SessionKind; type: string }[] = [
    { kind: 'port', type: 'Standard_Stream' },
    { kind: 'terminal', type: 'Port' },
    { kind: 'terminal', type: 'Holograms' },
  ]
  for (const { kind, type } of wrong) {
    it(`refuses a ${type} session for a ${kind} one, and says so to the agent`, () => {
      const subject = handshake(kind)
      subject.receive(PAYLOAD_HANDSHAKE_REQUEST, request(sessionType(type)), at(1))
      const events = eventsOf(subject)
      assert.deepEqual(statuses(events), [2])
      assert.ok(isPgctlError(failureIn(events), 'handshake-failed'))
    })
  }
})

describe('what comes twice or out of place', { timeout: 5_000 }, () => {
  it('a repeated request is answered once', () => {
    const subject = handshake()
    const payload = request(sessionType('Standard_Stream'))
    subject.receive(PAYLOAD_HANDSHAKE_REQUEST, payload, at(1))
    eventsOf(subject)
    assert.equal(subject.receive(PAYLOAD_HANDSHAKE_REQUEST, payload, at(2)), false)
    assert.deepEqual(eventsOf(subject), [])
  })

  it('a repeated request asks for no second key', () => {
    const { subject } = asking()
    subject.receive(PAYLOAD_HANDSHAKE_REQUEST, request(sessionType('Standard_Stream'), kms), at(300))
    assert.deepEqual(eventsOf(subject), [])
  })

  it('a second completion changes nothing', () => {
    const subject = handshake()
    subject.receive(PAYLOAD_HANDSHAKE_REQUEST, request(sessionType('Standard_Stream')), at(1))
    subject.receive(PAYLOAD_HANDSHAKE_COMPLETE, complete, at(2))
    eventsOf(subject)
    for (const type of [PAYLOAD_HANDSHAKE_COMPLETE, PAYLOAD_HANDSHAKE_REQUEST, PAYLOAD_CHALLENGE_REQUEST]) {
      assert.equal(subject.receive(type, utf8('anything'), at(3)), false)
    }
    assert.deepEqual(eventsOf(subject), [])
  })

  it('a completion before the request, or before our answer, is ignored', () => {
    const early = handshake()
    assert.equal(early.receive(PAYLOAD_HANDSHAKE_COMPLETE, complete, at(1)), false)
    const { subject } = asking()
    assert.equal(subject.receive(PAYLOAD_HANDSHAKE_COMPLETE, complete, at(200)), false)
    assert.equal(subject.isComplete, false, 'an encrypted session would begin in the clear')
  })

  it('a challenge before the key is ignored', () => {
    const { subject } = asking()
    assert.equal(subject.receive(PAYLOAD_CHALLENGE_REQUEST, encodeChallenge('AAAA'), at(200)), false)
  })
})

describe('a handshake with encryption', { timeout: 5_000 }, () => {
  it('asks for a key bound to session and target', () => {
    const subject = handshake()
    subject.receive(PAYLOAD_HANDSHAKE_REQUEST, request(sessionType('Standard_Stream'), kms), at(1))
    assert.deepEqual(eventsOf(subject), [
      {
        type: 'need-key',
        epoch: 1,
        keyId: 'arn:key',
        context: { 'aws:ssm:SessionId': 's-1', 'aws:ssm:TargetId': 'i-1' },
      },
    ])
  })

  it('sends the key’s ciphertext, answers the challenge and encrypts from then on', () => {
    const { subject, epoch } = asking()
    subject.keyReady(epoch, key)
    const { actions } = responseIn(eventsOf(subject))
    assert.deepEqual(
      actions.map(({ status, cipherTextKey }) => [status, cipherTextKey]),
      [
        [1, undefined],
        [1, toBase64(key.ciphertext)],
      ],
    )
    const agent = new SessionCipher('agent', vectorDataKey, seededBytes(9))
    const secret = seededBytes(8)(64)
    const challenge = encodeChallenge(toBase64(agent.encrypt(secret)))
    assert.equal(subject.receive(PAYLOAD_CHALLENGE_REQUEST, challenge, at(200)), true)
    const [answer] = eventsOf(subject)
    assert.ok(answer?.type === 'send' && answer.payloadType === PAYLOAD_CHALLENGE_RESPONSE)
    const sealed = Buffer.from(decodeChallenge(answer.payload), 'base64')
    assert.equal(Buffer.compare(agent.decrypt(sealed), secret), 0)
    subject.receive(PAYLOAD_HANDSHAKE_COMPLETE, complete, at(300))
    const [event] = eventsOf(subject)
    assert.ok(event?.type === 'complete' && event.facts.cipher instanceof SessionCipher)
  })

  it('throws a typed error for a challenge that was not made with the key', () => {
    const { subject, epoch } = asking()
    subject.keyReady(epoch, key)
    const foreign = encodeChallenge(toBase64(new Uint8Array(92)))
    assert.throws(
      () => subject.receive(PAYLOAD_CHALLENGE_REQUEST, foreign, at(200)),
      (error) => isPgctlError(error, 'encryption-failed'),
    )
  })

  it('tells the agent and fails with the error of KMS when there is no key', () => {
    const { subject, epoch } = asking()
    subject.keyFailed(epoch, denied)
    const events = eventsOf(subject)
    assert.deepEqual(statuses(events), [1, 2])
    assert.equal(failureIn(events), denied)
    assert.equal(subject.deadline(), undefined)
  })

  it('refuses a key of another length', () => {
    const { subject, epoch } = asking()
    subject.keyReady(epoch, { ...key, plaintext: new Uint8Array(32) })
    const events = eventsOf(subject)
    assert.deepEqual(statuses(events), [1, 2])
    assert.ok(isPgctlError(failureIn(events), 'encryption-failed'))
  })

  it('gives KMS 12 s, and then tells the agent, which waits for 15', () => {
    const { subject } = asking()
    assert.equal(subject.deadline(), 100 + KEY_PATIENCE)
    subject.tick(at(100 + KEY_PATIENCE - 1))
    assert.deepEqual(eventsOf(subject), [])
    subject.tick(at(100 + KEY_PATIENCE))
    const events = eventsOf(subject)
    assert.deepEqual(statuses(events), [1, 2])
    assert.ok(isPgctlError(failureIn(events), 'encryption-failed'))
  })

  it('drops an answer to a question from before a reconnect, and asks again', () => {
    const { subject, epoch } = asking()
    subject.transportDown()
    subject.keyReady(epoch, key)
    assert.deepEqual(eventsOf(subject), [], 'there is nobody to answer')
    subject.transportUp(at(500))
    const [again] = eventsOf(subject)
    assert.ok(again?.type === 'need-key' && again.epoch !== epoch)
    subject.keyFailed(epoch, denied)
    subject.keyReady(epoch, key)
    assert.deepEqual(eventsOf(subject), [], 'the first answers came late')
    subject.keyReady(again.epoch, key)
    assert.deepEqual(statuses(eventsOf(subject)), [1, 1])
  })

  it('takes one answer to a question', () => {
    const { subject, epoch } = asking()
    subject.keyReady(epoch, key)
    eventsOf(subject)
    subject.keyReady(epoch, key)
    subject.keyFailed(epoch, denied)
    assert.deepEqual(eventsOf(subject), [])
  })
})

describe('patience', { timeout: 5_000 }, () => {
  it('ends when the agent says nothing at all', () => {
    const subject = handshake('port')
    assert.equal(subject.deadline(), OPENING_PATIENCE)
    subject.tick(at(OPENING_PATIENCE))
    assert.ok(isPgctlError(failureIn(eventsOf(subject)), 'handshake-failed'))
  })

  it('ends when the agent does not complete what it began', () => {
    const subject = handshake()
    subject.receive(PAYLOAD_HANDSHAKE_REQUEST, request(sessionType('Standard_Stream')), at(50))
    eventsOf(subject)
    assert.equal(subject.deadline(), 50 + HANDSHAKE_PATIENCE)
    subject.tick(at(50 + HANDSHAKE_PATIENCE))
    assert.ok(isPgctlError(failureIn(eventsOf(subject)), 'handshake-failed'))
  })

  it('is asked of nobody in a session without a handshake', () => {
    const subject = handshake()
    subject.waive()
    assert.equal(subject.deadline(), undefined)
  })
})
