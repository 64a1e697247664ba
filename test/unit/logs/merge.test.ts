import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Heap } from '#core/logs/heap.ts'
import { type LogLine, parseLine } from '#core/logs/line.ts'
import { HistoryMerge } from '#core/logs/merge.ts'

/** A line stamped `ms` into the day; `undefined` for one without a stamp. */
function line(ms: number | undefined, text: string): LogLine {
  if (ms === undefined) return parseLine(text)
  return parseLine(`${new Date(Date.UTC(2026, 10, 23) + ms).toISOString().slice(0, 23)}000000Z ${text}`)
}

/** Feeds sources in turn, as far as each has something, and takes what can be taken in between. */
function mergeAll(logs: readonly (readonly LogLine[])[], turns: readonly number[]): string[] {
  const merge = new HistoryMerge<number>()
  for (const source of logs.keys()) merge.open(source)
  const places = logs.map(() => 0)
  const merged: string[] = []
  const feed = (source: number) => {
    const next = logs[source]?.[places[source] as number]
    if (next === undefined) merge.close(source)
    else merge.push(source, next)
    places[source] = (places[source] as number) + 1
    for (let entry = merge.poll(); entry; entry = merge.poll()) merged.push(entry.line.text)
  }
  for (const turn of turns) feed(turn % logs.length)
  for (const [source, log] of logs.entries()) while ((places[source] as number) <= log.length) feed(source)
  return merged
}

describe('HistoryMerge', () => {
  it('gives nothing before every source has spoken or ended, and no line before it is complete', () => {
    const merge = new HistoryMerge<string>()
    merge.open('a')
    merge.open('b')
    merge.push('a', line(5, 'a5'))
    merge.push('a', line(6, 'a6'))
    assert.equal(merge.poll(), undefined)
    merge.push('b', line(3, 'b3'))
    assert.equal(merge.poll(), undefined, 'the next line may go on with it')
    merge.push('b', line(7, 'b7'))
    assert.equal(merge.poll()?.line.text, 'b3')
    assert.equal(merge.poll(), undefined)
    merge.close('b')
    assert.equal(merge.poll()?.line.text, 'a5')
    assert.equal(merge.poll(), undefined)
    merge.close('a')
    assert.equal(merge.poll()?.line.text, 'a6')
    assert.equal(merge.poll()?.line.text, 'b7')
    assert.equal(merge.poll(), undefined)
  })

  it('gives a line with all that go on with it, however they come', () => {
    const merge = new HistoryMerge<string>()
    merge.open('a')
    merge.push('a', line(1, 'at the margin of a log that begins in a trace'), true)
    merge.push('a', line(2, 'head'))
    merge.push('a', line(3, 'rest 1'), true)
    assert.equal(merge.poll()?.line.text, 'at the margin of a log that begins in a trace')
    assert.equal(merge.poll(), undefined)
    merge.push('a', line(4, 'rest 2'), true)
    merge.close('a')
    const entry = merge.poll()
    assert.equal(entry?.line.text, 'head')
    assert.deepEqual(
      entry?.rest.map(({ text }) => text),
      ['rest 1', 'rest 2'],
    )
    assert.equal(merge.heldOf('a'), 0)
  })

  it('makes several events of one that has no end', () => {
    const merge = new HistoryMerge<string>()
    merge.open('a')
    for (let count = 0; count < 2_500; count++) merge.push('a', line(count, ''), count > 0)
    merge.close('a')
    const sizes: number[] = []
    for (let entry = merge.poll(); entry; entry = merge.poll()) sizes.push(1 + entry.rest.length)
    assert.deepEqual(sizes, [1_001, 1_001, 498])
  })

  it('gives what it holds when nothing more will be read', () => {
    const merge = new HistoryMerge<string>()
    merge.open('a')
    merge.push('a', line(1, 'a1'))
    assert.equal(merge.poll(), undefined)
    merge.settle()
    merge.settle()
    assert.equal(merge.poll()?.line.text, 'a1')
    assert.equal(merge.poll(), undefined)
  })

  it('keeps the order within a source when its stamps run backwards, and drops nothing', () => {
    const merged = mergeAll(
      [[line(10, 'a10'), line(4, 'a4'), line(undefined, 'a?'), line(12, 'a12')], [line(11, 'b11')]],
      [],
    )
    assert.deepEqual(merged, ['a10', 'a4', 'a?', 'b11', 'a12'])
  })

  it('counts what it holds, so that a source ahead of the others can wait', () => {
    const merge = new HistoryMerge<string>()
    merge.open('a')
    merge.open('b')
    merge.push('a', line(1, 'x'.repeat(1_000)))
    assert.equal(merge.heldOf('a'), 0, 'a source that must be read on to complete a line never waits for it')
    merge.push('a', line(2, 'x'))
    assert.ok(merge.heldOf('a') > 1_000 && merge.heldOf('a') < 2_000)
    merge.push('b', line(2, 'y'))
    merge.push('b', line(3, 'y'))
    merge.poll()
    assert.equal(merge.heldOf('a'), 0)
  })

  it('equals a stable sort, however the sources come (property)', () => {
    const log = fc.array(fc.nat(50), { maxLength: 40 }).map((stamps) => stamps.sort((a, b) => a - b))
    fc.assert(
      fc.property(
        fc.array(log, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(100), { maxLength: 200 }),
        (logs, turns) => {
          const lines = logs.map((stamps, source) =>
            stamps.map((ms, at) => line(ms, `${source}/${at}@${ms}`)),
          )
          const sorted = lines
            .flat()
            .toSorted((a, b) =>
              (a.stamp as string) < (b.stamp as string) ? -1 : a.stamp === b.stamp ? 0 : 1,
            )
          assert.deepEqual(
            mergeAll(lines, turns),
            sorted.map(({ text }) => text),
          )
        },
      ),
      { numRuns: 500 },
    )
  })

  it('keeps its place in a log far longer than what it holds at once', () => {
    const lines = Array.from({ length: 5_000 }, (_, at) => line(at, `${at}`))
    assert.deepEqual(mergeAll([lines, [line(9_999, 'last')]], []), [...lines.map(({ text }) => text), 'last'])
  })
})

describe('Heap', () => {
  it('gives its elements in order (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = new Heap<number>((a, b) => a < b)
        for (const number of numbers) heap.push(number)
        const given = numbers.map(() => heap.pop())
        assert.deepEqual(
          given,
          numbers.toSorted((a, b) => a - b),
        )
        assert.equal(heap.pop(), undefined)
        assert.equal(heap.size, 0)
      }),
    )
  })
})
