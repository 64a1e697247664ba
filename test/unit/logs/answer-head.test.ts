import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SinceHead, TailHead } from '#core/logs/answer-head.ts'
import { parseLine, type Stamp } from '#core/logs/line.ts'

function line(second: number, text = `line ${second}`) {
  return parseLine(`2026-11-23T07:00:${String(second).padStart(2, '0')}.000000000Z ${text}`)
}

const LONG = 'x'.repeat(16 * 1024)

describe('TailHead', () => {
  it('drops the first of as many lines as records were asked for', () => {
    const head = new TailHead(3)
    head.offer([line(0), line(1)])
    assert.equal(head.state, 'held')
    head.offer([line(2), line(3)])
    assert.equal(head.state, 'known')
    assert.deepEqual(head.take(), [line(1), line(2), line(3)])
    assert.equal(head.state, 'taken')
  })

  it('keeps it where the log is shorter than that', () => {
    const head = new TailHead(3)
    head.offer([line(0), line(1)])
    head.end()
    assert.equal(head.state, 'known')
    assert.deepEqual(head.take(), [line(0), line(1)])
    assert.equal(head.dropped, undefined)
  })

  for (const [what, first, want] of [
    ['keeps it where the log begins with it', line(0).stamp, [line(0), line(1, LONG)]],
    ['drops it where the log begins with another', line(9).stamp, [line(1, LONG)]],
    ['drops it where nobody knows how the log begins', undefined, [line(1, LONG)]],
  ] as const)
    it(`asks how the log begins where lines may be several records, and ${what}`, () => {
      const head = new TailHead(3)
      head.offer([line(0), line(1, LONG)])
      head.end()
      assert.equal(head.state, 'ask')
      head.settle(first as Stamp | undefined)
      assert.deepEqual(head.take(), want)
    })

  it('asks, too, rather than hold much of a long answer', () => {
    const head = new TailHead(10_000)
    let held = 0
    for (; head.state === 'held'; held++) head.offer([line(held % 60, 'x'.repeat(1_000))])
    assert.equal(head.state, 'ask')
    assert.ok(held < 300)
  })
})

describe('SinceHead', () => {
  const rest = parseLine('the rest of a line')

  it('drops what comes before the first stamp', () => {
    const head = new SinceHead()
    head.offer([rest])
    head.offer([])
    assert.equal(head.state, 'held')
    head.offer([rest, line(1), rest])
    assert.equal(head.state, 'known')
    assert.deepEqual(head.take(), [line(1), rest])
  })

  it('gives a message of the cluster that comes in place of a log', () => {
    const head = new SinceHead()
    head.offer([rest])
    head.end()
    assert.deepEqual(head.take(), [rest])
  })
})
