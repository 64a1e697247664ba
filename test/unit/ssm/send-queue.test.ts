import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Instant } from '#core/clock.ts'
import { decodeMessage, MessageIds } from '#core/ssm/message.ts'
import { SendQueue } from '#core/ssm/send-queue.ts'
import { boxed } from '../../support/boxed.ts'
import { seededBytes, seededChance } from '../../support/random.ts'

const BUDGET = 1_000_000
const at = (mono: number): Instant => ({ mono, wall: 1_795_000_000_000 + mono })

function started(): SendQueue {
  const queue = new SendQueue(new MessageIds(seededBytes(1)))
  queue.start()
  return queue
}

function send(queue: SendQueue, now: number, payload = Uint8Array.of(1)): number {
  return decodeMessage(queue.send(1, payload, at(now))).sequence
}

/** The sequence numbers of all that is sent again now. */
function resent(queue: SendQueue, now: number): number[] {
  const sequences: number[] = []
  for (
    let lost = queue.takeLost(at(now), BUDGET);
    lost !== undefined;
    lost = queue.takeLost(at(now), BUDGET)
  ) {
    sequences.push(decodeMessage(lost.frame).sequence)
  }
  return sequences
}

describe('SendQueue', { timeout: 20_000 }, () => {
  it('numbers from 0, without SYN, under a new id each', () => {
    const queue = started()
    const first = decodeMessage(queue.send(6, Uint8Array.of(1), at(5)))
    const second = decodeMessage(queue.send(1, Uint8Array.of(2), at(6)))
    assert.deepEqual([first.sequence, first.flags, first.type], [0, 0, 'input_stream_data'])
    assert.deepEqual([second.sequence, second.createdDate], [1, at(6).wall])
    assert.notDeepEqual(first.messageId, second.messageId)
  })

  it('has stored a message by the time its frame is out: an acknowledgement at the same instant counts', () => {
    const queue = started()
    send(queue, 0)
    assert.equal(queue.acknowledge(0, at(0)), 'first')
    assert.deepEqual([queue.inFlight, queue.unacknowledgedBytes, queue.deadline()], [0, 0, undefined])
  })

  it('tells acknowledgements of what was not sent from those that came before', () => {
    const queue = started()
    send(queue, 0)
    assert.equal(queue.acknowledge(1, at(1)), 'not-sent')
    assert.equal(queue.acknowledge(Number.MAX_SAFE_INTEGER, at(1)), 'not-sent')
    assert.equal(queue.acknowledge(0, at(1)), 'first')
    assert.equal(queue.acknowledge(0, at(2)), 'acknowledged-before')
    // A sequence number that shares its place with one that is in flight.
    for (let i = 1; i <= 4_096; i++) queue.acknowledge(send(queue, 3), at(3))
    send(queue, 4)
    assert.equal(queue.acknowledge(1, at(5)), 'acknowledged-before')
    assert.equal(queue.inFlight, 1)
  })

  it('makes room for as many as the window has, in the order of acknowledgements', () => {
    const queue = started()
    for (let i = 0; i < 16; i++) {
      assert.equal(queue.room, 1_024)
      send(queue, 0)
    }
    assert.equal(queue.room, 0)
    queue.acknowledge(9, at(1))
    assert.equal(queue.room, 1_024)
  })

  it('looks at every message, not only the oldest', () => {
    const queue = started()
    for (let i = 0; i < 4; i++) send(queue, i)
    queue.acknowledge(1, at(10))
    assert.equal(queue.deadline(), 200)
    queue.expire(at(203))
    assert.deepEqual(resent(queue, 203), [0, 2, 3])
  })

  it('sends again byte for byte, and what was acknowledged meanwhile not at all', () => {
    const queue = started()
    const frames = [0, 1].map(() => queue.send(1, Uint8Array.of(5), at(0)))
    queue.expire(at(200))
    queue.acknowledge(0, at(201))
    const lost = queue.takeLost(at(202), BUDGET)
    assert.equal(Buffer.compare(lost?.frame as Uint8Array, frames[1] as Uint8Array), 0)
    assert.equal(queue.takeLost(at(202), BUDGET), undefined)
    assert.equal(queue.retransmissions, 1)
  })

  it('backs off while nothing is heard, and takes no sample of what was sent twice (Karn)', () => {
    const queue = started()
    send(queue, 0)
    const deadlines: (number | undefined)[] = []
    for (let now = 200, i = 0; i < 4; i++) {
      queue.expire(at(now))
      resent(queue, now)
      deadlines.push(queue.deadline())
      now = queue.deadline() as number
    }
    assert.deepEqual(deadlines, [600, 1_400, 3_000, 6_200])
    queue.acknowledge(0, at(3_100))
    assert.equal(queue.roundTrip.smoothed, undefined)
    queue.acknowledge(send(queue, 4_000), at(4_030))
    assert.equal(queue.roundTrip.smoothed, 30)
    assert.equal(queue.roundTrip.timeout, 200)
  })

  it('falls back once for messages that were lost together, and sends them again within the window', () => {
    const queue = started()
    for (let i = 0; i < 16; i++) send(queue, i)
    assert.equal(queue.expire(at(210)), true)
    assert.equal(queue.window.count, 8)
    assert.deepEqual(resent(queue, 210), [0, 1, 2], 'five of the eight still wait')
    assert.equal(queue.expire(at(211)), false)
    queue.acknowledge(0, at(220))
    assert.equal(resent(queue, 220).length, 1)
  })

  it('keeps a frame that the budget does not hold for later', () => {
    const queue = started()
    send(queue, 0, new Uint8Array(500))
    queue.expire(at(200))
    assert.equal(queue.takeLost(at(200), 600), undefined)
    assert.equal(queue.takeLost(at(200), 620)?.sequence, 0)
  })

  it('stops its clock without a transport, and sends everything again on the next, numbers continuing', () => {
    const queue = started()
    for (let i = 0; i < 5; i++) send(queue, i)
    queue.acknowledge(2, at(10))
    queue.stop(at(20))
    assert.equal(queue.deadline(), undefined)
    assert.equal(queue.expire(at(100_000)), false)
    queue.start()
    assert.equal(queue.window.count, 16, 'a lost transport is no stall')
    assert.deepEqual(resent(queue, 100_000), [0, 1, 3, 4])
    assert.equal(send(queue, 100_001), 5)
    assert.equal(queue.deadline(), 100_200)
  })

  it('survives a transport that is lost again before all was sent', () => {
    const queue = started()
    for (let i = 0; i < 16; i++) send(queue, 0)
    queue.stop(at(1))
    queue.start()
    queue.takeLost(at(2), BUDGET)
    queue.takeLost(at(2), BUDGET)
    queue.stop(at(3))
    queue.start()
    assert.deepEqual(
      resent(queue, 4),
      Array.from({ length: 16 }, (_, i) => i),
    )
  })
})

