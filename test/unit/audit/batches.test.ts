import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { BATCH_LIMITS, nextBatch, sizeOf, type Waiting, waitingOf } from '#core/audit/batches.ts'
import { LONGEST_MESSAGE } from '#core/audit/event-grouper.ts'
import { acceptedEvents } from '#sandbox/aws/services/log-batch.ts'

const NOW = Date.UTC(2026, 10, 23, 10)
const HOUR = 3_600_000
const at = (time: number, message = 'x'): Waiting => ({
  event: { at: time, message },
  end: { head: 'h', offset: time },
})

describe('the next request', () => {
  it('takes what waits in its order, and is in the order of times', () => {
    const waiting = [at(NOW - 5, 'a'), at(NOW - 9, 'b'), at(NOW - 5, 'c')]
    const { events, taken, end, moved } = nextBatch(waiting, NOW)
    assert.deepEqual(
      events.map(({ message }) => message),
      ['b', 'a', 'c'],
    )
    assert.deepEqual([taken, end, moved], [3, { head: 'h', offset: NOW - 5 }, 0])
  })

  it('ends before what would span more than a day', () => {
    const waiting = [at(NOW - 30 * HOUR), at(NOW - 6 * HOUR), at(NOW - 5 * HOUR)]
    assert.equal(nextBatch(waiting, NOW).taken, 2)
  })

  it('remembers a place only when all before it is in it', () => {
    const block = {
      events: Array.from({ length: 12_000 }, () => ({ at: NOW, message: 'x' })),
      end: { head: 'h', offset: 7 },
    }
    const waiting = [at(NOW - 1), ...waitingOf(block)]
    const first = nextBatch(waiting, NOW)
    assert.deepEqual([first.taken, first.end], [10_000, { head: 'h', offset: NOW - 1 }])
    const second = nextBatch(waiting.slice(10_000), NOW)
    assert.deepEqual([second.taken, second.end], [2_001, { head: 'h', offset: 7 }])
  })

  it('puts what the service would refuse at the nearest time that it takes, and counts it', () => {
    const waiting = [at(NOW - 20 * 24 * HOUR, 'old'), at(NOW - 14 * 24 * HOUR, 'edge')]
    const { events, moved } = nextBatch(waiting, NOW)
    const edge = NOW - BATCH_LIMITS.past + 300_000
    assert.deepEqual([events.map((event) => event.at), moved], [[edge, edge], 2])
    const ahead = nextBatch([at(NOW + 9 * HOUR)], NOW)
    assert.equal(ahead.events[0]?.at, NOW + BATCH_LIMITS.future - 300_000)
  })

  it('is empty where a place alone waits', () => {
    const waiting = waitingOf({ events: [], end: { head: 'h', offset: 3 } })
    assert.deepEqual(nextBatch(waiting, NOW), {
      ...{ events: [], taken: 1, end: { head: 'h', offset: 3 }, moved: 0 },
    })
  })

  it('is always one that the service takes whole, and all of them together are everything (property)', () => {
    const message = fc.oneof(
      { weight: 20, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }) },
      { weight: 3, arbitrary: fc.constantFrom('ü'.repeat(50_000), 'x'.repeat(LONGEST_MESSAGE)) },
    )
    const time = fc.oneof(
      fc.integer({ min: -2 * 3_600, max: 60 }).map((seconds) => NOW + seconds * 1_000),
      fc.integer({ min: -40 * 24, max: 40 * 24 }).map((hours) => NOW + hours * HOUR),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(time, message), { maxLength: 60 }), (made) => {
        let waiting = made.map(([when, text]) => at(when, text))
        const carried: string[] = []
        while (waiting.length > 0) {
          const batch = nextBatch(waiting, NOW)
          assert.ok(batch.taken > 0)
          const events = batch.events.map((event) => ({ timestamp: event.at, message: event.message }))
          const { accepted, rejected } = acceptedEvents(events, NOW)
          assert.deepEqual([accepted.length, rejected], [batch.events.length, undefined])
          assert.ok(batch.events.reduce((sum, event) => sum + sizeOf(event), 0) <= BATCH_LIMITS.bytes)
          carried.push(...batch.events.map((event) => event.message))
          waiting = waiting.slice(batch.taken)
        }
        assert.deepEqual(carried.toSorted(), made.map(([, text]) => text).toSorted())
      }),
      { numRuns: 150 },
    )
  })
})
