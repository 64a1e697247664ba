import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type DirectedFault, type FaultOrder, faultSchema, kindOf } from '#sandbox/gateway/faults.ts'
import { Link } from '#sandbox/gateway/link.ts'
import { ManualClock } from '../../support/manual-clock.ts'

interface Rig {
  readonly clock: ManualClock
  readonly link: Link
  /** The numbers that have arrived. */
  readonly arrived: number[]
  push(...numbers: number[]): void
  fault(order: FaultOrder): void
}

function rig(options: { latency?: number; chance?: () => number } = {}): Rig {
  const clock = new ManualClock()
  const arrived: number[] = []
  const link = new Link({
    clock,
    chance: options.chance ?? (() => 0),
    latency: options.latency ?? 0,
    deliver: (frame) => arrived.push(frame[20] as number),
  })
  return {
    clock,
    link,
    arrived,
    push: (...numbers) => {
      for (const number of numbers) link.push(frameOf('output_stream_data', number))
    },
    fault: (order) => link.add(faultSchema.parse(order) as DirectedFault),
  }
}

/** The first bytes of a message of that type, and a number to know it by behind the type's 20th byte. */
function frameOf(type: string, number: number): Uint8Array {
  const frame = Buffer.alloc(120, ' ')
  frame.write(type, 4)
  frame[20] = number
  return frame
}

describe('link', () => {
  it('without faults and latency everything passes at once, and no timer is set', () => {
    const { push, arrived, clock } = rig()
    push(1, 2, 3)
    assert.deepEqual(arrived, [1, 2, 3])
    assert.equal(clock.pending, 0)
  })

  it('latency: each arrives that much later, in order', () => {
    const { push, arrived, clock, link } = rig({ latency: 20 })
    push(1)
    clock.advance(10)
    push(2)
    clock.advance(9)
    assert.deepEqual(arrived, [])
    clock.advance(1)
    assert.deepEqual(arrived, [1])
    clock.advance(10)
    assert.deepEqual(arrived, [1, 2])
    assert.equal(link.heldBytes, 0)
  })

  it('a delay that ends lets nothing overtake', () => {
    const { push, arrived, clock, link, fault } = rig()
    fault({ kind: 'delay', ms: 100 })
    push(1)
    link.clearFaults()
    push(2)
    clock.advance(100)
    assert.deepEqual(arrived, [1, 2])
  })

  it('a stall holds all, and lets all go when its time is up', () => {
    const { push, arrived, clock, link, fault } = rig()
    fault({ kind: 'stall', ms: 1_000 })
    push(1, 2)
    clock.advance(999)
    assert.deepEqual(arrived, [])
    assert.equal(link.heldBytes, 240)
    clock.advance(1)
    push(3)
    assert.deepEqual(arrived, [1, 2, 3])
    assert.equal(clock.pending, 0)
  })

  it('a share meets that share', () => {
    let draw = 0
    const { push, arrived, fault } = rig({ chance: () => (draw++ % 4) / 4 })
    fault({ kind: 'drop', share: 0.25 })
    push(0, 1, 2, 3, 4, 5, 6, 7)
    assert.deepEqual(arrived, [1, 2, 3, 5, 6, 7])
  })

  it('what the gateway itself says follows what is on its way, and meets no fault', () => {
    const { push, arrived, clock, link, fault } = rig({ latency: 5 })
    fault({ kind: 'reorder', count: 1 })
    push(1)
    fault({ kind: 'drop' })
    link.follow(frameOf('channel_closed', 9))
    clock.advance(5)
    assert.deepEqual(arrived, [1, 9])
  })

  it('a connection that breaks loses what is on its way', () => {
    const { push, arrived, clock, link } = rig({ latency: 5 })
    push(1, 2)
    link.lose()
    clock.advance(100)
    push(3)
    clock.advance(5)
    assert.deepEqual(arrived, [3])
  })

  it('reordering and delays lose nothing and invent nothing', () => {
    const actions = fc.array(
      fc.oneof(
        fc.constant('push' as const),
        fc.constant('reorder' as const),
        fc.nat({ max: 60 }).map((ms) => ({ advance: ms })),
        fc.integer({ min: 1, max: 50 }).map((ms) => ({ delay: ms })),
        fc.integer({ min: 1, max: 80 }).map((ms) => ({ stall: ms })),
      ),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(actions, (steps) => {
        const { push, arrived, clock, link, fault } = rig()
        let sent = 0
        for (const step of steps) {
          if (step === 'push') push(sent++)
          else if (step === 'reorder') fault({ kind: 'reorder', count: 1 })
          else if ('advance' in step) clock.advance(step.advance)
          else if ('delay' in step) fault({ kind: 'delay', ms: step.delay })
          else fault({ kind: 'stall', ms: step.stall })
        }
        clock.advance(1_000)
        assert.deepEqual(
          arrived.toSorted((a, b) => a - b),
          Array.from({ length: sent }, (_, i) => i),
        )
        assert.equal(link.heldBytes, 0)
        assert.equal(clock.pending, 0)
      }),
      { numRuns: 300 },
    )
  })

  it('tells data from acknowledgements by the type', () => {
    assert.equal(kindOf(frameOf('input_stream_data', 0)), 'data')
    assert.equal(kindOf(frameOf('output_stream_data', 0)), 'data')
    assert.equal(kindOf(frameOf('acknowledge', 0)), 'acknowledge')
    assert.equal(kindOf(frameOf('agent_session_state', 0)), 'state')
    for (const type of ['channel_closed', 'pause_publication', ''])
      assert.equal(kindOf(frameOf(type, 0)), 'other')
    assert.equal(kindOf(new Uint8Array(2)), 'other')
  })
})

describe('fault orders', () => {
  const WRONG = [
    { why: 'another word', order: { kind: 'explode' } },
    { why: 'a share above one', order: { kind: 'drop', share: 1.5 } },
    { why: 'no share at all', order: { kind: 'drop', share: 0 } },
    { why: 'a direction that is none', order: { kind: 'drop', direction: 'up' } },
    { why: 'a field of another kind', order: { kind: 'cut', ms: 5 } },
    { why: 'a delay without its length', order: { kind: 'delay' } },
  ]
  for (const { why, order } of WRONG)
    it(`refuses ${why}`, () => {
      assert.equal(faultSchema.safeParse(order).success, false)
    })
})
