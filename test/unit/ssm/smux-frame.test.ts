import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PAYLOAD_OFFSET } from '#core/ssm/constants.ts'
import {
  encodeFrame,
  SMUX_FIN,
  SMUX_HEADER_BYTES,
  SMUX_MAX_DATA_BYTES,
  SMUX_NOP,
  SMUX_PSH,
  SMUX_SYN,
  SmuxFrameDecoder,
} from '#core/ssm/smux/frame.ts'
import { boxed } from '../../support/boxed.ts'
import { vectorBytes } from '../../support/session-vectors.ts'

interface Frame {
  command: number
  streamId: number
  data: string
}

/** Decodes `pieces` and joins the fragments of each PSH again. */
function decode(pieces: readonly Uint8Array[]): {
  frames: Frame[]
  fault: string | undefined
  needed: number
} {
  const decoder = new SmuxFrameDecoder()
  const frames: Frame[] = []
  let open = false
  for (const piece of pieces) {
    decoder.push(piece)
    for (;;) {
      const answer = decoder.next()
      if (answer === 'fail') return { frames, fault: decoder.fault, needed: 0 }
      if (answer === 'need') break
      const data = Buffer.from(decoder.data).toString('hex')
      const last = frames.at(-1)
      if (open && last !== undefined) last.data += data
      else frames.push({ command: decoder.command, streamId: decoder.streamId, data })
      open = decoder.remaining > 0
    }
  }
  return { frames, fault: undefined, needed: decoder.needed }
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + 3) & 0xff)
}

