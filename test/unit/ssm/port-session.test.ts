import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { utf8 } from '#core/ssm/bytes.ts'
import { HELD_FIN_QUIET, HELD_HIGH, HELD_LOW, type PortInput, type PortOutput } from '#core/ssm/machine.ts'
import type { Message } from '#core/ssm/message.ts'
import { KEEP_ALIVE_EVERY, PortSession, type PortSessionOptions } from '#core/ssm/port-session.ts'
import { UNSENT_HIGH } from '#core/ssm/port-streams.ts'
import {
  encodeFrame,
  SMUX_FIN,
  SMUX_NOP,
  SMUX_PSH,
  SMUX_SYN,
  SmuxFrameDecoder,
} from '#core/ssm/smux/frame.ts'
import { seededBytes } from '../../support/random.ts'
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

const MULTIPLEXED = { portNumber: '80', type: 'LocalPortForwarding' }
const lost = new PgctlError('session-lost', 'gone')

interface Opened {
  readonly session: PortSession
  readonly agent: ScriptedAgent
}

function opened(
  properties: Record<string, string> = MULTIPLEXED,
  options: Partial<PortSessionOptions> = {},
  agentVersion = '3.3.0.0',
): Opened {
  const session = new PortSession({ sessionId: 's', targetId: 'i', random: seededBytes(1), ...options })
  const agent = new ScriptedAgent()
  session.handle({ type: 'transport-up' }, at(0))
  feed(session, at(1), agent.request([sessionType('Port', properties)], agentVersion))
  acknowledgeAll(session, agent, at(1))
  feed(session, at(2), agent.complete())
  messages(session, at(2))
  outputs(session)
  return { session, agent }
}

const single = (options: Partial<PortSessionOptions> = {}) => opened({ portNumber: '22' }, options)

function does(session: PortSession, now: number, ...inputs: PortInput[]): void {
  for (const input of inputs) session.handle(input, at(now))
}

const open = (connection: number) => ({ type: 'open', connection }) as const
const end = (connection: number) => ({ type: 'end', connection }) as const
const abort = (connection: number) => ({ type: 'abort', connection }) as const
const write = (connection: number, bytes: Uint8Array) => ({ type: 'write', connection, bytes }) as const
const consumed = (connection: number, length: number) => ({ type: 'consumed', connection, length }) as const
const psh = (stream: number, bytes: Uint8Array) => encodeFrame(SMUX_PSH, stream, bytes)
const fin = (stream: number) => encodeFrame(SMUX_FIN, stream)

const nameOf = (output: PortOutput) => (output.type === 'warning' ? output.warning.code : output.type)

/** The smux frames among what a session sends now, as [command, stream, data bytes]. */
function framesSent({ session, agent }: Opened, now: number): [number, number, number][] {
  const decoder = new SmuxFrameDecoder()
  const frames: [number, number, number][] = []
  for (const { payloadType, payload } of acknowledgeAll(session, agent, at(now))) {
    if (payloadType !== 1) continue
    decoder.push(payload)
    while (decoder.next() === 'frame') frames.push([decoder.command, decoder.streamId, decoder.data.length])
  }
  return frames
}

const flagsSent = ({ session, agent }: Opened, now: number) =>
  acknowledgeAll(session, agent, at(now))
    .filter(({ payloadType }) => payloadType === 10)
    .map(({ payload }) => payload[3])

const endsOf = (all: readonly PortOutput[]) =>
  all.flatMap((output) => (output.type === 'connection-ended' ? [[output.connection, output.end.cause]] : []))

