import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type LogLine, parseLine } from '#core/logs/line.ts'
import { REORDER_WINDOW, ReorderWindow } from '#core/logs/reorder-window.ts'

interface Source {
  readonly name: string
}
const A: Source = { name: 'a' }
const B: Source = { name: 'b' }

function line(ms: number, text: string): LogLine {
  return parseLine(`${new Date(Date.UTC(2026, 10, 23) + ms).toISOString().slice(0, 23)}000000Z ${text}`)
}

function takeAll(window: ReorderWindow<Source>, mono: number, drain = false): string[] {
  const taken: string[] = []
  for (let entry = window.poll(mono, drain); entry; entry = window.poll(mono, drain))
    taken.push(`${entry.line.text}${entry.late ? ' late' : ''}`)
  return taken
}

describe('ReorderWindow', () => {
  it('holds a line for its window, and gives what is stamped before it with it', () => {
    const window = new ReorderWindow<Source>()
    window.push(A, line(10, 'a10'), 0)
    window.push(B, line(5, 'b5'), 100)
    window.push(B, line(20, 'b20'), 200)
    assert.equal(window.deadline(), REORDER_WINDOW)
    assert.deepEqual(takeAll(window, REORDER_WINDOW - 1), [])
    assert.deepEqual(takeAll(window, REORDER_WINDOW), ['b5', 'a10'])
    assert.equal(window.deadline(), 200 + REORDER_WINDOW)
    assert.deepEqual(takeAll(window, 200 + REORDER_WINDOW), ['b20'])
    assert.equal(window.deadline(), undefined)
    assert.equal(window.held, 0)
  })

  it('marks what comes later than the window, and gives it all the same', () => {
    const window = new ReorderWindow<Source>()
    window.push(A, line(10, 'a10'), 0)
    takeAll(window, REORDER_WINDOW)
    window.push(B, line(5, 'b5'), 400)
    assert.deepEqual(takeAll(window, 400 + REORDER_WINDOW), ['b5 late'])
  })

  it('does not call a stamp that runs backwards within its own source late', () => {
    const window = new ReorderWindow<Source>()
    window.push(A, line(10, 'a10'), 0)
    takeAll(window, REORDER_WINDOW)
    window.push(A, line(5, 'a5'), 400)
    assert.deepEqual(takeAll(window, 400 + REORDER_WINDOW), ['a5'])
  })

  it('puts a source that is read again from an earlier place among the others by its own stamps', () => {
    const window = new ReorderWindow<Source>()
    window.push(A, line(30, 'of the next run'), 0)
    takeAll(window, REORDER_WINDOW)
    window.rewind(A)
    window.push(B, line(40, 'b40'), 400)
    window.push(A, line(20, 'last words'), 400)
    window.push(A, line(35, 'of the next run, too'), 400)
    assert.deepEqual(takeAll(window, 400 + REORDER_WINDOW), [
      'last words late',
      'of the next run, too',
      'b40',
    ])
  })

  it('lets lines go before their time rather than take more memory', () => {
    const window = new ReorderWindow<Source>()
    const text = 'x'.repeat(1024 * 1024)
    for (let count = 0; count < 20; count++) window.push(A, line(count, text), 0)
    const before = window.held
    assert.ok(takeAll(window, 0).length > 0)
    assert.ok(window.held < before && window.held <= 16 * 1024 * 1024)
  })

  it('gives everything in order when it is drained', () => {
    const window = new ReorderWindow<Source>()
    window.push(A, line(10, 'a10'), 0)
    window.push(B, line(5, 'b5'), 0)
    assert.deepEqual(takeAll(window, 0, true), ['b5', 'a10'])
  })

  it('drops and doubles nothing, keeps each source in order, and orders what comes within the window (property)', () => {
    const arrival = fc.record({
      source: fc.constantFrom(A, B),
      wait: fc.integer({ min: 0, max: 150 }),
      delay: fc.integer({ min: 0, max: 600 }),
    })
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 60 }), (arrivals) => {
        const window = new ReorderWindow<Source>()
        const given: { text: string; source: Source; late: boolean; stamp: string }[] = []
        const take = (mono: number, drain: boolean) => {
          for (let entry = window.poll(mono, drain); entry; entry = window.poll(mono, drain))
            given.push({ ...entry, text: entry.line.text, stamp: entry.line.stamp as string })
        }
        let mono = 1_000
        const sent: { text: string; source: Source; delay: number }[] = []
        for (const [index, { source, wait, delay }] of arrivals.entries()) {
          mono += wait
          take(mono, false)
          sent.push({ text: `${index}`, source, delay })
          window.push(source, line(mono - delay, `${index}`), mono)
        }
        take(mono, true)
        assert.deepEqual(
          given.map(({ text }) => Number(text)).toSorted((a, b) => a - b),
          sent.map((_, index) => index),
        )
        for (const source of [A, B])
          assert.deepEqual(
            given.filter((entry) => entry.source === source).map(({ text }) => text),
            sent.filter((entry) => entry.source === source).map(({ text }) => text),
          )
        if (arrivals.every(({ delay }) => delay < REORDER_WINDOW)) assert.ok(given.every(({ late }) => !late))
      }),
      { numRuns: 500 },
    )
  })
})