describe('smux frames', { timeout: 30_000 }, () => {
  it('writes length and stream id little-endian', () => {
    const frame = encodeFrame(SMUX_PSH, 0x0a0b0c0d, new Uint8Array(0x0102).fill(9))
    assert.deepEqual([...frame.subarray(0, 9)], [1, 2, 0x02, 0x01, 0x0d, 0x0c, 0x0b, 0x0a, 9])
  })

  it('keeps stream ids above 2^31 positive', () => {
    assert.equal(decode([encodeFrame(SMUX_SYN, 0xffff_ffff)]).frames[0]?.streamId, 0xffff_ffff)
  })

  it('refuses to write more than the length field can say', () => {
    assert.throws(() => encodeFrame(SMUX_PSH, 3, new Uint8Array(SMUX_MAX_DATA_BYTES + 1)), RangeError)
  })

  it('reads frames cut at every byte, at every boundary size', () => {
    for (const size of [0, 1, 2, 7, 8, 9, 1015, 1016, 1017, 2037]) {
      const stream = Buffer.concat([
        encodeFrame(SMUX_SYN, 3),
        encodeFrame(SMUX_PSH, 3, pattern(size)),
        encodeFrame(SMUX_NOP, 0),
        encodeFrame(SMUX_FIN, 3),
      ])
      const want = decode([stream])
      assert.deepEqual(
        want.frames.map((frame) => frame.command),
        [SMUX_SYN, SMUX_PSH, SMUX_NOP, SMUX_FIN],
      )
      assert.equal(want.frames[1]?.data, Buffer.from(pattern(size)).toString('hex'))
      for (let cut = 0; cut <= stream.length; cut++) {
        assert.deepEqual(
          decode([stream.subarray(0, cut), stream.subarray(cut)]),
          want,
          `size ${size}, cut ${cut}`,
        )
      }
      assert.deepEqual(
        decode([...stream].map((byte) => Uint8Array.of(byte))),
        want,
        `size ${size}, single bytes`,
      )
    }
  })

  it('reads the largest frame', () => {
    const frame = encodeFrame(SMUX_PSH, 5, pattern(SMUX_MAX_DATA_BYTES))
    assert.equal(
      decode([frame.subarray(0, 9), frame.subarray(9)]).frames[0]?.data.length,
      2 * SMUX_MAX_DATA_BYTES,
    )
  })

  it('says how many bytes are missing', () => {
    const frame = encodeFrame(SMUX_PSH, 3, pattern(10))
    const wants = [8, 7, 6, 5, 4, 3, 2, 1, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 8]
    for (const [length, want] of wants.entries())
      assert.equal(decode([frame.subarray(0, length)]).needed, want)
  })

  it('gives views into the input, not copies', () => {
    const frame = encodeFrame(SMUX_PSH, 3, pattern(10))
    const decoder = new SmuxFrameDecoder()
    decoder.push(frame)
    assert.equal(decoder.next(), 'frame')
    assert.equal(decoder.data.buffer, frame.buffer)
  })

  it('refuses new input before the last is used up', () => {
    const decoder = new SmuxFrameDecoder()
    decoder.push(encodeFrame(SMUX_SYN, 3))
    assert.throws(() => decoder.push(Uint8Array.of(1)), /used up/)
  })

  const faults = [
    { bytes: [2], fault: 'version', reason: 'version 2 has a window that agents do not speak' },
    { bytes: [0x48, 0x54], fault: 'version', reason: 'plain HTTP is not smux' },
    { bytes: [1, 4], fault: 'command', reason: 'UPD belongs to version 2' },
    { bytes: [1, 255], fault: 'command', reason: 'no such command' },
    { bytes: [1, 0, 1, 0], fault: 'control-with-data', reason: 'SYN has no data' },
    { bytes: [1, 1, 0, 1], fault: 'control-with-data', reason: 'FIN has no data' },
    { bytes: [1, 3, 9, 0], fault: 'control-with-data', reason: 'NOP has no data' },
  ]
  for (const { bytes, fault, reason } of faults) {
    it(`fails at once and for good: ${reason}`, () => {
      for (const pieces of [[Uint8Array.from(bytes)], bytes.map((byte) => Uint8Array.of(byte))]) {
        assert.equal(decode(pieces).fault, fault)
        const padded = [...pieces, new Uint8Array(16)]
        assert.equal(decode([Buffer.concat(padded)]).fault, fault)
      }
      const decoder = new SmuxFrameDecoder()
      decoder.push(Uint8Array.from(bytes))
      assert.equal(decoder.next(), 'fail')
      decoder.push(encodeFrame(SMUX_SYN, 3))
      assert.equal(decoder.next(), 'fail')
    })
  }

  it('decodes what it encodes, however it is cut', () => {
    const frame = fc.record({
      command: fc.constantFrom(SMUX_SYN, SMUX_FIN, SMUX_PSH, SMUX_NOP),
      streamId: fc.nat(0xffff_ffff),
      data: fc.uint8Array({ maxLength: 300 }),
    })
    const cuts = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 30 })
    const property = fc.property(fc.array(frame, { maxLength: 12 }), cuts, (frames, sizes) => {
      const bodies = frames.map((one) =>
        one.command === SMUX_PSH ? one : { ...one, data: new Uint8Array(0) },
      )
      const stream = Buffer.concat(bodies.map((one) => encodeFrame(one.command, one.streamId, one.data)))
      const pieces: Uint8Array[] = []
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1
        // Pieces of no bytes happen; only they would never end.
        const length = sizes.every((one) => one === 0) ? 1 : size
        pieces.push(stream.subarray(at, at + length))
        at += length
      }
      assert.deepEqual(
        decode(pieces).frames,
        bodies.map((one) => ({ ...one, data: Buffer.from(one.data).toString('hex') })),
      )
    })
    fc.assert(property, boxed(300, 3_000))
  })

  it('answers any bytes with frames, need or a fault, and never throws', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const { frames } = decode([bytes])
      assert.ok(frames.length <= bytes.length / SMUX_HEADER_BYTES)
    })
    fc.assert(property, boxed(500, 2_000))
  })

  it('reads and writes what the vendor’s programs recorded', () => {
    const wants: Record<string, Frame[]> = {
      'smux-syn-stream3': [{ command: SMUX_SYN, streamId: 3, data: '' }],
      'smux-fin-from-client': [{ command: SMUX_FIN, streamId: 3, data: '' }],
      'smux-fin-from-agent': [{ command: SMUX_FIN, streamId: 3, data: '' }],
      'smux-fin-after-refusal': [{ command: SMUX_FIN, streamId: 3, data: '' }],
      'smux-syn+psh-in-one-message': [
        { command: SMUX_SYN, streamId: 3, data: '' },
        {
          command: SMUX_PSH,
          streamId: 3,
          data: Buffer.from('GET /small HTTP/1.1\r\nHost: x\r\n\r\n').toString('hex'),
        },
      ],
    }
    for (const [name, want] of Object.entries(wants)) {
      const payload = vectorPayload(name)
      assert.deepEqual(decode([payload]).frames, want, name)
      const again = want.map((one) => encodeFrame(one.command, one.streamId, Buffer.from(one.data, 'hex')))
      assert.deepEqual(Buffer.concat(again), Buffer.from(payload), name)
    }
    const begun = decode([vectorPayload('smux-psh-32768-first-1024')])
    assert.equal(begun.needed, 32_768 - (1024 - SMUX_HEADER_BYTES))
  })
})

function vectorPayload(name: string): Uint8Array {
  return vectorBytes(name).subarray(PAYLOAD_OFFSET)
}
