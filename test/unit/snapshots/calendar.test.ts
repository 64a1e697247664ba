import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { renderCalendar } from '#cli/render/snapshot-calendar.ts'
import { calendarSvg } from '#cli/render/snapshot-calendar-svg.ts'
import { calendarDays } from '#core/snapshots/calendar.ts'
import type { RecoveryPoint } from '#core/snapshots/points.ts'
import { NIGHTLY, planInput, policyOf, sourceOf } from '../../support/snapshot-scene.ts'

const NOW = Date.parse('2026-11-25T12:00Z')
const HERMES = sourceOf('rds-instance', 'hermes')

function point(at: string, missing: string[] = [], until?: string): RecoveryPoint {
  return {
    ...{ id: at, set: 'nightly', slot: at, parts: [], missing, complete: missing.length === 0 },
    ...{ skewSeconds: undefined, takenAt: Date.parse(at) },
    restorable: until
      ? { kind: 'until', at: Date.parse(until), limitedBy: 'x' }
      : { kind: 'beyond', at: NOW },
  }
}

describe('the calendar', () => {
  const days = calendarDays(
    planInput(policyOf(NIGHTLY), NOW, [HERMES], []),
    [
      point('2026-11-24T23:30Z', [], '2026-11-28T01:30Z'),
      point('2026-11-24T01:30Z'),
      point('2026-11-20T01:30Z', ['rds-instance/x']),
    ],
    { back: 6, ahead: 4 },
  )

  it("has the days of the policy's zone, with what there is, what goes and what is due", () => {
    assert.deepEqual(
      days
        .filter(({ complete, incomplete, due }) => complete + incomplete + due > 0)
        .map(({ day, due, complete, incomplete, expires }) => ({ day, due, complete, incomplete, expires })),
      [
        { day: '2026-11-20', due: 0, complete: 0, incomplete: 1, expires: undefined },
        { day: '2026-11-24', due: 0, complete: 1, incomplete: 0, expires: undefined },
        { day: '2026-11-25', due: 0, complete: 1, incomplete: 0, expires: '2026-11-28' },
        ...['26', '27', '28', '29'].map((day) => ({
          ...{ day: `2026-11-${day}`, due: 1, complete: 0, incomplete: 0, expires: undefined },
        })),
      ],
    )
    assert.deepEqual(
      days.filter(({ isToday }) => isToday).map(({ day }) => day),
      ['2026-11-25'],
    )
  })

  it('is shown in weeks', () => {
    assert.deepEqual(
      renderCalendar(days, (_, text) => text)
        .split('\n')
        .map((line) => line.trimEnd()),
      [
        '         Mon  Tue  Wed  Thu  Fri  Sat  Sun',
        '2026-11                 19   20○  21   22',
        '         23   24●  25●× 26·× 27·  28·  29·',
        '● can be restored  ○ lacks a part  · to come  × gone by the last day shown',
      ],
    )
  })
})

describe('what the calendar says of the end', () => {
  const days = calendarDays(
    planInput(policyOf(NIGHTLY), NOW, [HERMES], []),
    [
      point('2026-11-24T01:30Z', [], '2026-11-27T01:30Z'),
      point('2026-11-25T01:30Z', [], '2026-12-28T01:30Z'),
    ],
    { back: 2, ahead: 9 },
  )
  const of = (day: string) => days.find((each) => each.day === day)

  it('a point that goes within the days shown is not kept, and leaves on its day', () => {
    assert.deepEqual([of('2026-11-24')?.kept, of('2026-11-24')?.complete], [0, 1])
    assert.equal(of('2026-11-27')?.leaving, 1)
  })

  it('one that goes later is kept', () => assert.equal(of('2026-11-25')?.kept, 1))

  it('of the slots to come the rules keep the last three, and no more', () => {
    assert.equal(days.filter(({ due }) => due > 0).length, 9)
    assert.deepEqual(
      days.filter(({ dueKept }) => dueKept > 0).map(({ day }) => day),
      ['2026-12-02', '2026-12-03', '2026-12-04'],
    )
  })

  it('a slot of a set that nothing is in is not to come', () => {
    const nobody = calendarDays(planInput(policyOf(NIGHTLY), NOW, [], []), [], { back: 0, ahead: 3 })
    assert.equal(nobody.filter(({ due }) => due > 0).length, 0)
  })
})

describe('the calendar as a picture', () => {
  const days = calendarDays(
    planInput(policyOf(NIGHTLY), NOW, [HERMES], []),
    [point('2026-11-24T01:30Z', [], '2026-11-27T01:30Z'), point('2026-11-20T01:30Z', ['rds-instance/x'])],
    { back: 6, ahead: 4 },
  )
  const svg = calendarSvg(days, 'Recovery points of <acme> & "co"')

  it('is well-formed, whatever the installation is called', () => {
    const open: string[] = []
    for (const [, end, name, self] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g))
      if (end) assert.equal(open.pop(), name)
      else if (!self) open.push(name as string)
    assert.deepEqual(open, [])
    assert.match(
      svg,
      /<title id="title">Recovery points of &#60;acme&#62; &#38; &#34;co&#34;: 2026-11-19 to 2026-11-29</,
    )
  })

  it('asks nobody for anything', () => {
    assert.deepEqual(svg.match(/(href|src|url\(|@import|<script|<image)/g), null)
    assert.deepEqual(svg.match(/https?:\/\/[^"]+/g), ['http://www.w3.org/2000/svg'])
  })

  it('has a cell a day with its day in words, so that no colour is needed', () => {
    const titles = [...svg.matchAll(/<title>([^<]*)</g)].map(([, text]) => text)
    assert.equal(titles.length, days.length)
    assert.ok(titles.includes('2026-11-20: 1 lack a part'), titles.join('\n'))
    assert.ok(
      titles.includes(
        '2026-11-24: 1 can be restored, 0 of them at the end, too; the first goes on 2026-11-27',
      ),
    )
    assert.ok(titles.some((text) => /^2026-11-25, today: /.test(text ?? '')))
    assert.ok(titles.some((text) => /^2026-11-27: .*1 go on this day$/.test(text ?? '')))
  })

  it('draws what is there, what goes, what lacks a part and what is to come', () => {
    const count = (pattern: RegExp) => [...svg.matchAll(pattern)].length
    // One of each is in the legend.
    assert.equal(count(/class="lacks" d/g), 2)
    assert.equal(count(/class="goes" [^/]*r="7"/g), 2)
    assert.equal(count(/r="3"/g), 2 + days.filter(({ due }) => due > 0).length)
  })

  it('of no day at all is a picture, too', () => assert.match(calendarSvg([], 'x'), /^<svg .*<\/svg>\n$/s))
})
