import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ResumeCursor } from '#core/logs/cursor.ts'
import { parseLine, secondOf } from '#core/logs/line.ts'
import { LineSplitter } from '#core/logs/line-splitter.ts'
import type { Seam } from '#core/logs/overlap.ts'
import { boxed } from '../../support/boxed.ts'

/** A log file: lines of bytes, some of which may have been rotated away. */
interface LogFile {
  readonly lines: readonly string[]
}

const start = Date.UTC(2026, 10, 23, 11, 2, 14)

/** A line stamped `ms` milliseconds (and `nanos`) after the start. */
function line(ms: number, text: string, nanos = 0): string {
  const wall = start + ms
  const fraction = String(wall % 1_000).padStart(3, '0') + String(nanos).padStart(6, '0')
  return `${new Date(wall).toISOString().slice(0, 19)}.${fraction}Z ${text}`
}

/** What the API gives of a file: lines at or after a whole second, from the oldest that is left. */
function serve(file: LogFile, sinceTime: string | undefined, rotated = 0): Buffer {
  const lines = file.lines.slice(rotated).filter((text) => {
    const { stamp } = parseLine(text)
    return sinceTime === undefined || stamp === undefined || `${secondOf(stamp)}Z` >= sinceTime
  })
  return Buffer.from(lines.map((text) => `${text}\n`).join(''))
}

/** Reads a served log as a follower does; what is new is added to `shown`. An unfinished line is dropped. */
function readThrough(
  bytes: Buffer,
  cursor: ResumeCursor,
  shown: string[],
  quietAfter = true,
): Seam | undefined {
  const overlap = cursor.resume()?.overlap
  const splitter = new LineSplitter(1024 * 1024)
  const show = (fresh: ReturnType<typeof parseLine>) => {
    cursor.see(fresh)
    shown.push(fresh.stamp === undefined ? fresh.text : `${fresh.stamp} ${fresh.text}`)
  }
  for (const text of splitter.push(bytes)) {
    const parsed = parseLine(text)
    for (const fresh of overlap ? overlap.offer(parsed) : [parsed]) show(fresh)
  }
  if (quietAfter) for (const fresh of overlap?.settle() ?? []) show(fresh)
  return overlap?.seam
}

function sinceOf(cursor: ResumeCursor): string | undefined {
  return cursor.resume()?.sinceTime
}

