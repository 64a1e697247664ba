import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { WAITING_ACKNOWLEDGEMENTS } from '#core/ssm/acknowledgement-queue.ts'
import { ACKNOWLEDGEMENT_PATIENCE, SILENCE_WARNING } from '#core/ssm/agent-silence.ts'
import { utf8 } from '#core/ssm/bytes.ts'
import { Channel, CLOSING_PATIENCE } from '#core/ssm/channel.ts'
import type { SessionKind } from '#core/ssm/handshake.ts'
import type { CommonInput, TraceRecord } from '#core/ssm/machine.ts'
import { MALFORMED_FORGOTTEN_AFTER, MALFORMED_LIMIT } from '#core/ssm/malformed-count.ts'
import { encodeFlag } from '#core/ssm/payloads.ts'
import { EARLY_MESSAGES } from '#core/ssm/receive-queue.ts'
import { NO_HANDSHAKE_AFTER } from '#core/ssm/unannounced-start.ts'
import { boxed } from '../../support/boxed.ts'
import { seededBytes, seededChance } from '../../support/random.ts'
import {
  acknowledgeAll,
  acknowledged,
  at,
  feed,
  messages,
  outputs,
  ScriptedAgent,
  sessionType,
  streamMessages,
} from '../../support/scripted-agent.ts'
import { sessionVectors, vectorBytes, vectorDataKey } from '../../support/session-vectors.ts'

const key = { plaintext: vectorDataKey, ciphertext: utf8('sealed') }
const lost = new PgctlError('session-lost', 'gone')
const kms = { type: 'kms-encryption', keyId: 'k' } as const

function channel(kind: SessionKind = 'terminal', trace?: (record: TraceRecord) => void) {
  const made = new Channel(kind, { sessionId: 's', targetId: 'i', random: seededBytes(1), trace })
  return { channel: made, agent: new ScriptedAgent() }
}

function up(kind: SessionKind = 'terminal', trace?: (record: TraceRecord) => void) {
  const made = channel(kind, trace)
  made.channel.handle({ type: 'transport-up' }, at(0))
  return made
}

/** A channel whose handshake is over, and everything acknowledged on both sides. */
function ready(kind: SessionKind = 'terminal') {
  const made = up(kind)
  const type = kind === 'port' ? 'Port' : 'Standard_Stream'
  feed(made.channel, at(1), made.agent.request([sessionType(type)]))
  acknowledgeAll(made.channel, made.agent, at(1))
  feed(made.channel, at(2), made.agent.complete())
  messages(made.channel, at(2))
  outputs(made.channel)
  return made
}

const ends = (subject: Channel) => outputs(subject).filter((output) => output.type === 'ended')
const errorOf = (subject: Channel) => {
  const [ended] = ends(subject)
  return ended?.end.how === 'failed' ? ended.end.error : undefined
}

describe('the agent’s stream', { timeout: 10_000 }, () => {
  it('is delivered in order and acknowledged message by message, early ones at once', () => {
    const { channel, agent } = ready()
    const [first, second, third] = ['1', '2', '3'].map((payload) => agent.output(utf8(payload)))
    feed(channel, at(5), third as Uint8Array, second as Uint8Array)
    assert.deepEqual(outputs(channel), [])
    assert.deepEqual(acknowledged(channel, at(5)), [4, 3])
    feed(channel, at(6), first as Uint8Array)
    assert.deepEqual(
      outputs(channel).map((output) => output.type === 'payload' && Buffer.from(output.bytes).toString()),
      ['1', '2', '3'],
    )
    assert.deepEqual(acknowledged(channel, at(6)), [2])
  })

  it('is acknowledged again when it comes again, and not delivered twice', () => {
    const { channel, agent } = ready()
    const frame = agent.output(utf8('once'))
    feed(channel, at(5), frame, frame, frame)
    assert.equal(outputs(channel).length, 1)
    assert.deepEqual(acknowledged(channel, at(5)), [2, 2, 2])
    assert.equal(channel.stats().duplicatesIn, 2)
  })

  it('is not acknowledged beyond the window', () => {
    const { channel, agent } = ready()
    feed(channel, at(5), agent.message('output_stream_data', 1, utf8('far'), 2 + EARLY_MESSAGES))
    feed(channel, at(5), agent.message('output_stream_data', 1, utf8('edge'), 1 + EARLY_MESSAGES))
    assert.deepEqual(acknowledged(channel, at(5)), [1 + EARLY_MESSAGES])
  })

  it('waits when its acknowledgements find no way out', () => {
    const { channel, agent } = ready()
    for (let i = 0; i < WAITING_ACKNOWLEDGEMENTS + 10; i++) feed(channel, at(5), agent.output(utf8('x')))
    assert.equal(channel.stats().ignored, 10)
    assert.equal(acknowledged(channel, at(6)).length, WAITING_ACKNOWLEDGEMENTS)
  })

  it('is acknowledged before anything else goes out', () => {
    const { channel, agent } = ready()
    channel.sendControl(10, encodeFlag(1))
    feed(channel, at(5), agent.output(utf8('x')))
    assert.deepEqual(
      messages(channel, at(5)).map(({ type }) => type),
      ['acknowledge', 'input_stream_data'],
    )
  })

  it('ignores payloads that it does not know, and acknowledges them', () => {
    const { channel, agent } = ready()
    feed(channel, at(5), agent.say(99, utf8('?')), agent.output(utf8('known')))
    assert.equal(outputs(channel).length, 1)
    assert.deepEqual(acknowledged(channel, at(5)), [2, 3])
  })
})

