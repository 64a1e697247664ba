import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { utf8 } from '#core/ssm/bytes.ts'
import { PAYLOAD_OUTPUT } from '#core/ssm/constants.ts'
import { HELD_HIGH, type TerminalOutput } from '#core/ssm/machine.ts'
import { INPUT_HIGH, TerminalSession } from '#core/ssm/terminal-session.ts'
import { seededBytes } from '../../support/random.ts'
import {
  acknowledgeAll,
  at,
  feed,
  messages,
  outputs,
  ScriptedAgent,
  sessionType,
  streamMessages,
} from '../../support/scripted-agent.ts'

const size = { columns: 80, rows: 24 }

function shell(initial?: typeof size) {
  const session = new TerminalSession({
    sessionId: 's',
    targetId: 'i',
    random: seededBytes(1),
    ...(initial === undefined ? {} : { size: initial }),
  })
  const agent = new ScriptedAgent()
  session.handle({ type: 'transport-up' }, at(0))
  feed(session, at(1), agent.output(utf8('$ ')))
  return { session, agent }
}

function ready() {
  const made = shell()
  acknowledgeAll(made.session, made.agent, at(1))
  outputs(made.session)
  return made
}

const utf8Text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
const input = (bytes: Uint8Array) => ({ type: 'input', bytes }) as const
const payloads = (session: TerminalSession, now: number) =>
  streamMessages(session, at(now)).map(({ payloadType, payload }) => [
    payloadType,
    Buffer.from(payload).toString(),
  ])

it('a shell whose agent is deaf says so, and is given up', { timeout: 5_000 }, () => {
  const { session, agent } = ready()
  session.handle(input(utf8('x')), at(5))
  const said: unknown[] = []
  for (let now = 5; now < 600_000; now = session.deadline() ?? 600_000) {
    session.handle({ type: 'tick' }, at(now))
    messages(session, at(now))
    if (said.length === 1) feed(session, at(now), agent.output(utf8('it speaks, and hears nothing')))
    for (const output of outputs(session)) if (output.type !== 'output') said.push(output)
  }
  const [warning, ended] = said as [TerminalOutput, TerminalOutput]
  assert.ok(warning.type === 'warning' && warning.warning.code === 'unresponsive')
  assert.ok(ended.type === 'ended' && ended.end.how === 'failed')
  assert.ok(isPgctlError(ended.end.error, 'session-lost'))
})

it('input in bulk goes in ever larger messages, by probes that say the size again', {
  timeout: 10_000,
}, () => {
  const session = new TerminalSession({
    ...{ sessionId: 's', targetId: 'i', random: seededBytes(1), bulkInput: true },
  })
  const agent = new ScriptedAgent()
  session.handle({ type: 'transport-up' }, at(0))
  feed(session, at(1), agent.output(utf8('ready\n')))
  acknowledgeAll(session, agent, at(1))
  const typed = seededBytes(7)(4 * 1024 * 1024)
  session.handle(input(typed), at(5))
  const arrived: Uint8Array[] = []
  const probes: string[] = []
  for (let now = 6; ; now++) {
    const sent = acknowledgeAll(session, agent, at(now))
    if (sent.length === 0) break
    for (const { payloadType, payload } of sent)
      if (payloadType === PAYLOAD_OUTPUT) arrived.push(payload)
      else probes.push(utf8Text(payload))
  }
  assert.equal(Buffer.compare(Buffer.concat(arrived), typed), 0)
  assert.equal(session.stats().messageBytes, 32_768)
  assert.deepEqual(
    probes.map((text) => [text.length, text.trim()]),
    [2_048, 4_096, 8_192, 16_384, 32_768].map((length) => [length, '{"cols":80,"rows":24}']),
  )
})

describe('what is typed', { timeout: 10_000 }, () => {
  for (const length of [1, 1_023, 1_024, 1_025, 2_048, 2_049, 5_000]) {
    it(`${length} bytes go in pieces of at most 1,024, whole and in order`, () => {
      const { session, agent } = ready()
      const typed = seededBytes(length)(length)
      for (let at_ = 0; at_ < length; at_ += 700) session.handle(input(typed.subarray(at_, at_ + 700)), at(5))
      const sent = acknowledgeAll(session, agent, at(5))
      assert.equal(sent.length, Math.ceil(length / 1_024))
      assert.equal(Buffer.compare(Buffer.concat(sent.map(({ payload }) => payload)), typed), 0)
    })
  }

  for (const typed of ['\n', '\r', '\x03', '\x1a', '\x1c', 'ü']) {
    it(`${JSON.stringify(typed)} travels as it is`, () => {
      const { session } = ready()
      session.handle(input(utf8(typed)), at(5))
      assert.deepEqual(payloads(session, 5), [[1, typed]])
    })
  }

  it('stops its source at 64 KiB, and lets it go on', () => {
    const { session, agent } = ready()
    session.handle(input(new Uint8Array(INPUT_HIGH - 1)), at(5))
    assert.deepEqual(outputs(session), [])
    session.handle(input(new Uint8Array(1)), at(5))
    session.handle(input(new Uint8Array(1)), at(5))
    assert.deepEqual(outputs(session), [{ type: 'input-full' }])
    acknowledgeAll(session, agent, at(6))
    assert.deepEqual(outputs(session), [{ type: 'input-writable' }])
  })

  it('waits for the session, and for its handshake if there is one', () => {
    const session = new TerminalSession({ sessionId: 's', targetId: 'i', random: seededBytes(1) })
    const agent = new ScriptedAgent()
    session.handle({ type: 'transport-up' }, at(0))
    session.handle(input(utf8('ls\r')), at(0))
    feed(session, at(1), agent.request([sessionType('InteractiveCommands')]))
    assert.deepEqual(
      acknowledgeAll(session, agent, at(1)).map(({ payloadType }) => payloadType),
      [6],
    )
    feed(session, at(2), agent.complete())
    assert.deepEqual(payloads(session, 2), [[1, 'ls\r']])
  })
})