describe('before the handshake', { timeout: 5_000 }, () => {
  function fresh(): Opened {
    const session = new PortSession({ sessionId: 's', targetId: 'i', random: seededBytes(1) })
    session.handle({ type: 'transport-up' }, at(0))
    return { session, agent: new ScriptedAgent() }
  }

  function shakeHands({ session, agent }: Opened): void {
    feed(session, at(5), agent.request([sessionType('Port', MULTIPLEXED)]))
    acknowledgeAll(session, agent, at(5))
    feed(session, at(6), agent.complete())
  }

  it('connections wait, and what was written is sent after it', () => {
    const made = fresh()
    does(made.session, 1, open(1), write(1, utf8('hello')), open(2), abort(2))
    assert.deepEqual(streamMessages(made.session, at(1)), [])
    shakeHands(made)
    assert.deepEqual(
      outputs(made.session).map(({ type }) => type),
      ['full', 'full', 'ready', 'writable'],
    )
    assert.deepEqual(framesSent(made, 7), [
      [SMUX_SYN, 3, 0],
      [SMUX_PSH, 3, 5],
    ])
  })

  it('they end with the session, but for those that are gone', () => {
    const { session } = fresh()
    does(session, 1, open(1), open(2), abort(2), { type: 'give-up', error: lost })
    assert.deepEqual(endsOf(outputs(session)), [[1, 'session']])
  })

  it('a session that the agent never begins ends in time', () => {
    const { session } = fresh()
    does(session, 20_000, { type: 'tick' })
    const last = outputs(session).at(-1)
    assert.ok(
      last?.type === 'ended' && last.end.how === 'failed' && isPgctlError(last.end.error, 'handshake-failed'),
    )
  })
})

describe('many connections', { timeout: 10_000 }, () => {
  it('share the session by turns: a small request is not stuck behind a bulk upload', () => {
    const made = opened()
    does(made.session, 3, open(1), open(2))
    does(made.session, 3, write(1, new Uint8Array(200_000)))
    framesBefore(made)
    does(made.session, 4, write(2, utf8('GET /')))
    const firstFrames = framesSent(made, 4)
    const place = firstFrames.findIndex(([command, stream]) => command === SMUX_PSH && stream === 5)
    assert.ok(place >= 0 && place <= 2, `the request went out as number ${place}`)
  })

  /** Takes a window's worth without acknowledging it; then acknowledges, so that the rest can follow. */
  function framesBefore({ session, agent }: Opened): void {
    for (const { sequence } of streamMessages(session, at(3)))
      feed(session, at(3), agent.acknowledge(sequence))
  }

  it('go in messages of at most 1,024 bytes at first, 16 in flight', () => {
    const { session } = opened()
    does(session, 3, open(1), write(1, new Uint8Array(100_000)))
    const sent = streamMessages(session, at(3))
    assert.deepEqual([sent.length, Math.max(...sent.map(({ payload }) => payload.length))], [16, 1_024])
  })

  /** Writes and sends until the window is full. */
  function sendWindow(session: PortSession, now: number): Message[] {
    const sent: Message[] = []
    for (let more = -1; more !== sent.length; ) {
      more = sent.length
      while (session.stats().unsentBytes < UNSENT_HIGH) does(session, now, write(1, new Uint8Array(65_536)))
      sent.push(...streamMessages(session, at(now)))
      outputs(session)
    }
    return sent
  }

  it('grow to 32 KiB messages while acknowledgements are healthy, by probes that mean nothing', () => {
    const made = opened()
    does(made.session, 3, open(1))
    let probed = 0
    let received = 0
    const decoder = new SmuxFrameDecoder()
    for (let round = 4; round < 100; round++) {
      const sent = sendWindow(made.session, round)
      for (const { sequence, payload } of sent) {
        decoder.push(payload)
        while (decoder.next() === 'frame') {
          received += decoder.data.length
          if (decoder.command === SMUX_NOP) probed++
        }
        feed(made.session, at(round + 1), made.agent.acknowledge(sequence))
      }
    }
    const { messageBytes, window, retransmissions } = made.session.stats()
    assert.deepEqual([messageBytes, window, retransmissions], [32_768, 64, 0])
    assert.equal(probed, (2_048 + 4_096 + 8_192 + 16_384 + 32_768) / 8)
    assert.ok(received > 1_000_000)
  })

  it('stop a writer that the agent does not keep up with, and let it go on', () => {
    const made = opened()
    does(made.session, 3, open(1), write(1, new Uint8Array(UNSENT_HIGH - 1)))
    assert.deepEqual(outputs(made.session), [])
    does(made.session, 3, write(1, new Uint8Array(1)), write(1, new Uint8Array(1)))
    assert.deepEqual(outputs(made.session), [{ type: 'full', connection: 1 }])
    acknowledgeAll(made.session, made.agent, at(4))
    assert.deepEqual(outputs(made.session), [{ type: 'writable', connection: 1 }])
    assert.equal(made.session.stats().unsentBytes, 0)
  })

  it('end each on its own', () => {
    const made = opened()
    does(made.session, 3, open(1), open(2))
    framesSent(made, 3)
    feed(
      made.session,
      at(4),
      made.agent.output(Buffer.concat([psh(3, utf8('x')), fin(3), psh(5, utf8('y'))])),
    )
    const all = outputs(made.session)
    assert.deepEqual(
      all.map((output) => [output.type, 'connection' in output ? output.connection : 0]),
      [
        ['data', 1],
        ['connection-ended', 1],
        ['data', 2],
      ],
    )
    does(made.session, 5, consumed(1, 1), write(1, utf8('late')), end(1), abort(1))
    assert.deepEqual(framesSent(made, 5), [[SMUX_FIN, 3, 0]])
  })

  it('know which of them was refused: not the one that was answered', () => {
    const made = opened()
    does(made.session, 3, open(1), open(2))
    framesSent(made, 3)
    feed(made.session, at(4), made.agent.output(psh(3, utf8('answer'))), made.agent.flag(3))
    feed(made.session, at(5), made.agent.output(Buffer.concat([fin(3), fin(5)])))
    assert.deepEqual(endsOf(outputs(made.session)), [
      [1, 'far-end'],
      [2, 'refused'],
    ])
  })

  it('do not take the refusal of one that was given up for their own', () => {
    const made = opened()
    does(made.session, 3, open(1), open(2))
    framesSent(made, 3)
    does(made.session, 4, abort(1))
    feed(made.session, at(5), made.agent.flag(3), made.agent.output(fin(3)))
    feed(made.session, at(60_000), made.agent.output(fin(5)))
    assert.deepEqual(endsOf(outputs(made.session)), [[2, 'far-end']])
  })

  it('all end when the agent’s bytes are no smux', () => {
    const made = opened()
    does(made.session, 3, open(1))
    feed(made.session, at(4), made.agent.output(utf8('HTTP/1.1 200 OK')))
    const all = outputs(made.session)
    assert.deepEqual(endsOf(all), [[1, 'session']])
    const last = all.at(-1)
    assert.ok(last?.type === 'ended' && last.end.how === 'failed')
    assert.ok(isPgctlError(last.end.error, 'protocol-violation'))
    assert.deepEqual([messages(made.session, at(5)), made.session.deadline()], [[], undefined])
  })

  it('a flag of a wrong length ends the session with a typed error', () => {
    const made = opened()
    feed(made.session, at(4), made.agent.say(10, Uint8Array.of(1)))
    const last = outputs(made.session).at(-1)
    assert.ok(last?.type === 'ended' && last.end.how === 'failed')
  })
})

