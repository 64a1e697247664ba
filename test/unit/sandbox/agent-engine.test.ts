import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Instant, RandomBytes } from '#core/clock.ts'
import { toBase64 } from '#core/ssm/bytes.ts'
import { SessionCipher } from '#core/ssm/cipher.ts'
import {
  PAYLOAD_CHALLENGE_REQUEST,
  PAYLOAD_CHALLENGE_RESPONSE,
  PAYLOAD_EXIT_CODE,
  PAYLOAD_FLAG,
  PAYLOAD_HANDSHAKE_COMPLETE,
  PAYLOAD_HANDSHAKE_REQUEST,
  PAYLOAD_HANDSHAKE_RESPONSE,
  PAYLOAD_OUTPUT,
  PAYLOAD_SIZE,
  PAYLOAD_STDERR,
} from '#core/ssm/constants.ts'
import { decodeMessage, encodeMessage, type Message } from '#core/ssm/message.ts'
import {
  decodeAcknowledgement,
  decodeChallenge,
  encodeAcknowledgement,
  encodeChallenge,
  encodeFlag,
  encodeHandshakeResponse,
  encodeSize,
} from '#core/ssm/payloads.ts'
import { encodeFrame, SMUX_FIN, SMUX_NOP, SMUX_PSH, SMUX_SYN } from '#core/ssm/smux/frame.ts'
import type { AgentEvent } from '#sandbox/agent/agent-event.ts'
import { AgentEngine } from '#sandbox/agent/engine.ts'
import type { SessionJob } from '#sandbox/agent/job.ts'
import { type SendRate, UNPACED_RATE, VENDOR_RATE } from '#sandbox/agent/sender.ts'
import type { UploadStall } from '#sandbox/agent/upload-stall.ts'
import { seededBytes } from '../../support/random.ts'
import { vectorBytes, vectorDataKey } from '../../support/session-vectors.ts'

const WALL = 1_795_000_000_000

const portJob: SessionJob = {
  sessionId: 'user-1',
  type: 'Port',
  properties: { type: 'LocalPortForwarding', portNumber: '19000', localPortNumber: '0' },
  kmsKeyId: undefined,
  shellProfile: '',
}
const rawJob: SessionJob = { ...portJob, properties: { portNumber: '19001' } }
const shellJob: SessionJob = {
  sessionId: 'user-2',
  type: 'Standard_Stream',
  properties: {},
  kmsKeyId: undefined,
  shellProfile: '',
}
const commandJob: SessionJob = {
  sessionId: 'user-3',
  type: 'NonInteractiveCommands',
  properties: { linux: { commands: 'x', separateOutputStream: true } },
  kmsKeyId: undefined,
  shellProfile: '',
}

/** An engine with a hand-turned clock and the client's end in the test's hands. */
class Bench {
  readonly engine: AgentEngine
  mono = 1_000
  #sequence = 0
  readonly #random: RandomBytes = seededBytes(1)

