import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import {
  encodeFrame,
  SMUX_FIN,
  SMUX_HEADER_BYTES,
  SMUX_NOP,
  SMUX_PSH,
  SMUX_SYN,
  SmuxFrameDecoder,
} from '#core/ssm/smux/frame.ts'
import { type SmuxEvent, type SmuxLimits, SmuxSession, type StreamId } from '#core/ssm/smux/session.ts'
import { boxed } from '../../support/boxed.ts'

const NAMES = ['SYN', 'FIN', 'PSH', 'NOP']

/** The frames of one polled payload as text, such as `SYN 3` or `PSH 3 5` (with the count of data bytes). */
function framesOf(payload: Uint8Array | undefined): string[] {
  if (payload === undefined) return []
  const decoder = new SmuxFrameDecoder()
  const frames: string[] = []
  decoder.push(payload)
  while (decoder.next() === 'frame') {
    assert.equal(decoder.remaining, 0, 'a frame straddles the end of its message')
    const length = decoder.command === SMUX_PSH ? ` ${decoder.data.length}` : ''
    frames.push(`${NAMES[decoder.command]} ${decoder.streamId}${length}`)
  }
  assert.equal(decoder.fault, undefined)
  assert.equal(decoder.needed, SMUX_HEADER_BYTES)
  return frames
}

function drain(session: SmuxSession): SmuxEvent[] {
  const events: SmuxEvent[] = []
  for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent()) events.push(event)
  return events
}

function pollAll(session: SmuxSession, budget = 1024): string[] {
  const frames: string[] = []
  for (let out = session.pollTransmit(budget); out !== undefined; out = session.pollTransmit(budget)) {
    assert.ok(out.length <= budget)
    frames.push(...framesOf(out))
  }
  return frames
}

function types(session: SmuxSession): string[] {
  return drain(session).map((event) => (event.type === 'failed' ? 'failed' : `${event.type} ${event.id}`))
}

const three = 3 as StreamId
const five = 5 as StreamId

