import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Outbox } from '#sandbox/agent/outbox.ts'

const WINDOW = 10
const LOOK = 100

/** An outbox whose round trip is known to be 1 ms, with a window of messages in it, sent at 0 ms. */
function settled(resend: 'oldest' | 'overdue'): Outbox {
  const outbox = new Outbox(resend)
  for (let i = 0; i < 200; i++) {
    outbox.store(i - 200, new Uint8Array(1), -1)
    outbox.acknowledge(i - 200, 0)
  }
  for (let sequence = 0; sequence < WINDOW; sequence++) outbox.store(sequence, Uint8Array.of(sequence), 0)
  return outbox
}

function due(outbox: Outbox, now: number): number[] {
  const sequences: number[] = []
  for (let frame = outbox.poll(now); frame !== undefined; frame = outbox.poll(now))
    sequences.push(frame[0] as number)
  return sequences
}

describe('agent outbox', () => {
  it('unpaced, sends nothing again while acknowledgements come in order, however late', () => {
    const outbox = settled('overdue')
    for (let sequence = 0; sequence < WINDOW; sequence++) {
      outbox.acknowledge(sequence, (sequence + 1) * LOOK)
      assert.deepEqual(due(outbox, (sequence + 1) * LOOK + 1), [])
    }
  })

  it('unpaced, sends again what something later has overtaken', () => {
    const outbox = settled('overdue')
    outbox.store(WINDOW, Uint8Array.of(WINDOW), 50)
    outbox.acknowledge(0, 60)
    outbox.acknowledge(WINDOW, 60)
    assert.deepEqual(due(outbox, 2 * LOOK), [1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('unpaced, sends all again once none is acknowledged any more', () => {
    const outbox = settled('overdue')
    assert.deepEqual(due(outbox, 150), [])
    assert.deepEqual(due(outbox, 450).length, WINDOW)
  })

  it('as the vendor’s, sends the oldest again as soon as it is late', () => {
    assert.deepEqual(due(settled('oldest'), 150), [0])
  })
})