describe('a reader that stalls', { timeout: 20_000 }, () => {
  const piece = new Uint8Array(60_000)
  const pieces = Math.ceil(HELD_HIGH / piece.length)

  /** One connection that reads nothing while the far end sends `count` pieces; what the session said, without data. */
  function stall({ session, agent }: Opened, count: number): string[] {
    const said: string[] = []
    for (let i = 0; i < count; i++) {
      feed(session, at(10), agent.output(psh(3, piece)))
      for (const output of outputs(session)) if (output.type !== 'data') said.push(nameOf(output))
      messages(session, at(10))
    }
    return said
  }

  it('slows nobody below the bound, and is never reset', () => {
    const made = opened()
    does(made.session, 3, open(1), open(2))
    assert.deepEqual(stall(made, pieces - 1), [])
    feed(made.session, at(11), made.agent.output(psh(5, utf8('quick'))))
    assert.deepEqual(
      outputs(made.session).map((output) => output.type === 'data' && output.connection),
      [2],
    )
    assert.equal(acknowledged(made.session, at(11)).length, 1, 'acknowledgements do not wait for readers')
  })

  it('stops the reading of the WebSocket at the bound, until enough was taken', () => {
    const made = opened()
    does(made.session, 3, open(1))
    assert.deepEqual(stall(made, pieces), ['reading-paused', 'readers-behind'])
    assert.ok(made.session.stats().heldBytes <= HELD_HIGH + piece.length)
    const held = made.session.stats().heldBytes
    does(made.session, 12, consumed(1, held - HELD_LOW - 1))
    assert.deepEqual(outputs(made.session), [])
    does(made.session, 12, consumed(1, 1))
    assert.deepEqual(outputs(made.session), [{ type: 'reading-resumed' }])
  })

  it('is told of with the connection that holds most, once for as long as it is behind', () => {
    const made = opened()
    does(made.session, 3, open(1), open(2))
    feed(made.session, at(10), made.agent.output(psh(5, piece)))
    messages(made.session, at(10))
    outputs(made.session)
    for (let i = 1; i < pieces - 1; i++) {
      feed(made.session, at(10), made.agent.output(psh(3, piece)))
      messages(made.session, at(10))
    }
    outputs(made.session)
    feed(made.session, at(11), made.agent.output(psh(3, piece)))
    const held = (pieces - 1) * piece.length
    assert.deepEqual(outputs(made.session).slice(1), [
      { type: 'reading-paused' },
      { type: 'warning', warning: { code: 'readers-behind', connection: 1, held } },
    ])
    messages(made.session, at(11))

    // It reads on, and less than arrives: the WebSocket is read now and then, which is no news.
    for (let round = 0; round < 3; round++) {
      const take = Math.ceil((HELD_HIGH - HELD_LOW) / piece.length)
      does(made.session, 12, consumed(1, made.session.stats().heldBytes - HELD_LOW))
      assert.deepEqual(outputs(made.session), [{ type: 'reading-resumed' }])
      assert.deepEqual(stall(made, take), ['reading-paused'])
    }
    does(made.session, 13, consumed(1, made.session.stats().heldBytes - piece.length))
    assert.deepEqual(outputs(made.session).map(nameOf), ['reading-resumed', 'readers-caught-up'])
    does(made.session, 13, consumed(2, piece.length))
    assert.deepEqual(stall(made, pieces), ['reading-paused', 'readers-behind'], 'another stretch')
  })

  it('leaves an agent that cannot be heard meanwhile alone', () => {
    const made = opened()
    does(made.session, 3, open(1), open(2))
    stall(made, pieces)
    does(made.session, 12, write(2, utf8('x')))
    for (let now = 12; now < 4_000_000; now = made.session.deadline() ?? 4_000_000) {
      does(made.session, now, { type: 'tick' })
      messages(made.session, at(now))
      assert.deepEqual(outputs(made.session), [])
    }
  })

  it('keeps a new WebSocket from being read', () => {
    const made = opened()
    does(made.session, 3, open(1))
    stall(made, pieces)
    does(made.session, 20, { type: 'transport-down' }, { type: 'transport-up' })
    assert.deepEqual(outputs(made.session), [{ type: 'reading-paused' }])
  })

  it('frees what it held when it is given up', () => {
    const made = opened()
    does(made.session, 3, open(1))
    stall(made, pieces)
    does(made.session, 12, abort(1))
    assert.deepEqual(outputs(made.session).map(nameOf), ['reading-resumed', 'readers-caught-up'])
    assert.equal(made.session.stats().heldBytes, 0)
  })
})