  constructor(job: SessionJob, rate: SendRate = UNPACED_RATE, stall?: UploadStall) {
    this.engine = new AgentEngine({ job, agentVersion: '3.3.0.0', random: this.#random, rate, stall })
  }

  get now(): Instant {
    return { mono: this.mono, wall: WALL + this.mono }
  }

  up(): Message[] {
    this.engine.up(this.now)
    return this.sent()
  }

  /** Everything that the engine sends now. */
  sent(): Message[] {
    const messages: Message[] = []
    this.engine.tick(this.now)
    for (
      let frame = this.engine.pollTransmit(this.now);
      frame !== undefined;
      frame = this.engine.pollTransmit(this.now)
    ) {
      messages.push(decodeMessage(frame))
    }
    return messages
  }

  /** What the engine sends in the next `ms`, polled when it asks to be. */
  sentWithin(ms: number): Message[] {
    const messages = this.sent()
    const end = this.mono + ms
    for (
      let deadline = this.engine.deadline();
      deadline !== undefined && deadline <= end;
      deadline = this.engine.deadline()
    ) {
      this.mono = Math.max(deadline, this.mono + 0.01)
      messages.push(...this.sent())
    }
    this.mono = end
    return [...messages, ...this.sent()]
  }

  events(): AgentEvent[] {
    const events: AgentEvent[] = []
    for (let event = this.engine.pollEvent(); event !== undefined; event = this.engine.pollEvent())
      events.push(event)
    return events
  }

  frame(payloadType: number, payload: Uint8Array, sequence: number): Uint8Array {
    return encodeMessage({
      type: 'input_stream_data',
      createdDate: WALL,
      sequence,
      flags: 0,
      messageId: this.#random(16).slice(),
      payloadType,
      payload,
    })
  }

  /** The client's next stream message. */
  send(payloadType: number, payload: Uint8Array): void {
    this.engine.receive(this.frame(payloadType, payload, this.#sequence++), this.now)
  }

  control(
    type: 'acknowledge' | 'pause_publication' | 'start_publication' | 'channel_closed',
    payload: Uint8Array,
  ): void {
    const messageId = this.#random(16).slice()
    this.engine.receive(
      encodeMessage({ type, createdDate: WALL, sequence: 0, flags: 3, messageId, payloadType: 0, payload }),
      this.now,
    )
  }

  acknowledge(message: Message): void {
    this.control(
      'acknowledge',
      encodeAcknowledgement('output_stream_data', message.messageId, message.sequence),
    )
  }

  respond(clientVersion = '1.2.650.0'): void {
    const actions = [{ name: 'SessionType', status: 1, error: '' }]
    this.send(PAYLOAD_HANDSHAKE_RESPONSE, encodeHandshakeResponse({ clientVersion, actions }))
  }

  /** Shakes hands, and leaves the handler to be said ready. */
  greet(clientVersion?: string): void {
    for (const message of this.up()) if (message.type === 'output_stream_data') this.acknowledge(message)
    this.respond(clientVersion)
    for (const message of this.sent()) if (message.type === 'output_stream_data') this.acknowledge(message)
    this.mono += 60
  }

  start(clientVersion?: string): void {
    this.greet(clientVersion)
    this.engine.ready(this.now)
    this.events()
  }
}

const named = (messages: readonly Message[]) =>
  messages.map((one) => (one.type === 'output_stream_data' ? `${one.sequence}:${one.payloadType}` : one.type))

const vector = (name: string): Message => decodeMessage(vectorBytes(name))

describe('agent engine', { timeout: 30_000 }, () => {
  describe('greeting', () => {
    it('says its state first, then asks as the vendor’s agent does, byte for byte', () => {
      const [state, request] = new Bench(portJob).up()
      assert.equal(state?.type, 'agent_session_state')
      assert.deepEqual([state?.flags, state?.sequence], [3, 0])
      const recorded = vector('handshake-request-port')
      assert.deepEqual(
        [request?.type, request?.sequence, request?.flags, request?.payloadType],
        [recorded.type, recorded.sequence, recorded.flags, recorded.payloadType],
      )
      assert.equal(text(request), text(recorded))
      assert.equal(text(new Bench(rawJob).up()[1]), text(vector('basic-port-handshake-request')))
    })

    it('starts a shell without one: the first Output has sequence 0 and SYN', () => {
      const bench = new Bench(shellJob)
      assert.deepEqual(named(bench.up()), ['agent_session_state'])
      assert.deepEqual(bench.events(), [{ type: 'start', multiplexed: false }])
      bench.engine.ready(bench.now)
      bench.engine.write(Buffer.from('$ '))
      const [prompt] = bench.sent()
      const recorded = vector('shell-output')
      assert.deepEqual(
        [prompt?.sequence, prompt?.flags, text(prompt)],
        [recorded.sequence, recorded.flags, text(recorded)],
      )
    })

    it('repeats an unanswered request about every 200 ms and gives up after 15 s', () => {
      const bench = new Bench(portJob)
      bench.up()
      const repeats = named(bench.sentWithin(2_000)).filter(
        (name) => name === `0:${PAYLOAD_HANDSHAKE_REQUEST}`,
      )
      assert.ok(repeats.length >= 6 && repeats.length <= 10, `${repeats.length} repeats in 2 s`)
      bench.sentWithin(12_900)
      assert.deepEqual(bench.events(), [])
      bench.sentWithin(200)
      assert.deepEqual(
        bench.events().map((event) => event.type),
        ['stop'],
      )
    })

    it('acknowledges the response, completes, and is quiet for 50 ms', () => {
      const bench = new Bench(portJob)
      bench.up()
      bench.respond()
      const [acknowledgement, complete, ...rest] = bench.sent()
      assert.equal(acknowledgement?.type, 'acknowledge')
      assert.equal(decodeAcknowledgement(acknowledgement.payload).sequence, 0)
      assert.deepEqual([complete?.sequence, complete?.payloadType], [1, PAYLOAD_HANDSHAKE_COMPLETE])
      assert.deepEqual(rest, [])
      assert.deepEqual(bench.events(), [{ type: 'start', multiplexed: true }])
      bench.engine.ready(bench.now)
      bench.send(PAYLOAD_OUTPUT, encodeFrame(SMUX_SYN, 3))
      bench.mono += 49
      assert.deepEqual(bench.sent(), [])
      bench.mono += 1
      assert.deepEqual(named(bench.sent())[0], 'acknowledge')
    })

    it('acknowledges data that comes before its end, and loses it', () => {
      const bench = new Bench(portJob)
      bench.up()
      bench.send(PAYLOAD_OUTPUT, encodeFrame(SMUX_SYN, 3))
      assert.deepEqual(named(bench.sent()), ['acknowledge'])
      bench.respond()
      bench.engine.ready(bench.now)
      assert.deepEqual(bench.events(), [{ type: 'start', multiplexed: true }])
    })

    it('fails the session when the client could not do what was asked', () => {
      const bench = new Bench({ ...commandJob, kmsKeyId: 'arn' })
      bench.up()
      const actions = [{ name: 'KMSEncryption', status: 2, error: 'AccessDenied' }]
      bench.send(PAYLOAD_HANDSHAKE_RESPONSE, encodeHandshakeResponse({ clientVersion: '1.2.650.0', actions }))
      const [event] = bench.events()
      assert.ok(event?.type === 'stop')
      assert.match(event.output, /KMSEncryption failed on client with status 2 error: AccessDenied/)
    })
  })

  describe('encryption', () => {
    function encrypted(job: SessionJob): { bench: Bench; client: SessionCipher } {
      const bench = new Bench({ ...job, kmsKeyId: 'arn:aws:kms:us-east-1:111122223333:key/k' })
      const [, request] = bench.up()
      assert.match(
        text(request),
        /"KMSEncryption","ActionParameters":\{"KMSKeyId":"arn[^"]+","Challenge":"[^"]{24}"\}/,
      )
      const blob = Buffer.from('blob')
      const actions = [{ name: 'KMSEncryption', status: 1, cipherTextKey: blob, error: '' }]
      bench.send(PAYLOAD_HANDSHAKE_RESPONSE, encodeHandshakeResponse({ clientVersion: '1.2.650.0', actions }))
      const [event] = bench.events()
      assert.equal(event?.type === 'decrypt-key' && Buffer.from(event.ciphertext).toString(), 'blob')
      assert.deepEqual(named(bench.sent()), ['acknowledge'])
      bench.engine.key(vectorDataKey, bench.now)
      return { bench, client: new SessionCipher('client', vectorDataKey, seededBytes(1)) }
    }

    it('challenges the client, then seals output, standard error and exit code', () => {
      const { bench, client } = encrypted(commandJob)
      const [challenge] = bench.sent()
      assert.equal(challenge?.payloadType, PAYLOAD_CHALLENGE_REQUEST)
      assert.equal(challenge.payload.length, vector('kms-enc-challenge-request').payload.length)
      const answer = client.answerChallenge(decodeChallenge(challenge.payload))
      bench.send(PAYLOAD_CHALLENGE_RESPONSE, encodeChallenge(answer))
      const complete = bench.sent().at(-1)
      assert.match(text(complete), /"CustomerMessage":"This session is encrypted using AWS KMS\."/)
      bench.engine.ready(bench.now)
      bench.engine.write(Buffer.from('out'))
      bench.engine.write(Buffer.from('err'), 'error')
      bench.engine.exitCode(7)
      bench.mono += 50
      const told = bench
        .sent()
        .map((one) => [one.payloadType, Buffer.from(client.decrypt(one.payload)).toString()])
      assert.deepEqual(told, [
        [PAYLOAD_OUTPUT, 'out'],
        [PAYLOAD_STDERR, 'err'],
        [PAYLOAD_EXIT_CODE, 'EXIT_CODE: 7'],
      ])
    })

    it('reads sealed input, and sizes in clear', () => {
      const { bench, client } = encrypted(shellJob)
      const challenge = bench.sent()[0]?.payload ?? new Uint8Array()
      bench.send(
        PAYLOAD_CHALLENGE_RESPONSE,
        encodeChallenge(client.answerChallenge(decodeChallenge(challenge))),
      )
      bench.engine.ready(bench.now)
      bench.send(PAYLOAD_SIZE, encodeSize({ columns: 101, rows: 33 }))
      bench.send(PAYLOAD_OUTPUT, client.encrypt(Buffer.from('ls\r')))
      const [, resize, input] = bench.events()
      assert.deepEqual(resize, { type: 'resize', columns: 101, rows: 33 })
      assert.equal(input?.type === 'input' && Buffer.from(input.bytes).toString(), 'ls\r')
    })

    it('fails the session of a client that does not hold the key', () => {
      const { bench } = encrypted(commandJob)
      const wrong = new SessionCipher('client', new Uint8Array(64).fill(9), seededBytes(1))
      bench.send(PAYLOAD_CHALLENGE_RESPONSE, encodeChallenge(toBase64(wrong.encrypt(new Uint8Array(64)))))
      assert.deepEqual(
        bench.events().map((event) => event.type),
        ['stop'],
      )
    })
  })

  describe('reliability', () => {
    it('does not acknowledge what its handler is not ready for, and takes it when it comes again', () => {
      const bench = new Bench(portJob)
      bench.greet()
      const frame = bench.frame(PAYLOAD_OUTPUT, encodeFrame(SMUX_SYN, 3), 1)
      bench.engine.receive(frame, bench.now)
      assert.deepEqual(bench.sent(), [])
      bench.engine.ready(bench.now)
      bench.engine.receive(frame, bench.now)
      assert.deepEqual(named(bench.sent()), ['acknowledge'])
      assert.deepEqual(bench.events().at(-1), { type: 'open', stream: 3 })
    })

    it('puts early messages in order, and acknowledges what comes twice', () => {
      const bench = new Bench(shellJob)
      bench.up()
      bench.engine.ready(bench.now)
      bench.events()
      const frames = ['a', 'b', 'c'].map((key, i) => bench.frame(PAYLOAD_OUTPUT, Buffer.from(key), i))
      for (const i of [2, 1, 1, 0, 0]) bench.engine.receive(frames[i] as Uint8Array, bench.now)
      const sequences = bench.sent().map((one) => decodeAcknowledgement(one.payload).sequence)
      assert.deepEqual(sequences, [2, 1, 1, 0, 0])
      const typed = bench
        .events()
        .map((event) => event.type === 'input' && Buffer.from(event.bytes).toString())
      assert.deepEqual(typed, ['a', 'b', 'c'])
    })

    it('as the vendor’s repeats the oldest only, unpaced all that are overdue', () => {
      for (const [rate, want] of [
        [{ ...VENDOR_RATE, interval: 0.001 }, 1],
        [UNPACED_RATE, 3],
      ] as const) {
        const bench = new Bench(shellJob, rate)
        bench.up()
        for (const line of ['a', 'b', 'c']) {
          bench.engine.write(Buffer.from(line))
          bench.mono += 1
          assert.equal(bench.sent().length, 1)
        }
        bench.mono += 250
        assert.equal(bench.sent().length, want)
      }
    })

    it('is silent while publication is paused, but for acknowledgements, and goes on at any data', () => {
      const bench = new Bench(shellJob)
      bench.up()
      bench.engine.ready(bench.now)
      bench.control('pause_publication', new Uint8Array())
      bench.engine.write(Buffer.from('x'))
      assert.deepEqual(bench.sentWithin(1_000), [])
      bench.send(PAYLOAD_OUTPUT, Buffer.from('y'))
      assert.deepEqual(named(bench.sent()), ['acknowledge', `0:${PAYLOAD_OUTPUT}`])
      bench.control('pause_publication', new Uint8Array())
      bench.engine.write(Buffer.from('z'))
      assert.deepEqual(bench.sent(), [])
      bench.control('start_publication', new Uint8Array())
      assert.deepEqual(named(bench.sent()), [`1:${PAYLOAD_OUTPUT}`])
    })

    it('loses nothing with its link: sequences go on, and what was not acknowledged comes again', () => {
      const bench = new Bench(shellJob)
      bench.up()
      bench.engine.write(Buffer.from('lost'))
      bench.sent()
      bench.engine.down()
      bench.engine.write(Buffer.from('later'))
      assert.deepEqual(bench.sentWithin(1_000), [])
      assert.deepEqual(named(bench.up()).sort(), ['0:1', '1:1'])
    })

    it('ignores what is no message', () => {
      const bench = new Bench(shellJob)
      bench.up()
      bench.events()
      for (const junk of [new Uint8Array(0), new Uint8Array(200), Buffer.from('GET / HTTP/1.1')]) {
        bench.engine.receive(junk, bench.now)
      }
      assert.deepEqual([bench.events(), bench.sent()], [[], []])
    })

    it('takes no more from one stalled connection than its bound, and then says so', () => {
      const bench = new Bench(portJob)
      bench.start()
      bench.send(PAYLOAD_OUTPUT, encodeFrame(SMUX_SYN, 3))
      let sent = 0
      while (bench.engine.wantsInput && sent < 10_000_000) {
        bench.send(PAYLOAD_OUTPUT, encodeFrame(SMUX_PSH, 3, new Uint8Array(32_000)))
        bench.sent()
        sent += 32_000
      }
      assert.ok(sent >= 4 * 1024 * 1024 && sent < 4 * 1024 * 1024 + 64_000, `${sent} bytes`)
      bench.engine.consumed(64_000, 3)
      assert.equal(bench.engine.wantsInput, true)
    })
  })

  describe('pace', () => {
    it('sends 0.82 MB/s in 1,024-byte messages, whatever the timer does', () => {
      for (const granularity of [0.1, 1, 1.3, 4]) {
        const bench = new Bench(shellJob, VENDOR_RATE)
        bench.up()
        let bytes = 0
        const from = bench.mono
        while (bench.mono < from + 2_000) {
          while (bench.engine.wantsOutput) bench.engine.write(new Uint8Array(4_096))
          for (const message of bench.sent()) {
            bytes += message.payload.length
            assert.ok(message.payload.length <= 1_024)
            bench.acknowledge(message)
          }
          bench.mono += granularity
        }
        const rate = bytes / 2_000 / 1_000
        assert.ok(Math.abs(rate - 0.82) < 0.01, `${rate} MB/s with a timer of ${granularity} ms`)
      }
    })

    it('forgives what it is late by, but for four messages', () => {
      const bench = new Bench(shellJob, VENDOR_RATE)
      bench.up()
      bench.engine.write(new Uint8Array(100_000))
      bench.mono += 1_000
      const count = bench.sent().length
      assert.ok(count >= 4 && count <= 5, `${count} messages`)
    })

    it('unpaced stops at the bytes that may be unacknowledged', () => {
      const bench = new Bench(shellJob, { ...UNPACED_RATE, messageSize: 32_768 })
      bench.up()
      for (let i = 0; i < 300; i++) bench.engine.write(new Uint8Array(32_768))
      const count = bench.sent().length
      assert.ok(count >= 127 && count <= 129, `${count} messages`)
    })
  })

  describe('port sessions', () => {
    it('says that a connection was refused by a flag and then FIN, as recorded', () => {
      const bench = new Bench(portJob)
      bench.start()
      bench.send(PAYLOAD_OUTPUT, encodeFrame(SMUX_SYN, 3))
      bench.sent()
      bench.engine.refuseStream(3, bench.now)
      const [flag, fin] = bench.sent()
      for (const [message, name] of [
        [flag, 'flag-connect-to-port-error'],
        [fin, 'smux-fin-after-refusal'],
      ] as const) {
        const recorded = vector(name)
        assert.deepEqual(
          [message?.sequence, message?.payloadType, Buffer.from(message?.payload ?? [])],
          [recorded.sequence, recorded.payloadType, Buffer.from(recorded.payload)],
        )
      }
    })

    it('cuts a connection’s bytes into frames of 32,768 and those into messages', () => {
      const bench = new Bench(portJob)
      bench.start()
      bench.send(PAYLOAD_OUTPUT, encodeFrame(SMUX_SYN, 3))
      bench.sent()
      bench.engine.writeStream(3, new Uint8Array(40_000))
      const payload = Buffer.concat(bench.sent().map((one) => one.payload))
      assert.equal(payload.length, 40_000 + 16)
      assert.deepEqual(payload.subarray(0, 8), vectorStart('smux-psh-32768-first-1024'))
    })

    it('gives an old client one raw stream, and one that is younger keep-alives and an end without traffic', () => {
      const old = new Bench(portJob)
      old.greet('1.1.69')
      assert.deepEqual(old.events(), [{ type: 'start', multiplexed: false }])

      const middle = new Bench(portJob)
      middle.start('1.2.331.0')
      const first = middle.sentWithin(10_000)
      assert.deepEqual(Buffer.from(first[0]?.payload ?? []), Buffer.from(encodeFrame(SMUX_NOP, 0)))
      for (const message of first) middle.acknowledge(message)
      middle.sentWithin(55_000)
      assert.deepEqual(
        middle.events().map((event) => event.type),
        ['stop'],
      )

      const young = new Bench(portJob)
      young.start('1.2.331.1')
      assert.deepEqual(young.sentWithin(120_000), [])
      assert.deepEqual(young.events(), [])
    })

    it('forgets a stream that it has closed', () => {
      const bench = new Bench(portJob)
      bench.start()
      bench.send(PAYLOAD_OUTPUT, encodeFrame(SMUX_SYN, 3))
      bench.send(PAYLOAD_OUTPUT, encodeFrame(SMUX_PSH, 3, new Uint8Array(100)))
      bench.events()
      bench.engine.closeStream(3)
      bench.engine.writeStream(3, new Uint8Array(10))
      bench.send(
        PAYLOAD_OUTPUT,
        Buffer.concat([encodeFrame(SMUX_PSH, 3, new Uint8Array(9)), encodeFrame(SMUX_FIN, 3)]),
      )
      const output = bench.sent().filter((one) => one.type === 'output_stream_data')
      assert.deepEqual(Buffer.concat(output.map((one) => one.payload)), Buffer.from(encodeFrame(SMUX_FIN, 3)))
      assert.deepEqual(bench.events(), [])
      output.map((one) => bench.acknowledge(one))
      assert.equal(bench.engine.heldBytes, 0)
    })
  })

  describe('the end', () => {
    it('is said once everything is acknowledged', () => {
      const bench = new Bench(commandJob)
      bench.start()
      bench.engine.write(Buffer.from('out'))
      bench.engine.exitCode(0)
      bench.engine.complete(bench.now)
      const [output, code] = bench.sent()
      assert.equal(text(code), 'EXIT_CODE: 0')
      assert.deepEqual(bench.events(), [])
      for (const message of [output, code]) if (message !== undefined) bench.acknowledge(message)
      assert.deepEqual(named(bench.sent()), ['agent_session_state'])
      assert.deepEqual(bench.events(), [{ type: 'finished' }])
    })

    it('waits for acknowledgements for 2 s at most', () => {
      const bench = new Bench(shellJob)
      bench.up()
      bench.events()
      bench.engine.write(Buffer.from('bye'))
      bench.engine.complete(bench.now)
      bench.sentWithin(1_950)
      assert.deepEqual(bench.events(), [])
      bench.sentWithin(100)
      assert.deepEqual(bench.events(), [{ type: 'finished' }])
    })

    it('comes with the client’s flag, and with the service’s words', () => {
      const flagged = new Bench(portJob)
      flagged.start()
      flagged.send(PAYLOAD_FLAG, encodeFlag(2))
      assert.deepEqual(flagged.events(), [{ type: 'stop', output: '', by: 'client' }])
      const closed = new Bench(shellJob)
      closed.up()
      closed.events()
      closed.control('channel_closed', Buffer.from('{"Output":"maximum session length"}'))
      assert.deepEqual(closed.events(), [{ type: 'stop', output: 'maximum session length', by: 'service' }])
      closed.engine.complete(closed.now)
      closed.sent()
      assert.deepEqual(closed.events(), [{ type: 'finished' }])
    })
  })

  it('stalls uploads that come faster than it drains, and takes them again afterwards', () => {
    const stall: UploadStall = { bytesPerSecond: 100_000, buffer: 10_000, pause: 1_000 }
    const bench = new Bench(shellJob, UNPACED_RATE, stall)
    bench.up()
    bench.engine.ready(bench.now)
    const frames = Array.from({ length: 14 }, (_, i) => bench.frame(PAYLOAD_OUTPUT, new Uint8Array(1_000), i))
    for (const frame of frames) bench.engine.receive(frame, bench.now)
    assert.equal(bench.sent().length, 10)
    bench.mono += 1_000
    for (const frame of frames.slice(10)) bench.engine.receive(frame, bench.now)
    assert.equal(bench.sent().length, 4)
  })
})

function text(message: Message | undefined): string {
  return Buffer.from(message?.payload ?? []).toString()
}

function vectorStart(name: string): Buffer {
  return Buffer.from(vector(name).payload.subarray(0, 8))
}