describe('smux session', { timeout: 30_000 }, () => {
  it('numbers streams with odd ids from 3', () => {
    const session = new SmuxSession()
    assert.deepEqual([session.open(), session.open(), session.open()], [3, 5, 7])
    assert.deepEqual(pollAll(session), ['SYN 3', 'SYN 5', 'SYN 7'])
  })

  it('sends SYN alone, or with the first data in one message', () => {
    const session = new SmuxSession()
    session.open()
    assert.deepEqual(framesOf(session.pollTransmit(1024)), ['SYN 3'])
    const id = session.open()
    session.write(id, Buffer.from('hello'))
    assert.deepEqual(framesOf(session.pollTransmit(1024)), ['SYN 5', 'PSH 5 5'])
    assert.equal(session.pollTransmit(1024), undefined)
  })

  it('ends a stream with FIN after its data, in the same message when it fits', () => {
    const session = new SmuxSession()
    const id = session.open()
    session.write(id, Buffer.from('bye'))
    session.finish(id)
    assert.deepEqual(framesOf(session.pollTransmit(1024)), ['SYN 3', 'PSH 3 3', 'FIN 3'])
    session.finish(id)
    assert.equal(session.wantsTransmit, false)
  })

  it('keeps whole frames inside a message, whatever the budget', () => {
    for (const size of [0, 1, 2, 15, 16, 17, 40]) {
      for (let budget = 0; budget < 60; budget++) {
        const session = new SmuxSession()
        const id = session.open()
        session.write(id, new Uint8Array(size).fill(7))
        session.finish(id)
        const frames = pollAll(session, budget)
        if (budget <= SMUX_HEADER_BYTES) assert.deepEqual(frames, [])
        else {
          assert.equal(frames[0], 'SYN 3')
          assert.equal(frames.at(-1), 'FIN 3')
          const sent = frames.slice(1, -1).reduce((sum, frame) => sum + Number(frame.split(' ')[2]), 0)
          assert.equal(sent, size)
        }
      }
    }
  })

  it('lets a small request out after one message of a bulk upload', () => {
    const session = new SmuxSession()
    const bulk = session.open()
    session.write(bulk, new Uint8Array(1_000_000))
    session.pollTransmit(1024)
    const small = session.open()
    session.write(small, Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    const next = [...framesOf(session.pollTransmit(1024)), ...framesOf(session.pollTransmit(1024))]
    assert.ok(next.includes('PSH 5 18'), `the request is not in the next two messages: ${next}`)
  })

  it('shares a large message between streams', () => {
    const session = new SmuxSession()
    for (let i = 0; i < 2; i++) session.write(session.open(), new Uint8Array(200_000))
    const frames = framesOf(session.pollTransmit(64 * 1024))
    assert.deepEqual(frames.slice(0, 4), ['SYN 3', 'PSH 3 16384', 'SYN 5', 'PSH 5 16384'])
  })

  it('says stop at the high mark and writable at the low one, once', () => {
    const limits: SmuxLimits = { outHigh: 100, outLow: 20, turn: 50 }
    const session = new SmuxSession(limits)
    const id = session.open()
    assert.equal(session.write(id, new Uint8Array(99)), true)
    assert.equal(session.write(id, new Uint8Array(1)), false)
    session.pollTransmit(8 + 8 + 50)
    assert.deepEqual(types(session), [])
    session.pollTransmit(8 + 30)
    assert.deepEqual(types(session), ['writable 3'])
    session.pollTransmit(1024)
    assert.deepEqual(types(session), [])
    assert.equal(session.unsent, 0)
  })

  it('hands up data as views, counts it and counts it off', () => {
    const session = new SmuxSession()
    const id = session.open()
    const input = encodeFrame(SMUX_PSH, id, Buffer.from('answer'))
    session.receive(input)
    const [event] = drain(session)
    assert.ok(event?.type === 'data')
    assert.equal(Buffer.from(event.bytes).toString(), 'answer')
    assert.equal(event.bytes.buffer, input.buffer)
    assert.deepEqual([session.unconsumed, session.unconsumedOf(id)], [6, 6])
    session.consumed(id, 4)
    assert.deepEqual([session.unconsumed, session.unconsumedOf(id)], [2, 2])
    assert.throws(() => session.consumed(id, 3), RangeError)
  })

  it('answers the far end of a stream with its own FIN and drops what nobody will read', () => {
    const session = new SmuxSession()
    const id = session.open()
    session.pollTransmit(1024)
    session.write(id, new Uint8Array(5000))
    session.receive(encodeFrame(SMUX_FIN, id))
    assert.deepEqual(types(session), ['end 3'])
    assert.equal(session.unsent, 0)
    assert.deepEqual(pollAll(session), ['FIN 3'])
    assert.equal(session.streamCount, 0)
    assert.equal(session.write(id, new Uint8Array(9)), true)
    assert.equal(session.wantsTransmit, false)
  })

  it('remembers an ended stream until its data is counted off', () => {
    const session = new SmuxSession()
    const id = session.open()
    session.finish(id)
    session.pollTransmit(1024)
    session.receive(encodeFrame(SMUX_PSH, id, new Uint8Array(10)))
    session.receive(encodeFrame(SMUX_FIN, id))
    assert.equal(session.streamCount, 1)
    session.consumed(id, 10)
    assert.deepEqual([session.streamCount, session.unconsumed], [0, 0])
  })

  it('abandons a stream: FIN at once, later frames of it ignored, its bytes no longer counted', () => {
    const session = new SmuxSession()
    const id = session.open()
    session.write(id, new Uint8Array(5000))
    session.pollTransmit(100)
    session.receive(encodeFrame(SMUX_PSH, id, new Uint8Array(10)))
    drain(session)
    session.abandon(id)
    assert.deepEqual([session.unsent, session.unconsumed], [0, 0])
    assert.deepEqual(pollAll(session), ['FIN 3'])
    session.receive(encodeFrame(SMUX_PSH, id, new Uint8Array(10)))
    session.receive(encodeFrame(SMUX_FIN, id))
    session.consumed(id, 10)
    assert.deepEqual(types(session), [])
  })

  it('says nothing of a stream that was abandoned before it was announced', () => {
    const session = new SmuxSession()
    const id = session.open()
    session.write(id, new Uint8Array(10))
    session.abandon(id)
    assert.equal(session.pollTransmit(1024), undefined)
    assert.equal(session.wantsTransmit, false)
  })

  it('tolerates keep-alives and does not answer them', () => {
    const session = new SmuxSession()
    session.receive(encodeFrame(SMUX_NOP, 0))
    assert.deepEqual([types(session), session.wantsTransmit], [[], false])
  })

  const violations = [
    { bytes: encodeFrame(SMUX_SYN, 2), reason: 'only the client opens streams' },
    { bytes: Buffer.from('HTTP/1.1 400 Bad Request\r\n'), reason: 'an agent without multiplexing' },
  ]
  for (const { bytes, reason } of violations) {
    it(`fails for good, with one event and nothing kept: ${reason}`, () => {
      const session = new SmuxSession()
      const id = session.open()
      session.write(id, new Uint8Array(50))
      session.receive(bytes)
      assert.deepEqual(types(session), ['failed'])
      assert.ok(isPgctlError(session.failure, 'protocol-violation'))
      session.receive(encodeFrame(SMUX_PSH, id, new Uint8Array(5)))
      session.write(id, new Uint8Array(50))
      assert.deepEqual([types(session), session.pollTransmit(1024), session.unsent], [[], undefined, 0])
      assert.throws(
        () => session.open(),
        (error) => error === session.failure,
      )
    })
  }

  describe('table of state and event', () => {
    const states: Record<string, (session: SmuxSession) => void> = {
      unannounced: () => {},
      open: (session) => void session.pollTransmit(1024),
      finishing: (session) => {
        session.write(three, new Uint8Array(2000))
        session.pollTransmit(1024)
        session.finish(three)
      },
      finished: (session) => {
        session.finish(three)
        session.pollTransmit(1024)
      },
      'ended by the far side': (session) => {
        session.pollTransmit(1024)
        session.receive(encodeFrame(SMUX_FIN, three))
        drain(session)
      },
      forgotten: (session) => {
        session.abandon(three)
        session.pollTransmit(1024)
      },
    }
    const events: Record<string, (session: SmuxSession) => void> = {
      write: (session) => void session.write(three, new Uint8Array(4)),
      finish: (session) => session.finish(three),
      abandon: (session) => session.abandon(three),
      data: (session) => session.receive(encodeFrame(SMUX_PSH, three, new Uint8Array(4))),
      'far FIN': (session) => session.receive(encodeFrame(SMUX_FIN, three)),
    }
    const wants: Record<string, Record<string, [frames: string[], events: string[]]>> = {
      unannounced: {
        write: [['SYN 3', 'PSH 3 4'], []],
        finish: [['SYN 3', 'FIN 3'], []],
        abandon: [[], []],
        data: [['SYN 3'], ['data 3']],
        'far FIN': [[], ['end 3']],
      },
      open: {
        write: [['PSH 3 4'], []],
        finish: [['FIN 3'], []],
        abandon: [['FIN 3'], []],
        data: [[], ['data 3']],
        'far FIN': [['FIN 3'], ['end 3']],
      },
      finishing: {
        write: [['PSH 3 992', 'FIN 3'], []],
        finish: [['PSH 3 992', 'FIN 3'], []],
        abandon: [['FIN 3'], []],
        data: [['PSH 3 992', 'FIN 3'], ['data 3']],
        'far FIN': [['FIN 3'], ['end 3']],
      },
      finished: {
        write: [[], []],
        finish: [[], []],
        abandon: [[], []],
        data: [[], ['data 3']],
        'far FIN': [[], ['end 3']],
      },
      'ended by the far side': {
        write: [['FIN 3'], []],
        finish: [['FIN 3'], []],
        abandon: [['FIN 3'], []],
        data: [['FIN 3'], []],
        'far FIN': [['FIN 3'], []],
      },
      forgotten: {
        write: [[], []],
        finish: [[], []],
        abandon: [[], []],
        data: [[], []],
        'far FIN': [[], []],
      },
    }
    for (const [state, reach] of Object.entries(states)) {
      for (const [event, apply] of Object.entries(events)) {
        it(`${state}, ${event}`, () => {
          const session = new SmuxSession()
          session.open()
          reach(session)
          apply(session)
          assert.deepEqual([pollAll(session), types(session)], wants[state]?.[event])
        })
      }
    }
  })

  it('delivers every byte in order, fairly, and holds no more than it says', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('write' as const), stream: fc.nat(3), size: fc.nat(3000) }),
      fc.record({ do: fc.constant('poll' as const), budget: fc.integer({ min: 17, max: 2000 }) }),
      fc.record({ do: fc.constant('finish' as const), stream: fc.nat(3) }),
    )
    const limits: SmuxLimits = { outHigh: 2_000, outLow: 500, turn: 300 }
    const property = fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const session = new SmuxSession(limits)
      const ids = Array.from({ length: 4 }, () => session.open())
      const written = ids.map(() => [] as number[])
      const ended = ids.map(() => false)
      const stopped = ids.map(() => false)
      const got = new Map<number, number[]>(ids.map((id) => [id, []]))
      const take = (payload: Uint8Array) => {
        const decoder = new SmuxFrameDecoder()
        decoder.push(payload)
        while (decoder.next() === 'frame') {
          if (decoder.command === SMUX_PSH) got.get(decoder.streamId)?.push(...decoder.data)
        }
      }
      let counter = 0
      for (const one of steps) {
        if (one.do === 'poll') {
          const out = session.pollTransmit(one.budget)
          if (out !== undefined) take(out)
        } else if (one.do === 'finish') {
          session.finish(ids[one.stream] as StreamId)
          ended[one.stream] = true
        } else if (!ended[one.stream] && !stopped[one.stream]) {
          const bytes = Uint8Array.from({ length: one.size }, () => counter++ & 0xff)
          written[one.stream]?.push(...bytes)
          stopped[one.stream] = !session.write(ids[one.stream] as StreamId, bytes)
        }
        for (const event of drain(session)) {
          assert.equal(event.type, 'writable')
          if (event.type === 'writable') stopped[ids.indexOf(event.id)] = false
        }
        assert.ok(session.unsent <= ids.length * (limits.outHigh + 3000))
      }
      for (let out = session.pollTransmit(1024); out !== undefined; out = session.pollTransmit(1024))
        take(out)
      assert.deepEqual(
        ids.map((id) => got.get(id)),
        written,
      )
      assert.equal(session.unsent, 0)
    })
    fc.assert(property, boxed(200, 4_000))
  })

  it('survives any bytes: events, or one typed failure', () => {
    const property = fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (pieces) => {
      const session = new SmuxSession()
      session.open()
      session.open()
      for (const piece of pieces) session.receive(piece)
      const failures = drain(session).filter((event) => event.type === 'failed')
      assert.ok(failures.length <= 1)
      assert.equal(failures.length === 1, isPgctlError(session.failure, 'protocol-violation'))
      assert.equal(session.unconsumedOf(three) + session.unconsumedOf(five), session.unconsumed)
    })
    fc.assert(property, boxed(300, 2_000))
  })
})