describe('what is no message', { timeout: 10_000 }, () => {
  it('is dropped without an acknowledgement, until there is too much of it', () => {
    const { channel, agent } = ready()
    const broken = Uint8Array.from(agent.output(utf8('x')))
    broken[120] = 0
    for (let i = 1; i < MALFORMED_LIMIT; i++) feed(channel, at(5), broken)
    assert.deepEqual(messages(channel, at(5)), [])
    assert.deepEqual(ends(channel), [])
    feed(channel, at(5), new Uint8Array(3))
    assert.ok(isPgctlError(errorOf(channel), 'protocol-violation'))
  })

  it('is forgotten after a minute of sound traffic, so that a long life is no reason to end', () => {
    const { channel, agent } = ready()
    for (let day = 0; day < 3 * MALFORMED_LIMIT; day++) {
      const now = 10 + day * MALFORMED_FORGOTTEN_AFTER
      feed(channel, at(now), agent.output(utf8('x')), new Uint8Array(3))
    }
    assert.deepEqual(ends(channel), [])
  })

  it('is not forgotten within the minute, nor while nothing sound comes', () => {
    for (const [pause, soundToo] of [
      [MALFORMED_FORGOTTEN_AFTER - 1, true],
      [MALFORMED_FORGOTTEN_AFTER, false],
    ] as const) {
      const { channel, agent } = ready()
      for (let i = 0; i < MALFORMED_LIMIT; i++) {
        if (soundToo) feed(channel, at(10 + i * pause), agent.output(utf8('x')))
        feed(channel, at(10 + i * pause), new Uint8Array(3))
      }
      assert.ok(isPgctlError(errorOf(channel), 'protocol-violation'), `every ${pause} ms`)
    }
  })

  it('is repaired by the sender bringing it again', () => {
    const { channel, agent } = ready()
    const sound = agent.output(utf8('x'))
    const broken = Uint8Array.from(sound)
    broken[120] = 0
    feed(channel, at(5), broken, sound)
    assert.equal(outputs(channel).length, 1)
  })

  it('is ignored when its type is unknown, or its acknowledgement is of what was not sent', () => {
    const { channel, agent } = ready()
    feed(
      channel,
      at(5),
      agent.message('input_stream_data', 1, utf8('reflected')),
      agent.acknowledge(77),
      agent.acknowledge(0, 'output_stream_data'),
      agent.acknowledge(0),
    )
    assert.deepEqual([outputs(channel), messages(channel, at(5))], [[], []])
    assert.equal(channel.stats().ignored, 4)
  })

  it('ends the session when a handshake payload is broken: it was delivered and cannot come again', () => {
    const { channel, agent } = up()
    feed(channel, at(1), agent.say(5, utf8('{"AgentVersion":7}')))
    assert.ok(isPgctlError(errorOf(channel), 'protocol-violation'))
  })

  it('never does more than end the session with a typed error', () => {
    const chance = seededChance(5)
    const property = fc.property(fc.array(fc.nat(), { maxLength: 40 }), (picks) => {
      const { channel } = up(picks.length % 2 === 0 ? 'port' : 'terminal')
      for (const [index, pick] of picks.entries()) {
        const bytes = vectorBytes((sessionVectors[pick % sessionVectors.length] as { name: string }).name)
        if (chance() < 0.3) bytes[Math.floor(chance() * bytes.length)] = Math.floor(chance() * 256)
        channel.handle({ type: 'frame', bytes }, at(index))
        for (const output of outputs(channel)) {
          if (output.type === 'need-key')
            channel.handle({ type: 'key-ready', epoch: output.epoch, key }, at(index))
          if (output.type === 'ended' && output.end.how === 'failed')
            assert.ok(isPgctlError(output.end.error))
        }
        messages(channel, at(index))
      }
    })
    fc.assert(property, boxed(400, 6_000))
  })
})