describe('ResumeCursor', () => {
  const crowded: LogFile = {
    lines: [
      line(0, 'first'),
      line(100, 'same', 5),
      line(100, 'same', 5),
      line(100, 'same', 5),
      line(100, 'other', 5),
      line(990, 'stderr runs ahead'),
      line(985, 'stdout comes after with an earlier stamp'),
      line(1_002, 'žluťoučký 日本'),
      line(999, 'back over the second'),
      line(2_500, ''),
      line(2_500, 'same stamp, other text'),
      line(61_000, 'after a pause'),
      line(61_000, 'after a pause'),
    ],
  }

  it('loses and doubles nothing, wherever the stream is cut', () => {
    const whole = serve(crowded, undefined)
    for (let cut = 0; cut <= whole.length; cut++) {
      const cursor = new ResumeCursor(true)
      const shown: string[] = []
      readThrough(whole.subarray(0, cut), cursor, shown, false)
      readThrough(serve(crowded, sinceOf(cursor)), cursor, shown)
      assert.deepEqual(shown, crowded.lines, `cut at byte ${cut}`)
    }
  })

  it('loses and doubles nothing when the second stream is cut as well, wherever', () => {
    const whole = serve(crowded, undefined)
    for (let cut = 0; cut <= whole.length; cut += 23) {
      for (let second = 0; second < 400; second += 7) {
        const cursor = new ResumeCursor(true)
        const shown: string[] = []
        readThrough(whole.subarray(0, cut), cursor, shown, false)
        readThrough(serve(crowded, sinceOf(cursor)).subarray(0, second), cursor, shown, false)
        readThrough(serve(crowded, sinceOf(cursor)), cursor, shown)
        assert.deepEqual(shown, crowded.lines, `cuts at bytes ${cut} and ${second}`)
      }
    }
  })

  it('takes a log up a second early and never in the middle of a second', () => {
    const cursor = new ResumeCursor(true)
    assert.equal(cursor.resume(), undefined)
    cursor.see(parseLine('2026-11-23T11:00:00.000000001Z x'))
    assert.equal(cursor.resume()?.sinceTime, '2026-11-23T10:59:59Z')
  })

  it('does not show what came before the first line of a log joined in its middle', () => {
    for (let joined = 0; joined < crowded.lines.length; joined++) {
      const cursor = new ResumeCursor(false)
      const shown: string[] = []
      const tail = crowded.lines.slice(joined)
      readThrough(serve({ lines: tail.slice(0, 2) }, undefined), cursor, shown)
      readThrough(serve(crowded, sinceOf(cursor)), cursor, shown)
      // Lines alike in stamp and text cannot be told from each other where nobody has counted them from the start.
      assert.deepEqual(new Set(shown), new Set(tail), `joined at ${joined}`)
      assert.ok(shown.length <= tail.length + 1)
    }
  })

  it('names the hole when the line last seen has been rotated away', () => {
    const cursor = new ResumeCursor(true)
    const shown: string[] = []
    const file = { lines: [0, 1, 2, 3, 4].map((n) => line(n * 10, `line ${n}`)) }
    readThrough(serve({ lines: file.lines.slice(0, 2) }, undefined), cursor, shown)
    const seam = readThrough(serve(file, sinceOf(cursor), 3), cursor, shown)
    assert.deepEqual(
      shown,
      [0, 1, 3, 4].map((n) => file.lines[n]),
    )
    assert.deepEqual(seam, {
      kind: 'gap',
      after: parseLine(file.lines[1] as string).stamp,
      before: parseLine(file.lines[3] as string).stamp,
    })
  })

  it('finds its place when only the beginning of the overlap has been rotated away', () => {
    const file = { lines: Array.from({ length: 20 }, (_, n) => line(n * 10, `line ${n}`)) }
    for (let rotated = 0; rotated < 10; rotated++) {
      const cursor = new ResumeCursor(true)
      const shown: string[] = []
      readThrough(serve({ lines: file.lines.slice(0, 10) }, undefined), cursor, shown)
      const seam = readThrough(serve(file, sinceOf(cursor), rotated), cursor, shown)
      assert.deepEqual(shown, file.lines)
      assert.deepEqual(seam, { kind: 'whole' })
    }
  })

  it('counts what it cannot remember one by one', () => {
    const lines = Array.from({ length: 30_000 }, (_, n) => line(Math.floor(n / 20), `line ${n % 7}`, n % 3))
    for (const seen of [8_191, 8_192, 8_193, 16_384, 29_999]) {
      const cursor = new ResumeCursor(true)
      for (const text of lines.slice(0, seen)) cursor.see(parseLine(text))
      const shown: string[] = []
      const seam = readThrough(serve({ lines }, sinceOf(cursor)), cursor, shown)
      assert.deepEqual(shown, lines.slice(seen), `${seen} seen`)
      assert.deepEqual(seam, { kind: 'whole' })
    }
  })

  it('survives a clock that was set back, as long as it counted those seconds', () => {
    const forwards = Array.from({ length: 40 }, (_, n) => line(n * 1_000, `a${n}`))
    const again = Array.from({ length: 20 }, (_, n) => line(n * 1_000 + 500, `b${n}`))
    const file = { lines: [...forwards, ...again] }
    for (const seen of [41, 50, 60]) {
      const cursor = new ResumeCursor(true)
      const shown = file.lines.slice(0, seen)
      for (const text of shown) cursor.see(parseLine(text))
      readThrough(serve(file, sinceOf(cursor)), cursor, shown)
      assert.deepEqual(shown, file.lines, `${seen} seen`)
    }
  })

  it('loses nothing to a clock that is set back exactly at the cut, once the log has shown that it does so', () => {
    for (const back of [1_500, 5_000, 29_000]) {
      const [first = [], second = [], third = []] = [0, 1, 2].map((run) =>
        Array.from({ length: 40 }, (_, n) => line(run * (39_000 - back) + n * 1_000, `${run}: ${n}`)),
      )
      // Set back for the second time while nobody reads.
      const file = { lines: [...first, ...second, ...third] }
      const cursor = new ResumeCursor(true)
      const shown = [...first, ...second]
      for (const text of shown) cursor.see(parseLine(text))
      assert.deepEqual(readThrough(serve(file, sinceOf(cursor)), cursor, shown), { kind: 'whole' })
      assert.deepEqual(shown, file.lines, `${back} ms back`)
    }
  })

  it('does not ask for hours again because a clock was once wrong by hours', () => {
    const cursor = new ResumeCursor(true)
    for (const ms of [7_200_000, 0, 1_000]) cursor.see(parseLine(line(ms, 'x')))
    assert.equal(cursor.resume()?.sinceTime, `${new Date(start - 30_000).toISOString().slice(0, 19)}Z`)
  })

  it('says so when the log is not the one that was seen, and shows what may be new', () => {
    const cursor = new ResumeCursor(true)
    for (const n of [0, 1, 2, 3]) cursor.see(parseLine(line(n, `line ${n}`)))
    const last = parseLine(line(3, 'line 3')).stamp
    const shown: string[] = []
    const other = [line(0, 'line 0'), line(2, 'line 2'), line(2, 'never seen'), line(9, 'new')]
    const seam = readThrough(serve({ lines: other }, sinceOf(cursor)), cursor, shown)
    assert.deepEqual(shown, other.slice(2))
    assert.deepEqual(seam, { kind: 'uncertain', after: last })
  })

  it('gives up what it held back when the log falls quiet', () => {
    const cursor = new ResumeCursor(true)
    for (const text of ['same', 'other', 'same']) cursor.see(parseLine(line(5, text)))
    const overlap = cursor.resume()?.overlap
    assert.ok(overlap)
    // The first or the third of them; so what follows is the second, or new. Only silence tells.
    assert.deepEqual(overlap.offer(parseLine(line(5, 'same'))), [])
    assert.deepEqual(overlap.offer(parseLine(line(5, 'other'))), [])
    assert.equal(overlap.seam, undefined)
    assert.deepEqual(overlap.settle(), [parseLine(line(5, 'other'))])
    assert.deepEqual(overlap.seam, { kind: 'whole' })
  })

  it('keeps its place in a very long log', () => {
    const cursor = new ResumeCursor(true)
    for (let n = 0; n < 100_000; n++) cursor.see(parseLine(line(n * 700, 'x')))
    const point = cursor.resume()
    assert.ok(point)
    assert.deepEqual(point.overlap.offer(parseLine(line(99_999 * 700, 'x'))), [])
  })

  it('holds over random logs, cuts and rotation (property)', () => {
    const entry = fc.record({
      step: fc.integer({ min: 0, max: 700 }),
      back: fc.integer({ min: 0, max: 400 }),
      text: fc.constantFrom('a', 'b', 'c', ''),
    })
    const scenario = fc.record({
      entries: fc.array(entry, { minLength: 1, maxLength: 60 }),
      cuts: fc.array(fc.nat(4_000), { maxLength: 4 }),
    })
    fc.assert(
      fc.property(scenario, ({ entries, cuts }) => {
        let now = 0
        const lines = entries.map(({ step, back, text }) => {
          now += step
          return line(Math.max(0, now - back), text)
        })
        const cursor = new ResumeCursor(true)
        const shown: string[] = []
        for (const cut of cuts)
          readThrough(serve({ lines }, sinceOf(cursor)).subarray(0, cut), cursor, shown, false)
        readThrough(serve({ lines }, sinceOf(cursor)), cursor, shown)
        assert.deepEqual(shown, lines)
      }),
      boxed(2_000, 8_000),
    )
  })

  it('never shows a line twice and loses only what was rotated away unseen (property)', () => {
    const scenario = fc.record({
      count: fc.integer({ min: 1, max: 60 }),
      spacing: fc.integer({ min: 0, max: 300 }),
      seen: fc.nat(60),
      rotated: fc.nat(60),
    })
    fc.assert(
      fc.property(scenario, ({ count, spacing, seen, rotated }) => {
        const lines = Array.from({ length: count }, (_, n) => line(n * spacing, `line ${n}`))
        const cursor = new ResumeCursor(true)
        const shown: string[] = []
        readThrough(serve({ lines: lines.slice(0, seen) }, undefined), cursor, shown)
        readThrough(serve({ lines }, sinceOf(cursor), rotated), cursor, shown)
        const lost = lines
          .slice(Math.min(seen, rotated), rotated)
          .filter((_, n) => Math.min(seen, rotated) + n >= seen)
        assert.deepEqual(
          shown,
          lines.filter((text) => !lost.includes(text)),
        )
      }),
      { numRuns: 1_000 },
    )
  })
})
