import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import { uuidText, uuidWire, writeUint32 } from '#core/ssm/bytes.ts'
import type { MessageType } from '#core/ssm/constants.ts'
import {
  decodeMessage,
  encodeMessage,
  MAX_FRAME_BYTES,
  MessageIds,
  type OutgoingMessage,
} from '#core/ssm/message.ts'
import { boxed } from '../../support/boxed.ts'
import { seededBytes } from '../../support/random.ts'
import { sessionVectors, vectorBytes } from '../../support/session-vectors.ts'

const messageId = uuidWire('7ec25101-4755-49f2-bfa3-84b9eb620c83') as Uint8Array

function message(change: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    type: 'output_stream_data',
    createdDate: 1_795_000_000_000,
    sequence: 7,
    flags: 1,
    messageId,
    payloadType: 1,
    payload: new Uint8Array(0),
    ...change,
  }
}

const violation = (error: unknown) => isPgctlError(error, 'protocol-violation')

describe('decodeMessage', { timeout: 20_000 }, () => {
  for (const size of [0, 1, 1023, 1024, 1025, 2 * 1024 + 3, 32_768, 65_536]) {
    it(`takes back a payload of ${size} bytes`, () => {
      const payload = seededBytes(size)(size)
      const decoded = decodeMessage(encodeMessage(message({ payload })))
      assert.equal(Buffer.compare(decoded.payload, payload), 0)
    })
  }

  it('refuses every prefix of a frame', () => {
    const frame = encodeMessage(message({ payload: Uint8Array.of(1, 2, 3) }))
    for (let length = 0; length < frame.length; length++) {
      assert.throws(() => decodeMessage(frame.subarray(0, length)), violation, `${length} bytes`)
    }
  })

  it('refuses a frame with bytes behind its payload', () => {
    const frame = encodeMessage(message({ payload: Uint8Array.of(1) }))
    assert.throws(() => decodeMessage(Buffer.concat([frame, Buffer.alloc(1)])), violation)
  })

  it('refuses a change of any bit of the payload or its digest', () => {
    const frame = encodeMessage(message({ payload: Uint8Array.of(5) }))
    for (const at of [80, 95, 111, 120]) {
      const changed = Uint8Array.from(frame)
      changed[at] = (changed[at] as number) ^ 1
      assert.throws(() => decodeMessage(changed), violation, `byte ${at}`)
    }
  })

  for (const headerLength of [0, 4, 115, 0x7fff_ffff, 0xffff_ffff]) {
    it(`refuses a header length of ${headerLength}`, () => {
      const frame = Uint8Array.from(encodeMessage(message({ payload: Uint8Array.of(1) })))
      writeUint32(frame, 0, headerLength)
      assert.throws(() => decodeMessage(frame), violation)
    })
  }

  it('takes the payload from behind a header that is longer than ours', () => {
    const frame = encodeMessage(message({ payload: Uint8Array.of(8, 9) }))
    const longer = Buffer.concat([frame.subarray(0, 116), Buffer.alloc(6, 0xee), frame.subarray(116)])
    writeUint32(longer, 0, 122)
    assert.deepEqual([...decodeMessage(longer).payload], [8, 9])
  })

  for (const sequence of [-1n, 2n ** 53n, 2n ** 62n]) {
    it(`refuses the sequence number ${sequence}`, () => {
      const frame = Buffer.from(encodeMessage(message()))
      frame.writeBigInt64BE(sequence, 48)
      assert.throws(() => decodeMessage(frame), violation)
    })
  }

  it('refuses a frame beyond the limit without looking at it', () => {
    assert.throws(() => decodeMessage(new Uint8Array(MAX_FRAME_BYTES + 1)), violation)
  })

  it('knows a name whatever it is padded with', () => {
    const frame = Uint8Array.from(encodeMessage(message({ type: 'channel_closed' })))
    frame.fill(0, 4 + 'channel_closed'.length, 36)
    assert.equal(decodeMessage(frame).type, 'channel_closed')
  })

  it('hands on a name that it does not know, without control characters', () => {
    const frame = Uint8Array.from(encodeMessage(message()))
    frame.set(Buffer.from('acknowledge2\x1b[31m'.padEnd(32)), 4)
    assert.equal(decodeMessage(frame).type, 'acknowledge2?[31m')
  })

  it('wants no digest of the publication messages, which the service makes', () => {
    for (const type of ['start_publication', 'pause_publication'] satisfies MessageType[]) {
      const frame = Uint8Array.from(encodeMessage(message({ type, payload: Uint8Array.of(1) })))
      frame.fill(0, 80, 112)
      assert.equal(decodeMessage(frame).type, type)
    }
  })

  it('is the inverse of encodeMessage', () => {
    const property = fc.property(
      fc.record({
        type: fc.constantFrom<MessageType>('output_stream_data', 'input_stream_data', 'acknowledge'),
        createdDate: fc.maxSafeNat(),
        sequence: fc.maxSafeNat(),
        flags: fc.nat(3),
        messageId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
        payloadType: fc.nat(20),
        payload: fc.uint8Array({ maxLength: 3_000 }),
      }),
      (original) => {
        const decoded = decodeMessage(encodeMessage(original))
        assert.deepEqual(
          { ...decoded, messageId: [...decoded.messageId], payload: [...decoded.payload] },
          { ...original, messageId: [...original.messageId], payload: [...original.payload] },
        )
      },
    )
    fc.assert(property, boxed(300, 4_000))
  })

  it('answers anything at all with a message or a typed error', () => {
    const mutated = fc
      .record({
        vector: fc.constantFrom(...sessionVectors.filter((vector) => vector.frame !== 'text')),
        changes: fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 }),
        cut: fc.nat(400),
      })
      .map(({ vector, changes, cut }) => {
        const bytes = vectorBytes(vector.name)
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        return cut < bytes.length && cut % 3 === 0 ? bytes.subarray(0, cut) : bytes
      })
    const property = fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 400 })), (bytes) => {
      try {
        decodeMessage(bytes)
      } catch (error) {
        assert.ok(violation(error), String(error))
      }
    })
    fc.assert(property, boxed(5_000, 4_000))
  })
})

describe('MessageIds', { timeout: 5_000 }, () => {
  it('makes different random UUIDs of version 4, beyond one draw of chance', () => {
    const ids = new MessageIds(seededBytes(1))
    const made = Array.from({ length: 600 }, () => uuidText(ids.next()))
    for (const id of made)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.equal(new Set(made).size, made.length)
  })
})