describe('sessions without a handshake', { timeout: 5_000 }, () => {
  it('are ready a second after the agent showed itself, for a command that prints nothing', () => {
    const { channel, agent } = up()
    feed(channel, at(50), agent.sessionState(), agent.sessionState())
    assert.equal(channel.deadline(), 50 + NO_HANDSHAKE_AFTER)
    channel.handle({ type: 'tick' }, at(50 + NO_HANDSHAKE_AFTER))
    assert.deepEqual(outputs(channel), [{ type: 'ready', facts: undefined }])
    assert.equal(channel.deadline(), undefined)
  })

  it('are not assumed once a request came', () => {
    const { channel, agent } = up()
    feed(channel, at(50), agent.sessionState(), agent.request([sessionType('Standard_Stream')]))
    channel.handle({ type: 'tick' }, at(50 + NO_HANDSHAKE_AFTER))
    assert.deepEqual(outputs(channel), [])
  })

  it('become sessions with one when a request comes late: data waits until it is complete', () => {
    const { channel, agent } = up()
    feed(channel, at(1), agent.sessionState())
    channel.handle({ type: 'tick' }, at(1 + NO_HANDSHAKE_AFTER))
    assert.equal(channel.room(5_000), 1_024)
    feed(channel, at(2_000), agent.request([sessionType('Standard_Stream'), kms]))
    assert.equal(channel.room(5_000), 0)
    const need = outputs(channel).at(-1)
    assert.ok(need?.type === 'need-key')
    channel.handle({ type: 'key-ready', epoch: need.epoch, key }, at(2_001))
    feed(channel, at(2_002), agent.complete('secured'))
    const again = outputs(channel).at(-1)
    assert.ok(again?.type === 'ready' && again.facts?.customerMessage === 'secured')
    assert.equal(channel.room(5_000), 1_024)
  })

  it('do not exist for ports: data before the handshake is a violation', () => {
    const { channel, agent } = up('port')
    feed(channel, at(1), agent.sessionState())
    channel.handle({ type: 'tick' }, at(1 + NO_HANDSHAKE_AFTER))
    assert.deepEqual(outputs(channel), [])
    feed(channel, at(2_000), agent.output(utf8('early')))
    assert.ok(isPgctlError(errorOf(channel), 'protocol-violation'))
  })

  it('refuse data in the clear while a key is asked for', () => {
    const { channel, agent } = up()
    feed(channel, at(1), agent.request([sessionType('Standard_Stream'), kms]), agent.output(utf8('clear')))
    assert.ok(isPgctlError(errorOf(channel), 'protocol-violation'))
  })
})

describe('encryption', { timeout: 5_000 }, () => {
  it('ends the session at a payload that was not made with its key', () => {
    const { channel, agent } = up()
    feed(channel, at(1), agent.request([sessionType('Standard_Stream'), kms]))
    const need = outputs(channel).at(-1)
    assert.ok(need?.type === 'need-key')
    channel.handle({ type: 'key-ready', epoch: need.epoch, key }, at(2))
    feed(channel, at(3), agent.complete(), agent.output(utf8('in the clear, and long enough to be sealed')))
    assert.ok(isPgctlError(errorOf(channel), 'encryption-failed'))
  })

  it('tells the agent why before it ends with the error of KMS', () => {
    const { channel, agent } = up()
    feed(channel, at(1), agent.request([sessionType('Standard_Stream'), kms]))
    const need = outputs(channel).at(-1)
    assert.ok(need?.type === 'need-key')
    channel.handle({ type: 'key-failed', epoch: need.epoch, error: lost }, at(2))
    assert.deepEqual(outputs(channel), [])
    const [response] = streamMessages(channel, at(2))
    feed(channel, at(3), agent.acknowledge(response?.sequence as number))
    assert.equal(errorOf(channel), lost)
  })

  it('leaves room for its nonce and tag within the budget', () => {
    const { channel, agent } = up()
    feed(channel, at(1), agent.request([sessionType('Standard_Stream'), kms]))
    const need = outputs(channel).at(-1)
    assert.ok(need?.type === 'need-key')
    channel.handle({ type: 'key-ready', epoch: need.epoch, key }, at(2))
    acknowledgeAll(channel, agent, at(2))
    feed(channel, at(3), agent.complete())
    const room = channel.room(500)
    assert.equal(channel.transmit(new Uint8Array(room), at(4)).length, 500)
  })
})