describe('a probe of the message size', { timeout: 5_000 }, () => {
  function withProbeDue(): SendQueue {
    const queue = started()
    for (let now = 0; queue.window.probeBytes === undefined; now++) {
      const sent: number[] = []
      while (queue.room > 0) sent.push(send(queue, now))
      for (const sequence of sent) queue.acknowledge(sequence, at(now + 1))
    }
    return queue
  }

  const probe = (queue: SendQueue, now: number) =>
    decodeMessage(queue.sendProbe(1, new Uint8Array(2_048), Uint8Array.of(3), at(now))).sequence

  it('raises the size when it is acknowledged', () => {
    const queue = withProbeDue()
    queue.acknowledge(probe(queue, 1_000), at(1_005))
    assert.equal(queue.room, 2_048)
  })

  it('is replaced by its substitute under the same number when it is not, and the size remembered', () => {
    const queue = withProbeDue()
    const sequence = probe(queue, 1_000)
    queue.acknowledge(send(queue, 1_000), at(1_010))
    queue.expire(at(1_200))
    const lost = queue.takeLost(at(1_200), BUDGET)
    assert.equal(lost?.sequence, sequence)
    assert.deepEqual([...decodeMessage(lost?.frame as Uint8Array).payload], [3])
    assert.equal(queue.window.refusedMessageBytes, 2_048)
  })

  it('is not judged by a stall of everything, nor by one lost WebSocket, but by the second', () => {
    const queue = withProbeDue()
    probe(queue, 1_000)
    queue.stop(at(1_001))
    queue.start()
    assert.deepEqual([...decodeMessage(queue.takeLost(at(1_500), BUDGET)?.frame as Uint8Array).payload], [3])
    assert.equal(queue.window.refusedMessageBytes, undefined)
    probe(queue, 2_000)
    queue.expire(at(3_000))
    assert.equal(queue.window.refusedMessageBytes, 2_048)
  })
})

describe('SendQueue over a lossy way', { timeout: 20_000 }, () => {
  it('delivers every message, with as much in flight as the window allows', () => {
    const property = fc.property(fc.nat(), fc.integer({ min: 0, max: 60 }), (seed, lossPercent) => {
      const chance = seededChance(seed)
      const queue = started()
      const delivered = new Set<number>()
      const total = 120
      let underWay: { sequence: number; due: number }[] = []
      let now = 0
      for (; delivered.size < total || queue.inFlight > 0; now += 10) {
        assert.ok(now < 1_000_000, `seed ${seed} does not end`)
        queue.expire(at(now))
        const out = resent(queue, now)
        while (queue.room > 0 && queue.nextSequence < total) out.push(send(queue, now))
        assert.ok(queue.inFlight <= 64)
        for (const sequence of out) {
          if (chance() * 100 < lossPercent) continue
          delivered.add(sequence)
          if (chance() * 100 >= lossPercent) underWay.push({ sequence, due: now + 10 + chance() * 90 })
        }
        for (const { sequence } of underWay.filter(({ due }) => due <= now))
          queue.acknowledge(sequence, at(now))
        underWay = underWay.filter(({ due }) => due > now)
      }
      assert.equal(delivered.size, total)
      assert.equal(queue.unacknowledgedBytes, 0)
    })
    fc.assert(property, boxed(100, 8_000))
  })
})