describe('a local half-close', { timeout: 5_000 }, () => {
  function halfClosed(options: Partial<PortSessionOptions> = {}): Opened {
    const made = opened(MULTIPLEXED, options)
    does(made.session, 3, open(1), write(1, utf8('request')), end(1))
    return made
  }

  it('is held back, so that the answer comes whole', () => {
    const made = halfClosed()
    assert.deepEqual(framesSent(made, 3), [
      [SMUX_SYN, 3, 0],
      [SMUX_PSH, 3, 7],
    ])
    feed(made.session, at(50), made.agent.output(psh(3, utf8('answer'))), made.agent.output(fin(3)))
    assert.deepEqual(
      outputs(made.session).map(({ type }) => type),
      ['data', 'connection-ended'],
    )
    assert.equal(made.session.deadline(), undefined)
  })

  it('is sent after 30 s without a byte from the far side, with a warning', () => {
    const made = halfClosed()
    framesSent(made, 3)
    assert.equal(made.session.deadline(), 3 + HELD_FIN_QUIET)
    does(made.session, 2 + HELD_FIN_QUIET, { type: 'tick' })
    assert.deepEqual(outputs(made.session), [])
    does(made.session, 3 + HELD_FIN_QUIET, { type: 'tick' })
    assert.deepEqual(outputs(made.session), [
      { type: 'warning', warning: { code: 'half-close-forced', connection: 1 } },
    ])
    assert.deepEqual(framesSent(made, 4 + HELD_FIN_QUIET), [[SMUX_FIN, 3, 0]])
  })

  it('behind an answer waits for 30 s of silence, too, and is then sent without a word', () => {
    const made = halfClosed()
    framesSent(made, 3)
    feed(made.session, at(1_000), made.agent.output(psh(3, utf8('answer'))))
    outputs(made.session)
    assert.equal(made.session.deadline(), 1_000 + HELD_FIN_QUIET)
    does(made.session, 999 + HELD_FIN_QUIET, { type: 'tick' })
    assert.deepEqual(framesSent(made, 999 + HELD_FIN_QUIET), [])
    does(made.session, 1_000 + HELD_FIN_QUIET, { type: 'tick' })
    assert.deepEqual(
      outputs(made.session),
      [],
      'an idle HTTP connection that its client closes is nothing to tell',
    )
    assert.deepEqual(framesSent(made, 1_001 + HELD_FIN_QUIET), [[SMUX_FIN, 3, 0]])
  })

  it('ends the connection when the agent does not even answer the FIN', () => {
    const made = halfClosed()
    does(made.session, 3 + HELD_FIN_QUIET, { type: 'tick' })
    outputs(made.session)
    does(made.session, 3 + 2 * HELD_FIN_QUIET, { type: 'tick' })
    assert.deepEqual(endsOf(outputs(made.session)), [[1, 'far-end']])
    assert.equal(made.session.stats().heldBytes, 0)
  })

  it('is not forced by an outage: silence is counted from the next WebSocket', () => {
    const made = halfClosed()
    framesSent(made, 3)
    does(made.session, 10, { type: 'transport-down' })
    does(made.session, 100_000, { type: 'tick' }, { type: 'transport-up' }, { type: 'tick' })
    assert.deepEqual(outputs(made.session), [])
    assert.equal(made.session.deadline(), 100_000 + HELD_FIN_QUIET)
  })

  it('is sent at once where that is wanted', () => {
    const made = halfClosed({ halfClose: true })
    assert.deepEqual(framesSent(made, 3).at(-1), [SMUX_FIN, 3, 0])
  })

  it('is not held for one that is given up', () => {
    const made = halfClosed()
    does(made.session, 4, abort(1))
    assert.deepEqual(framesSent(made, 4), [], 'the far side never heard of it')
    assert.equal(made.session.deadline(), undefined)
  })
})