describe('closing', { timeout: 5_000 }, () => {
  it('says TerminateSession, and ends when that is acknowledged', () => {
    const { channel, agent } = ready()
    channel.handle({ type: 'close' }, at(10))
    const [flag] = streamMessages(channel, at(10))
    assert.deepEqual([flag?.payloadType, ...(flag?.payload ?? [])], [10, 0, 0, 0, 2])
    assert.deepEqual(ends(channel), [])
    feed(channel, at(11), agent.acknowledge(flag?.sequence as number))
    assert.deepEqual(ends(channel), [{ type: 'ended', end: { how: 'closed' } }])
  })

  it('does not wait for data that is under way', () => {
    const { channel, agent } = ready()
    channel.transmit(utf8('upload'), at(9))
    channel.handle({ type: 'close' }, at(10))
    const flag = streamMessages(channel, at(10)).at(-1)
    feed(channel, at(11), agent.acknowledge(flag?.sequence as number))
    assert.equal(ends(channel).length, 1)
  })

  it('ends after a second when nobody hears it, or at once without a WebSocket', () => {
    const deaf = ready().channel
    deaf.handle({ type: 'close' }, at(10))
    messages(deaf, at(10))
    deaf.handle({ type: 'tick' }, at(10 + CLOSING_PATIENCE))
    assert.equal(ends(deaf).length, 1)
    const cut = ready().channel
    cut.handle({ type: 'close' }, at(10))
    cut.handle({ type: 'transport-down' }, at(11))
    assert.deepEqual(ends(cut), [{ type: 'ended', end: { how: 'closed' } }])
  })

  it('still acknowledges what the agent sends meanwhile', () => {
    const { channel, agent } = ready()
    channel.handle({ type: 'close' }, at(10))
    feed(channel, at(11), agent.output(utf8('late')))
    assert.deepEqual(acknowledged(channel, at(11)), [2])
    assert.deepEqual(outputs(channel), [])
  })

  it('takes a second close for the first', () => {
    const { channel } = ready()
    channel.handle({ type: 'close' }, at(10))
    channel.handle({ type: 'close' }, at(11))
    assert.equal(streamMessages(channel, at(12)).length, 1)
  })
})

