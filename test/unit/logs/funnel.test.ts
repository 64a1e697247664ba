import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogFunnel } from '#core/logs/funnel.ts'
import { type LogLine, parseLine } from '#core/logs/line.ts'
import { REORDER_WINDOW } from '#core/logs/reorder-window.ts'

const A = { name: 'a' }
const B = { name: 'b' }
const at = (mono: number) => ({ mono, wall: 0 })

function line(ms: number): LogLine {
  return parseLine(`${new Date(Date.UTC(2026, 10, 23) + ms).toISOString().slice(0, 23)}000000Z ${ms}`)
}

function takeAll(funnel: LogFunnel<object>, mono: number, drain = false): number[] {
  const taken: number[] = []
  for (let entry = funnel.poll(at(mono), drain); entry; entry = funnel.poll(at(mono), drain))
    taken.push(Number(entry.line.text))
  return taken
}

describe('LogFunnel', () => {
  it('gives all history in order, and then live lines in their window', () => {
    const funnel = new LogFunnel<object>([A, B], undefined)
    funnel.push(A, [line(1), line(4)], at(0))
    assert.deepEqual(takeAll(funnel, 0), [])
    funnel.push(B, [line(2), line(5)], at(0))
    assert.deepEqual(takeAll(funnel, 0), [1])
    funnel.endHistory(A)
    assert.deepEqual(takeAll(funnel, 0), [2])
    funnel.endHistory(B)
    assert.ok(funnel.isLive)
    assert.deepEqual(takeAll(funnel, 0), [4, 5])
    funnel.push(A, [line(7)], at(10))
    funnel.push(B, [line(6)], at(20))
    assert.deepEqual(takeAll(funnel, 10 + REORDER_WINDOW - 1), [])
    assert.equal(funnel.deadline(), 10 + REORDER_WINDOW)
    assert.deepEqual(takeAll(funnel, 10 + REORDER_WINDOW), [6, 7])
  })

  it('marks a live line that is earlier than what history has shown of another source', () => {
    const funnel = new LogFunnel<object>([A, B], undefined)
    funnel.push(A, [line(1)], at(0))
    funnel.endHistory(A)
    funnel.push(B, [line(5)], at(0))
    funnel.endHistory(B)
    assert.deepEqual(takeAll(funnel, 0), [1, 5])
    funnel.push(A, [line(2)], at(0))
    assert.equal(funnel.poll(at(REORDER_WINDOW))?.late, true)
    // Of the source itself, a stamp that runs backwards is its own affair.
    funnel.push(B, [line(3)], at(0))
    assert.equal(funnel.poll(at(REORDER_WINDOW))?.late, false)
  })

  it('lets no live line pass before history is complete', () => {
    const funnel = new LogFunnel<object>([A, B], undefined)
    funnel.push(A, [line(1)], at(0))
    funnel.endHistory(A)
    funnel.push(A, [line(2)], at(0))
    assert.equal(funnel.deadline(), undefined)
    assert.deepEqual(takeAll(funnel, 10_000), [])
    funnel.endHistory(B)
    assert.deepEqual(takeAll(funnel, 10_000), [1, 2])
  })

  for (const [tail, want] of [
    [0, []],
    [1, [5]],
    [3, [3, 4, 5]],
    [9, [1, 2, 3, 4, 5]],
  ] as const)
    it(`gives the last ${tail} of all sources together`, () => {
      const funnel = new LogFunnel<object>([A, B], tail)
      funnel.push(A, [line(1), line(3), line(5)], at(0))
      funnel.push(B, [line(2), line(4)], at(0))
      assert.deepEqual(takeAll(funnel, 0), [], 'before all have ended, any line may be one too many')
      funnel.endHistory(A)
      funnel.endHistory(B)
      assert.deepEqual(takeAll(funnel, 0), want)
      funnel.push(A, [line(6)], at(0))
      assert.deepEqual(takeAll(funnel, REORDER_WINDOW), [6])
    })

  it('keeps the right ones of a history far longer than the tail', () => {
    const funnel = new LogFunnel<object>([A], 2)
    for (let ms = 0; ms < 5_000; ms++) {
      funnel.push(A, [line(ms)], at(0))
      funnel.poll(at(0))
    }
    funnel.endHistory(A)
    assert.deepEqual(takeAll(funnel, 0), [4_998, 4_999])
  })

  for (const [when, isLive] of [
    ['history', false],
    ['live lines', true],
  ] as const)
    it(`gives a trace in ${when} as one event, and asks once whether it is wanted`, () => {
      const asked: string[] = []
      const accepts = (text: string) => {
        asked.push(text)
        return text.includes('Jobs.run')
      }
      const funnel = new LogFunnel<object>([A, B], undefined, { accepts })
      const end = () => {
        funnel.endHistory(A)
        funnel.endHistory(B)
      }
      const written = (ms: number, text: string) => ({ ...line(ms), text })
      if (isLive) end()
      funnel.push(A, [written(1, 'ERROR job failed'), written(1, 'java.lang.Error: no lease')], at(0))
      funnel.push(B, [written(2, 'beside')], at(0))
      funnel.push(A, [written(3, '\tat Jobs.run(Jobs.java:41)'), written(4, 'INFO next')], at(0))
      if (!isLive) end()
      const event = funnel.poll(at(REORDER_WINDOW))
      assert.deepEqual(
        [event?.line, ...(event?.rest ?? [])].map((part) => part?.text),
        ['ERROR job failed', 'java.lang.Error: no lease', '\tat Jobs.run(Jobs.java:41)'],
      )
      assert.equal(funnel.poll(at(REORDER_WINDOW)), undefined)
      assert.equal(funnel.hidden, 2)
      assert.deepEqual(asked, [
        'ERROR job failed\njava.lang.Error: no lease\n\tat Jobs.run(Jobs.java:41)',
        'beside',
        'INFO next',
      ])
    })

  it('gives what is accepted alone, counts the rest, and lets the tail count what is accepted', () => {
    const isEven = (text: string) => Number(text) % 2 === 0
    const funnel = new LogFunnel<object>([A, B], 2, { accepts: isEven })
    funnel.push(A, [line(1), line(2), line(4), line(7)], at(0))
    funnel.push(B, [line(3), line(6), line(9)], at(0))
    funnel.endHistory(A)
    funnel.endHistory(B)
    assert.deepEqual(takeAll(funnel, 0), [4, 6])
    assert.equal(funnel.hidden, 4)
    funnel.push(A, [line(11), line(12), line(13)], at(0))
    assert.deepEqual(takeAll(funnel, REORDER_WINDOW), [12])
    assert.equal(funnel.hidden, 6)
    assert.equal(funnel.deadline(), undefined)
  })

  it('gives what stands around the last that are accepted, and goes on so with live lines', () => {
    const accepts = (text: string) => Number(text) % 10 === 0
    const context = { before: 1, after: 1 }
    const funnel = new LogFunnel<object>([A, B], 1, { accepts, context })
    funnel.push(A, [line(9), line(10), line(11), line(19), line(20)], at(0))
    funnel.push(B, [line(15), line(17), line(18)], at(0))
    funnel.endHistory(A)
    funnel.endHistory(B)
    assert.deepEqual(takeAll(funnel, 0), [19, 20])
    funnel.push(A, [line(21), line(22), line(23)], at(0))
    funnel.push(B, [line(30)], at(0))
    const shown = []
    for (let event = funnel.poll(at(REORDER_WINDOW)); event; event = funnel.poll(at(REORDER_WINDOW)))
      shown.push([event.line.text, event.group, event.context])
    assert.deepEqual(shown, [
      ['21', 1, true],
      ['18', 2, true],
      ['30', 2, undefined],
    ])
    assert.equal(funnel.hidden, 4, 'of what was not beyond the tail')
  })

  it('tells who should wait: the source that is ahead, never the one that is owed', () => {
    const funnel = new LogFunnel<object>([A, B], undefined)
    const many = Array.from({ length: 4_000 }, (_, ms) => line(ms))
    funnel.push(A, many, at(0))
    assert.ok(funnel.isFull(A))
    assert.ok(!funnel.isFull(B))
    funnel.endHistory(B)
    takeAll(funnel, 0)
    assert.ok(!funnel.isFull(A))
  })

  it('holds live lines to a bound', () => {
    const funnel = new LogFunnel<object>([], undefined)
    const long = parseLine(`2026-11-23T00:00:00.000000000Z ${'x'.repeat(1024 * 1024)}`)
    for (let count = 0; count < 9; count++) funnel.push(A, [long], at(0))
    assert.ok(funnel.isFull(A))
    for (let entry = funnel.poll(at(0), true); entry; entry = funnel.poll(at(0), true));
    assert.ok(!funnel.isFull(A))
  })
})