describe('one connection at a time', { timeout: 5_000 }, () => {
  it('is what other types and older agents get', () => {
    assert.deepEqual(framesOfFirstWrite(single()), 'raw')
    assert.deepEqual(framesOfFirstWrite(opened(MULTIPLEXED, {}, '3.0.195.0')), 'raw')
  })

  function framesOfFirstWrite({ session }: Opened): string {
    does(session, 3, open(1), write(1, utf8('raw')))
    return Buffer.from(streamMessages(session, at(3))[0]?.payload ?? []).toString()
  }

  it('carries bytes both ways and counts them', () => {
    const { session, agent } = single()
    does(session, 3, open(1))
    feed(session, at(4), agent.output(utf8('SSH-2.0')))
    const [data] = outputs(session)
    assert.ok(data?.type === 'data' && Buffer.from(data.bytes).toString() === 'SSH-2.0')
    assert.equal(session.stats().heldBytes, 7)
    does(session, 5, consumed(1, 7))
    assert.equal(session.stats().heldBytes, 0)
  })

  it('refuses a second connection with a reason, and leaves the first alone', () => {
    const { session } = single()
    does(session, 3, open(1), open(2))
    const [ended] = outputs(session)
    assert.ok(ended?.type === 'connection-ended' && ended.connection === 2 && ended.end.cause === 'session')
    assert.ok(isPgctlError(ended.end.error, 'not-supported'))
    does(session, 4, write(1, utf8('x')))
    assert.equal(streamMessages(session, at(4)).length, 1)
  })

  it('tells the agent that it is gone, and the next one begins anew', () => {
    const made = single()
    does(made.session, 3, open(1), write(1, utf8('dropped')), abort(1))
    assert.deepEqual(flagsSent(made, 3), [1])
    feed(made.session, at(4), made.agent.output(utf8('for nobody')))
    assert.deepEqual(outputs(made.session), [])
    does(made.session, 5, open(2), write(2, utf8('anew')))
    assert.equal(streamMessages(made.session, at(5)).length, 1)
  })

  it('holds a half-close back, and forces it after what was written', () => {
    const made = single()
    does(made.session, 3, open(1), write(1, new Uint8Array(5_000)), end(1))
    assert.deepEqual(flagsSent(made, 3), [])
    does(made.session, 3 + HELD_FIN_QUIET, { type: 'tick' })
    assert.deepEqual(
      outputs(made.session).map(({ type }) => type),
      ['warning', 'connection-ended'],
    )
    assert.deepEqual(flagsSent(made, 4 + HELD_FIN_QUIET), [1])
  })

  it('sends all data before the flag of a half-close that is wanted at once', () => {
    const made = single({ halfClose: true })
    does(made.session, 3, open(1), write(1, new Uint8Array(40_000)), end(1))
    const sent = acknowledgeAll(made.session, made.agent, at(3))
    assert.equal(sent.at(-1)?.payloadType, 10)
    assert.equal(
      sent.slice(0, -1).reduce((sum, { payload }) => sum + payload.length, 0),
      40_000,
    )
  })

  it('is refused by the flag, and ended by the far end with its session', () => {
    const refused = single()
    does(refused.session, 3, open(1))
    feed(refused.session, at(4), refused.agent.flag(3))
    assert.deepEqual(endsOf(outputs(refused.session)), [[1, 'refused']])
    const closed = single()
    does(closed.session, 3, open(1))
    feed(closed.session, at(4), closed.agent.closed(''))
    assert.deepEqual(endsOf(outputs(closed.session)), [[1, 'far-end']])
  })

  it('stops and restarts its writer', () => {
    const made = single()
    does(made.session, 3, open(1), write(1, new Uint8Array(UNSENT_HIGH)))
    assert.deepEqual(outputs(made.session), [{ type: 'full', connection: 1 }])
    acknowledgeAll(made.session, made.agent, at(4))
    assert.deepEqual(outputs(made.session), [{ type: 'writable', connection: 1 }])
  })
})