describe('transports', { timeout: 5_000 }, () => {
  it('nothing goes out while there is none, and nothing is heard of an old one', () => {
    const { channel, agent } = ready()
    channel.transmit(utf8('1'), at(5))
    channel.handle({ type: 'transport-down' }, at(6))
    feed(channel, at(7), agent.output(utf8('ghost')))
    assert.deepEqual([messages(channel, at(7)), outputs(channel), channel.deadline()], [[], [], undefined])
    assert.equal(channel.room(5_000), 0)
  })

  it('the next one begins with what was not acknowledged, and numbers continue on both sides', () => {
    const { channel, agent } = ready()
    for (const payload of ['a', 'b']) channel.transmit(utf8(payload), at(5))
    feed(channel, at(6), agent.acknowledge(1))
    channel.handle({ type: 'transport-down' }, at(7))
    channel.handle({ type: 'transport-up' }, at(500))
    assert.deepEqual(
      streamMessages(channel, at(500)).map(({ sequence, payload }) => [
        sequence,
        Buffer.from(payload).toString(),
      ]),
      [[2, 'b']],
    )
    feed(channel, at(501), agent.output(utf8('after')))
    assert.equal(outputs(channel).length, 1)
  })

  it('pause_publication stops everything that goes out, until start_publication', () => {
    const { channel, agent } = ready()
    channel.transmit(utf8('1'), at(5))
    feed(channel, at(6), agent.message('pause_publication', 0, new Uint8Array(0)))
    assert.equal(channel.room(5_000), 0)
    assert.equal(channel.deadline(), undefined)
    channel.handle({ type: 'tick' }, at(5_000))
    assert.deepEqual(messages(channel, at(5_000)), [])
    feed(channel, at(5_001), agent.message('start_publication', 0, new Uint8Array(0)))
    assert.deepEqual(
      streamMessages(channel, at(5_001)).map(({ sequence }) => sequence),
      [1],
    )
    assert.equal(channel.stats().window, 16, 'a pause is no stall')
  })

  for (const goesOn of ['data', 'an acknowledgement'] as const) {
    it(`publication goes on at ${goesOn}, too`, () => {
      const { channel, agent } = ready()
      feed(channel, at(6), agent.message('pause_publication', 0, new Uint8Array(0)))
      feed(channel, at(7), goesOn === 'data' ? agent.output(utf8('x')) : agent.acknowledge(0))
      assert.equal(channel.room(5_000), 1_024)
    })
  }

  /** Lives from `from` to `until` without a word of the agent; what the channel says, with its moment. */
  function endure(subject: Channel, from: number, until: number): [number, string][] {
    const said: [number, string][] = []
    for (let now = from; now <= until; now = subject.deadline() ?? Number.POSITIVE_INFINITY) {
      subject.handle({ type: 'tick' }, at(now))
      messages(subject, at(now))
      for (const output of outputs(subject))
        said.push([now, output.type === 'warning' ? output.warning.code : output.type])
    }
    return said
  }
  const END = 10 * ACKNOWLEDGEMENT_PATIENCE

  it('an agent that acknowledges nothing is told of, and given up on a WebSocket that works', () => {
    const { channel } = ready()
    channel.transmit(utf8('1'), at(5))
    const warned = endure(channel, 5, ACKNOWLEDGEMENT_PATIENCE)
    assert.deepEqual(
      warned.map(([, said]) => said),
      ['unresponsive'],
    )
    assert.ok(Number(warned[0]?.[0]) >= 5 + SILENCE_WARNING)
    channel.handle({ type: 'tick' }, at(5 + ACKNOWLEDGEMENT_PATIENCE))
    assert.ok(isPgctlError(errorOf(channel), 'session-lost'))
  })

  it('an agent that acknowledges again is heard', () => {
    const { channel, agent } = ready()
    channel.transmit(utf8('1'), at(5))
    endure(channel, 5, 60_000)
    feed(channel, at(60_005), agent.acknowledge(1), agent.acknowledge(1))
    assert.deepEqual(outputs(channel), [
      { type: 'warning', warning: { code: 'responsive', silentFor: 60_000 } },
    ])
    assert.equal(channel.deadline(), undefined, 'nothing waits, so nothing is missed')
  })

  it('a silence is not counted without a way, while nothing is read, or while nothing waits', () => {
    for (const [name, shut, open] of [
      ['without a way', { type: 'transport-down' }, { type: 'transport-up' }],
      ['unread', false, true],
    ] as const) {
      const { channel } = ready()
      const turn = (to: typeof shut | typeof open, now: number) =>
        typeof to === 'boolean' ? channel.setReading(to, at(now)) : channel.handle(to, at(now))
      channel.transmit(utf8('1'), at(0))
      turn(shut, 5_000)
      assert.deepEqual(endure(channel, 5_000, END), [], name)
      turn(open, END)
      assert.deepEqual(endure(channel, END, END + 4_999), [], name)
      assert.equal(endure(channel, END + 5_000, END + 60_000).length, 1, name)
    }
    const { channel } = ready()
    assert.deepEqual(endure(channel, 5, END), [])
  })

  it('a way that is lost again and again does not make a deaf agent last', () => {
    const { channel } = ready()
    channel.transmit(utf8('1'), at(0))
    const said: string[] = []
    for (let now = 0; now < END && said.at(-1) !== 'ended'; now += 20_000) {
      for (const [, word] of endure(channel, now, now + 15_000)) said.push(word)
      channel.handle({ type: 'transport-down' }, at(now + 15_000))
      channel.handle({ type: 'transport-up' }, at(now + 20_000))
    }
    assert.deepEqual(said, ['unresponsive', 'ended'])
  })

  it('the handshake’s patience does not run while there is none', () => {
    const { channel } = up('port')
    channel.handle({ type: 'transport-down' }, at(10))
    channel.handle({ type: 'tick' }, at(60_000))
    assert.deepEqual(outputs(channel), [])
    channel.handle({ type: 'transport-up' }, at(60_000))
    assert.equal(channel.deadline(), 80_000)
  })
})

// ── every state, every event ──────────────────────────────────────────────────────────────────────────────────────