describe('the size', { timeout: 5_000 }, () => {
  it('is told before anything that is typed', () => {
    const { session } = shell(size)
    session.handle(input(utf8('x')), at(1))
    assert.deepEqual(payloads(session, 1), [
      [3, '{"cols":80,"rows":24}'],
      [1, 'x'],
    ])
  })

  it('is told once for many changes that were not sent yet', () => {
    const { session } = shell(size)
    session.handle({ type: 'transport-down' }, at(2))
    for (let columns = 1; columns <= 500; columns++) {
      session.handle({ type: 'resize', size: { columns, rows: 10 } }, at(3))
    }
    session.handle({ type: 'transport-up' }, at(4))
    assert.deepEqual(payloads(session, 4), [[3, '{"cols":500,"rows":10}']])
  })

  it('is not told by a command without a terminal', () => {
    const { session } = shell()
    assert.deepEqual(payloads(session, 1), [])
  })

  it('is told again when a handshake came late', () => {
    const { session, agent } = shell(size)
    acknowledgeAll(session, agent, at(1))
    feed(session, at(2), agent.request([sessionType('Standard_Stream')]))
    acknowledgeAll(session, agent, at(2))
    feed(session, at(3), agent.complete())
    assert.deepEqual(payloads(session, 3), [[3, '{"cols":80,"rows":24}']])
  })
})

describe('what comes back', { timeout: 10_000 }, () => {
  it('is told apart by stream, with the exit status', () => {
    const { session, agent } = ready()
    feed(
      session,
      at(5),
      agent.say(11, utf8('err')),
      agent.output(utf8('out')),
      agent.output(new Uint8Array(0)),
    )
    feed(session, at(5), agent.say(12, utf8('EXIT_CODE: 7')))
    assert.deepEqual(
      outputs(session).map((output) =>
        output.type === 'output' ? [output.stream, Buffer.from(output.bytes).toString()] : output,
      ),
      [['stderr', 'err'], ['stdout', 'out'], { type: 'exit', status: 7 }],
    )
  })

  it('an exit status that cannot be read is a failure, never a success', () => {
    const { session, agent } = ready()
    feed(session, at(5), agent.say(12, utf8('EXIT_CODE: fine')))
    const [ended] = outputs(session)
    assert.ok(ended?.type === 'ended' && ended.end.how === 'failed')
    assert.ok(isPgctlError(ended.end.error, 'protocol-violation'))
  })

  it('stops the reading of the WebSocket when nobody takes it, and starts it again', () => {
    const { session, agent } = ready()
    const piece = new Uint8Array(1024 * 1024)
    const said = () => outputs(session).flatMap((output) => (output.type === 'output' ? [] : [output.type]))
    // Two bytes of the prompt are held already.
    for (let i = 0; i < HELD_HIGH / piece.length; i++) {
      feed(session, at(5), agent.output(piece))
      messages(session, at(5))
    }
    assert.deepEqual(said(), ['reading-paused'])
    session.handle({ type: 'transport-down' }, at(6))
    session.handle({ type: 'transport-up' }, at(7))
    assert.deepEqual(said(), ['reading-paused'])
    session.handle({ type: 'output-consumed', length: session.stats().heldBytes }, at(8))
    assert.deepEqual(said(), ['reading-resumed'])
  })

  it('ends with the words of the service', () => {
    const { session, agent } = ready()
    feed(session, at(5), agent.closed('Session timed out.'))
    assert.deepEqual(outputs(session), [
      { type: 'ended', end: { how: 'far-end', output: 'Session timed out.' } },
    ])
  })
})

describe('after the end', { timeout: 5_000 }, () => {
  it('nothing is taken, told or sent', () => {
    const { session, agent } = ready()
    const error = new PgctlError('session-lost', 'gone')
    session.handle({ type: 'give-up', error }, at(5))
    assert.deepEqual(outputs(session), [{ type: 'ended', end: { how: 'failed', error } }])
    for (const event of [
      input(new Uint8Array(INPUT_HIGH)),
      { type: 'resize', size } as const,
      { type: 'output-consumed', length: 5 } as const,
      { type: 'transport-up' } as const,
      { type: 'close' } as const,
      { type: 'give-up', error } as const,
      { type: 'tick' } as const,
      { type: 'frame', bytes: agent.output(utf8('late')) } as const,
    ]) {
      session.handle(event, at(6))
    }
    assert.deepEqual([outputs(session), messages(session, at(6)), session.deadline()], [[], [], undefined])
    assert.equal(session.stats().unsentBytes, 0)
  })
})