describe('the end of a session', { timeout: 5_000 }, () => {
  const endings: { name: string; cause: (made: Opened) => void; how: string; error: boolean }[] = [
    {
      name: 'give-up',
      cause: ({ session }) => does(session, 5, { type: 'give-up', error: lost }),
      how: 'failed',
      error: true,
    },
    {
      name: 'channel_closed',
      cause: ({ session, agent }) => feed(session, at(5), agent.closed('Session timed out.')),
      how: 'far-end',
      error: true,
    },
    {
      name: 'close without a WebSocket',
      cause: ({ session }) => does(session, 5, { type: 'transport-down' }, { type: 'close' }),
      how: 'closed',
      error: false,
    },
  ]
  for (const { name, cause, how, error } of endings) {
    it(`${name}: every connection is told, once, and nothing follows`, () => {
      const made = opened()
      does(made.session, 3, open(1), open(2), end(2))
      cause(made)
      const all = outputs(made.session)
      assert.deepEqual(endsOf(all), [
        [1, 'session'],
        [2, 'session'],
      ])
      for (const output of all) {
        if (output.type !== 'connection-ended') continue
        assert.ok(output.end.cause === 'session' && (output.end.error !== undefined) === error)
      }
      const last = all.at(-1)
      assert.ok(last?.type === 'ended' && last.end.how === how)
      does(made.session, 6, open(3), write(1, utf8('x')), consumed(1, 0), end(1), abort(1), { type: 'tick' })
      does(made.session, 6, { type: 'transport-up' }, { type: 'close' })
      assert.deepEqual([outputs(made.session), messages(made.session, at(6))], [[], []])
      assert.equal(made.session.deadline(), undefined)
    })
  }

  it('gives a frozen picture of itself', () => {
    const { session } = opened()
    assert.ok(Object.isFrozen(session.stats()))
  })
})

describe('an agent that wants to hear something', { timeout: 5_000 }, () => {
  it('hears a NOP every 10 s, which is no activity of a user', () => {
    const made = opened(MULTIPLEXED, {}, '3.1.1000.0')
    for (const round of [1, 2, 3]) {
      const now = made.session.deadline() as number
      assert.equal(now, 2 + round * KEEP_ALIVE_EVERY)
      does(made.session, now, { type: 'tick' })
      assert.deepEqual(framesSent(made, now), [[SMUX_NOP, 0, 0]])
    }
    assert.equal(made.session.stats().lastActivity, undefined)
  })
})
