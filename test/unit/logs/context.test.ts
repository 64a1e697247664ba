import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  ContextGroups,
  ContextSelect,
  type ContextSize,
  keepLastMatches,
  type Placed,
} from '#core/logs/context.ts'

const A = { name: 'a' }
const B = { name: 'b' }
type Shown = Placed<typeof A, string>

/** Offers events of A; capital letters are looked for. */
function show(events: string, size: ContextSize): string {
  const select = new ContextSelect<typeof A, string>(size, () => 1)
  const groups = new ContextGroups()
  let text = ''
  let group = 0
  for (const event of events)
    for (const placed of select.offer(A, event, /[A-Z]/.test(event))) {
      const own = groups.groupOf(placed)
      text += own > group && group > 0 ? `|${placed.item}` : placed.item
      group = own
    }
  return text
}

describe('ContextSelect', () => {
  const rows: ReadonlyArray<[events: string, before: number, after: number, want: string, why: string]> = [
    ['abcDefg', 0, 0, 'D', 'nothing around it'],
    ['abcDefg', 2, 1, 'bcDe', 'before and after'],
    ['Defg', 2, 1, 'De', 'at the beginning there is nothing before'],
    ['abcD', 2, 1, 'bcD', 'at the end there is nothing after'],
    ['aBcDe', 1, 1, 'aBcDe', 'what stands between two is shown once, and they are one group'],
    ['aBcdEf', 1, 1, 'aBcdEf', 'groups that touch are one'],
    ['aBcxdEf', 1, 1, 'aBc|dEf', 'others are separated'],
    ['AxxxA', 0, 0, 'A|A', 'also with nothing around'],
    ['ABCde', 0, 1, 'ABCd', 'one match after the other begins to count anew'],
    ['abc', 3, 3, '', 'nothing fits'],
  ]
  for (const [events, before, after, want, why] of rows)
    it(`${events} with ${before} before and ${after} after is ${want || 'nothing'}: ${why}`, () =>
      assert.equal(show(events, { before, after }), want))

  it('is of each source for itself', () => {
    const select = new ContextSelect<typeof A, string>({ before: 1, after: 1 }, () => 1)
    const shown = [
      ...select.offer(A, 'a1', false),
      ...select.offer(B, 'b1', false),
      ...select.offer(A, 'A2', true),
      ...select.offer(B, 'b2', false),
      ...select.offer(A, 'a3', false),
    ]
    assert.deepEqual(
      shown.map(({ item }) => item),
      ['a1', 'A2', 'a3'],
    )
  })

  it('holds no more than a bound of what is only perhaps shown, and the last in any case', () => {
    const select = new ContextSelect<typeof A, string>({ before: 10, after: 0 }, () => 600 * 1024)
    for (const event of 'abc') select.offer(A, event, false)
    assert.deepEqual(
      select.offer(A, 'D', true).map(({ item }) => item),
      ['c', 'D'],
    )
  })
})

const sizes = fc.record({ before: fc.nat(4), after: fc.nat(4) })
const streams = fc.array(fc.record({ source: fc.constantFrom(A, B), isMatch: fc.boolean() }), {
  maxLength: 60,
})

function select(events: readonly { source: typeof A; isMatch: boolean }[], size: ContextSize): Shown[] {
  const around = new ContextSelect<typeof A, string>(size, () => 1)
  return events.flatMap(({ source, isMatch }, at) => around.offer(source, String(at), isMatch))
}

describe('any stream of events', () => {
  it('shows exactly what stands near enough to a match of its source, each once, in the order of its source', () =>
    fc.assert(
      fc.property(streams, sizes, (events, size) => {
        const shown = select(events, size)
        for (const source of [A, B]) {
          const own = events.flatMap((event, at) => (event.source === source ? [{ ...event, at }] : []))
          const near = own.filter((_, place) =>
            own.some(({ isMatch }, at) => isMatch && at - size.before <= place && place <= at + size.after),
          )
          assert.deepEqual(
            shown.filter((placed) => placed.source === source).map(({ item }) => Number(item)),
            near.map(({ at }) => at),
          )
        }
      }),
    ))

  it('cut to its last matches is what would be shown if there had been no others', () =>
    fc.assert(
      fc.property(streams, sizes, fc.nat(5), (events, size, count) => {
        const matches = events.flatMap(({ isMatch }, at) => (isMatch ? [at] : []))
        const kept = new Set(count === 0 ? [] : matches.slice(-count))
        const onlyLast = select(
          events.map((event, at) => ({ ...event, isMatch: kept.has(at) })),
          size,
        )
        const byName = (shown: readonly Shown[]) =>
          shown.map(({ item }) => Number(item)).sort((a, b) => a - b)
        const cut = keepLastMatches(select(events, size), count, size)
        assert.deepEqual(byName(cut), byName(onlyLast))
        assert.deepEqual(keepLastMatches(cut, count, size), cut, 'cutting again changes nothing')
      }),
    ))
})
