import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type LogLine, parseLine, type Stamp, secondOf } from '#core/logs/line.ts'
import { SPAN_SLACK_SECONDS, SpanCut } from '#core/logs/span.ts'
import { findTailStart, type TailWish } from '#core/logs/tail-start.ts'

const START = Date.UTC(2026, 10, 23, 11)

function stampAfter(ms: number): Stamp {
  return `${new Date(START + ms).toISOString().slice(0, -1)}000000Z` as Stamp
}

/** One line each so many milliseconds after the start. */
function logOf(moments: readonly number[]): LogLine[] {
  return moments.map((ms, nth) => parseLine(`${stampAfter(ms)} ${nth}`))
}

/** Finds the start in a log as the API gives it; tells how many lines were counted for that. */
async function search(log: readonly LogLine[], wish: TailWish) {
  let counted = 0
  const first = log[0]?.stamp ?? assert.fail('the log has lines')
  const since = await findTailStart(wish, first, async (from, least) => {
    let count = 0
    for (const { stamp = first } of log) {
      if (secondOf(stamp) < from) continue
      counted += 1
      if (stamp <= wish.to && secondOf(stamp) >= least) count += 1
      if (count >= wish.lines || secondOf(stamp) > secondOf(wish.to)) break
    }
    return count
  })
  return { since, counted }
}

/** The last lines of a span, of those that the API gives since a second. */
function lastOf(log: readonly LogLine[], { lines, from, to }: TailWish, since = ''): LogLine[] {
  const given = log.filter(({ stamp }) => stamp !== undefined && secondOf(stamp) >= since)
  return new SpanCut({ from, to }).cut(given, true).slice(-lines)
}

describe('the last lines before a moment', () => {
  const everySecond = logOf(Array.from({ length: 100_000 }, (_, second) => second * 1_000))

  it('are read from a moment a little before them', async () => {
    const wish = { lines: 50, to: stampAfter(90_000_000), from: undefined }
    const { since, counted } = await search(everySecond, wish)
    assert.deepEqual(lastOf(everySecond, wish, since), lastOf(everySecond, wish))
    assert.equal(since, secondOf(stampAfter(90_000_000 - 160_000)))
    assert.ok(counted < 6 * wish.lines, `${counted} lines were counted`)
  })

  it('are all of a log that has no more of them, or of the span', async () => {
    const early = { lines: 50, to: stampAfter(30_000), from: undefined }
    assert.equal((await search(everySecond, early)).since, undefined)
    const narrow = { lines: 50, to: stampAfter(90_000_000), from: stampAfter(89_990_000) }
    assert.deepEqual(await search(everySecond, narrow), { since: undefined, counted: 0 })
  })

  it('are none of a log that begins later, of which nothing is counted', async () => {
    const wish = { lines: 50, to: stampAfter(-3_600_000), from: undefined }
    const { since, counted } = await search(everySecond, wish)
    assert.deepEqual([since, counted], [secondOf(stampAfter(-3_610_000)), 0])
  })

  it('are the same as of the whole log, however bursty, and as far as stamps run backwards (property)', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            pause: fc.oneof(fc.nat(300), fc.nat(100_000)),
            back: fc.nat(SPAN_SLACK_SECONDS * 1_000 - 1),
          }),
          { minLength: 1, maxLength: 80 },
        ),
        fc.record({
          lines: fc.integer({ min: 1, max: 20 }),
          to: fc.nat(3_000_000),
          width: fc.option(fc.nat(2_000_000)),
        }),
        async (entries, { lines, to, width }) => {
          let now = 0
          const log = logOf(
            entries.map(({ pause, back }) => {
              now += pause
              return Math.max(0, now - back)
            }),
          )
          const from = width === null ? undefined : stampAfter(to - width)
          const wish = { lines, to: stampAfter(to), from }
          const { since } = await search(log, wish)
          assert.deepEqual(lastOf(log, wish, since), lastOf(log, wish))
        },
      ),
      { numRuns: 2_000 },
    ))
})
