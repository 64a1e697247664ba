import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { renderCalendar } from '#cli/render/snapshot-calendar.ts'
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
        .map(({ isToday: _, ...day }) => day),
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
        '2026-11  23   24●  25●× 26·  27·  28·  29·',
        '● can be restored  ○ lacks a part  · to come  × will be let go of',
      ],
    )
  })
})
