import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Message } from '#core/ssm/message.ts'
import { EARLY_BYTES, EARLY_MESSAGES, ReceiveQueue } from '#core/ssm/receive-queue.ts'
import { boxed } from '../../support/boxed.ts'

function message(sequence: number, payload: Uint8Array = Uint8Array.of(sequence & 0xff)): Message {
  return {
    type: 'output_stream_data',
    createdDate: 0,
    sequence,
    flags: 0,
    messageId: new Uint8Array(16),
    payloadType: 1,
    payload,
  }
}

/** Accepts messages and lists the first bytes of what is delivered. */
function deliver(queue: ReceiveQueue, arriving: Message): number[] {
  const arrival = queue.accept(arriving)
  if (arrival !== 'deliver') return []
  const delivered = [arriving.payload[0] as number]
  for (let next = queue.takeNext(); next !== undefined; next = queue.takeNext()) {
    delivered.push(next.payload[0] as number)
  }
  return delivered
}

describe('ReceiveQueue', { timeout: 15_000 }, () => {
  const steps = [
    { after: 'nothing', sequence: 0, want: 'deliver' },
    { after: '0 was delivered', sequence: 0, want: 'duplicate' },
    { after: '1 is missing', sequence: 2, want: 'early' },
    { after: '2 waits', sequence: 2, want: 'duplicate' },
    { after: 'still, at the edge of the window', sequence: EARLY_MESSAGES, want: 'early' },
    { after: 'still, one beyond', sequence: 1 + EARLY_MESSAGES, want: 'beyond' },
    { after: 'still, far beyond', sequence: Number.MAX_SAFE_INTEGER, want: 'beyond' },
    { after: 'all that', sequence: 1, want: 'deliver' },
  ]
  const queue = new ReceiveQueue()
  for (const { after, sequence, want } of steps) {
    it(`after ${after}, ${sequence} is ${want}`, () => assert.equal(queue.accept(message(sequence)), want))
  }

  it('copies what waits, as the frame is not its own', () => {
    const queue = new ReceiveQueue()
    const frame = Buffer.from([7])
    queue.accept(message(1, frame))
    frame[0] = 9
    assert.deepEqual(deliver(queue, message(0)), [0, 7])
  })

  it('holds a bound of early bytes, and takes more once they are delivered', () => {
    const queue = new ReceiveQueue()
    const large = new Uint8Array(EARLY_BYTES / 4)
    for (let sequence = 1; sequence <= 4; sequence++)
      assert.equal(queue.accept(message(sequence, large)), 'early')
    assert.equal(queue.earlyBytes, EARLY_BYTES)
    assert.equal(queue.accept(message(5)), 'beyond')
    assert.equal(deliver(queue, message(0)).length, 5)
    assert.equal(queue.earlyBytes, 0)
    assert.equal(queue.accept(message(6)), 'early')
  })

  it('delivers every message once and in order, however they arrive, within its bound', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.infiniteStream(fc.nat(59)),
      (count, arrivals) => {
        const queue = new ReceiveQueue()
        const delivered: number[] = []
        for (let i = 0; i < count * 3; i++) {
          delivered.push(...deliver(queue, message((arrivals.next().value as number) % count)))
          assert.ok(queue.earlyBytes <= count)
        }
        for (let sequence = 0; sequence < count; sequence++)
          delivered.push(...deliver(queue, message(sequence)))
        assert.deepEqual(
          delivered,
          Array.from({ length: count }, (_, sequence) => sequence),
        )
        assert.equal(queue.earlyBytes, 0)
      },
    )
    fc.assert(property, boxed(300, 5_000))
  })
})
