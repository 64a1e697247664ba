import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Block, EventGrouper, LONGEST_MESSAGE } from '#core/audit/event-grouper.ts'
import { execEvent, userEvent } from './log-lines.ts'

/** Lines go in at their times; what comes out is shown as the serials of each block's events. */

const TIME = '1795000000.123'
const [ls, id, ps] = [execEvent(TIME, 1, 'ls'), execEvent(TIME, 2, 'id'), execEvent(TIME, 3, 'ps', false)]

class Bench {
  readonly grouper = new EventGrouper()
  offset = 0

  push(lines: readonly string[], mono = 0) {
    for (const text of lines) {
      this.offset += text.length + 1
      this.grouper.push({ text, end: { head: 'h', offset: this.offset } }, { mono, wall: 5_000 })
    }
    return this.taken()
  }
  tick(mono: number) {
    this.grouper.tick({ mono, wall: 5_000 })
    return this.taken()
  }
  taken(): string[][] {
    return this.blocks().map(({ events }) =>
      events.map(({ message }) => /:(\d+)\)/.exec(message)?.[1] ?? message),
    )
  }
  blocks(): Block[] {
    return this.grouper.take()
  }
}

describe('the lines of one event', () => {
  it('are put together, as they were written, at the time of the event', () => {
    const bench = new Bench()
    for (const text of ls.lines)
      bench.grouper.push({ text, end: { head: 'h', offset: 1 } }, { mono: 0, wall: 0 })
    assert.deepEqual(bench.blocks(), [
      {
        events: [{ at: 1_795_000_000_123, message: ls.lines.join('\n') }],
        end: { head: 'h', offset: 1 },
      },
    ])
  })

  it('are found among those of others, which then are given away with it', () => {
    const bench = new Bench()
    const between = ls.lines.flatMap((line, at) => [line, id.lines[at] as string])
    const before = between.slice(0, -1)
    assert.deepEqual(bench.push(before), [])
    assert.deepEqual(bench.push(between.slice(-1)), [['1', '2']])
  })

  it('without a last one are whole when nothing comes for two seconds', () => {
    const bench = new Bench()
    assert.deepEqual(bench.push(ps.lines), [])
    assert.equal(bench.grouper.oldest, 1_795_000_000_123)
    assert.deepEqual(bench.tick(1_999), [])
    assert.deepEqual(bench.tick(2_000), [['3']])
    assert.equal(bench.grouper.oldest, undefined)
  })

  it('without a last one are whole when many of others have come, where all is read at once', () => {
    const bench = new Bench()
    bench.push(userEvent(TIME, 7).lines)
    const others = Array.from({ length: 60 }, (_, at) => execEvent(TIME, 100 + at, 'ls'))
    const blocks = others.flatMap(({ lines }) => bench.push(lines))
    assert.deepEqual(blocks[0]?.slice(0, 2), ['7', '100'])
    assert.equal(blocks.flat().length, 61)
  })

  it('that come too late are an event of their own', () => {
    const bench = new Bench()
    assert.deepEqual(bench.push(ls.lines), [['1']])
    assert.deepEqual(bench.push([`type=PATH msg=audit(${TIME}:1): item=1`]), [])
    assert.deepEqual(bench.tick(2_000), [['1']])
  })

  it('of more than a request takes come in several, cut between lines', () => {
    const bench = new Bench()
    const wide = Array.from(
      { length: 30 },
      (_, at) => `type=PATH msg=audit(${TIME}:9): ${'x'.repeat(20_000)}${at}`,
    )
    const end = { head: 'h', offset: 1 }
    for (const text of [...wide, `type=PROCTITLE msg=audit(${TIME}:9): proctitle=6C73`])
      bench.grouper.push({ text, end }, { mono: 0, wall: 0 })
    const messages = bench.blocks().flatMap(({ events }) => events.map(({ message }) => message))
    assert.ok(messages.length > 1)
    assert.ok(messages.every((message) => Buffer.byteLength(message) <= LONGEST_MESSAGE))
    assert.equal(messages.flatMap((message) => message.split('\n')).length, 31)
  })

  it('are held within bounds, whatever comes', () => {
    const bench = new Bench()
    const blocks = Array.from({ length: 200 }, (_, at) =>
      bench.push([`type=PATH msg=audit(${TIME}:${at}): ${'x'.repeat(20_000)}`]),
    )
    assert.ok(blocks.some((each) => each.length > 0))
  })
})

describe('what is no record', () => {
  it('is told as well, at the time of what stands before it, or now', () => {
    const bench = new Bench()
    for (const [at, text] of ['half a line', ...ls.lines, 'rest'].entries())
      bench.grouper.push({ text, end: { head: 'h', offset: at } }, { mono: 0, wall: 5_000 })
    const events = bench.blocks().flatMap((block) => block.events)
    assert.deepEqual(
      events.map(({ at, message }) => [at, message.slice(0, 12)]),
      [
        [5_000, 'half a line'],
        [1_795_000_000_123, 'type=SYSCALL'],
        [1_795_000_000_123, 'rest'],
      ],
    )
  })

  it('is nothing where there is nothing in it, and the place goes on', () => {
    const bench = new Bench()
    bench.push([''])
    assert.deepEqual(bench.taken(), [])
    bench.grouper.push({ text: '', end: { head: 'h', offset: 9 } }, { mono: 0, wall: 0 })
    assert.deepEqual(bench.blocks(), [{ events: [], end: { head: 'h', offset: 9 } }])
  })
})