describe('every event in every state', { timeout: 10_000 }, () => {
  const states: Record<string, () => { channel: Channel; agent: ScriptedAgent }> = {
    new: () => channel(),
    up: () => up(),
    'asking for a key': () => {
      const made = up()
      feed(made.channel, at(1), made.agent.request([sessionType('Standard_Stream'), kms]))
      return made
    },
    responded: () => {
      const made = up()
      feed(made.channel, at(1), made.agent.request([sessionType('Standard_Stream')]))
      messages(made.channel, at(1))
      return made
    },
    ready: () => ready(),
    down: () => {
      const made = ready()
      made.channel.handle({ type: 'transport-down' }, at(3))
      return made
    },
    closing: () => {
      const made = ready()
      made.channel.handle({ type: 'close' }, at(3))
      return made
    },
    ended: () => {
      const made = ready()
      made.channel.handle({ type: 'give-up', error: lost }, at(3))
      outputs(made.channel)
      return made
    },
  }
  const events: Record<string, (agent: ScriptedAgent) => CommonInput> = {
    'transport-up': () => ({ type: 'transport-up' }),
    'transport-down': () => ({ type: 'transport-down' }),
    'key-ready': () => ({ type: 'key-ready', epoch: 1, key }),
    'key-failed': () => ({ type: 'key-failed', epoch: 1, error: lost }),
    tick: () => ({ type: 'tick' }),
    request: (agent) => ({ type: 'frame', bytes: agent.request([sessionType('Standard_Stream')]) }),
    complete: (agent) => ({ type: 'frame', bytes: agent.complete() }),
    challenge: (agent) => ({ type: 'frame', bytes: agent.say(8, utf8('{"Challenge":"AAAA"}')) }),
    output: (agent) => ({ type: 'frame', bytes: agent.output(utf8('x')) }),
    flag: (agent) => ({ type: 'frame', bytes: agent.flag(3) }),
    acknowledgement: (agent) => ({ type: 'frame', bytes: agent.acknowledge(0) }),
    channel_closed: (agent) => ({ type: 'frame', bytes: agent.closed('bye') }),
    pause: (agent) => ({ type: 'frame', bytes: agent.message('pause_publication', 0, new Uint8Array(0)) }),
    'no message': () => ({ type: 'frame', bytes: new Uint8Array(7) }),
    close: () => ({ type: 'close' }),
    'give-up': () => ({ type: 'give-up', error: lost }),
  }
  /** What ends a session, where it is not `ended` already: with what. */
  const endings: Record<string, Record<string, string>> = {
    new: { close: 'closed', 'give-up': 'failed' },
    up: { channel_closed: 'far-end', close: 'closed', 'give-up': 'failed' },
    'asking for a key': { output: 'failed', channel_closed: 'far-end', close: 'closed', 'give-up': 'failed' },
    responded: { output: 'failed', channel_closed: 'far-end', close: 'closed', 'give-up': 'failed' },
    ready: { channel_closed: 'far-end', 'give-up': 'failed' },
    down: { close: 'closed', 'give-up': 'failed' },
    closing: { 'transport-down': 'closed', channel_closed: 'far-end', 'give-up': 'failed' },
    ended: {},
  }

  for (const [state, make] of Object.entries(states)) {
    for (const [name, event] of Object.entries(events)) {
      const ending = endings[state]?.[name]
      it(`${state}, ${name}: ${ending === undefined ? 'goes on' : `ends, ${ending}`}`, () => {
        const { channel, agent } = make()
        channel.handle(event(agent), at(10))
        assert.deepEqual(
          ends(channel).map(({ end }) => end.how),
          ending === undefined ? [] : [ending],
        )
        if (ending === undefined && state !== 'ended') return
        // The end is the last: nothing is said, sent or waited for after it.
        for (const later of Object.values(events)) channel.handle(later(agent), at(20))
        assert.deepEqual(
          [outputs(channel), messages(channel, at(20)), channel.deadline()],
          [[], [], undefined],
        )
      })
    }
  }
})

describe('the trace', { timeout: 5_000 }, () => {
  it('tells what passed without a byte of it', () => {
    const records: TraceRecord[] = []
    const { channel, agent } = up('terminal', (record) => records.push(record))
    const secret = 'hunter2-hunter2'
    feed(channel, at(1), agent.output(utf8(secret)), new Uint8Array(200).fill(0x68))
    channel.transmit(utf8(secret), at(2))
    channel.handle({ type: 'tick' }, at(300))
    messages(channel, at(300))
    assert.deepEqual([...new Set(records.map(({ what }) => what))].sort(), [
      'ignored',
      'received',
      'sent',
      'sent-again',
      'state',
      'window',
    ])
    const written = JSON.stringify(records)
    assert.equal(written.includes(secret) || written.includes('hhhh'), false)
  })
})
