import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checkHours, parseHours } from '#core/bastion/hours.ts'
import { describeParameter } from '#core/stack/parameters.ts'

/** At which hours a bastion must be up, as a person writes them. */

const ALL = [0, 1, 2, 3, 4, 5, 6]
const ROWS: ReadonlyArray<readonly [text: string, days: number[], from: number, to: number, zone: string]> = [
  ['Mon-Fri 08:00-18:00 Europe/Berlin', [1, 2, 3, 4, 5], 480, 1080, 'Europe/Berlin'],
  ['mon,WED, fri 8:00-9:30 UTC', [1, 3, 5], 480, 570, 'UTC'],
  ['Fri-Mon 22:00-06:00 America/New_York', [0, 1, 5, 6], 1320, 1800, 'America/New_York'],
  ['Mon-Wed,Sat 00:00-24:00 Asia/Kolkata', [1, 2, 3, 6], 0, 1440, 'Asia/Kolkata'],
  ['Sun 23:00-00:00 UTC', [0], 1380, 1440, 'UTC'],
  ['08:00-18:00 UTC', ALL, 480, 1080, 'UTC'],
]

const WRONG: ReadonlyArray<readonly [text: string, why: RegExp]> = [
  ['Mon-Fri', /names no time of day, as Mon-Fri 08:00-18:00 Europe\/Berlin does$/],
  ['Mo-Fri 08:00-18:00 UTC', /: "Mo-Fri" is no day and no range of days \(Mon, Tue/],
  ['Mon, 08:00-18:00 UTC', /: "" is no day/],
  ['Mon-Tue-Wed 08:00-18:00 UTC', /"Mon-Tue-Wed" is no day/],
  ['Monday 08:00-18:00 UTC', /"Monday" is no day/],
  ['Mon 8-18 UTC', /names no time of day/],
  ['Mon 08:00 UTC', /08:00 is no span of a day/],
  ['Mon 08:60-18:00 UTC', /08:60-18:00 is no span of a day/],
  ['Mon 08:00-24:01 UTC', /is no span of a day/],
  ['Mon 24:00-06:00 UTC', /is no span of a day/],
  ['Mon 08:00-08:00 UTC', /begins when it ends; a whole day is 00:00-24:00$/],
  ['Mon 08:00-18:00', /names no time zone/],
  ['Mon 08:00-18:00 Berlin', /there is no time zone Berlin/],
  ['Mon 08:00-18:00 UTC Tue 08:00-18:00 UTC', /goes on with Tue 08:00-18:00 UTC; a semicolon/],
  ['Mon 08:00-18:00 UTC; nonsense', /^"nonsense": it names no time of day/],
]

describe('hours at which a bastion must be up', () => {
  for (const [text, days, from, to, zone] of ROWS)
    it(`are read: ${text}`, () => {
      const windows = parseHours(text)
      assert.ok(typeof windows !== 'string', String(windows))
      const [window, ...more] = windows
      assert.deepEqual(more, [])
      assert.deepEqual([...(window?.days ?? [])].sort(), days)
      assert.deepEqual([window?.from, window?.to, window?.zone, window?.text], [from, to, zone, text])
      assert.match(`${text}; ${text}`, new RegExp(describeParameter('bastionHours').pattern ?? 'none'))
    })

  for (const [text, why] of WRONG)
    it(`are refused with a reason: ${text}`, () => {
      const clause = parseHours(text)
      assert.ok(typeof clause === 'string')
      assert.match(clause, why)
    })

  it('may be several, and none', () => {
    const windows = parseHours(' Mon 08:00-18:00   UTC ;; Sat 10:00-12:00 Europe/Paris; ')
    assert.ok(typeof windows !== 'string')
    assert.deepEqual(
      windows.map(({ text }) => text),
      ['Mon 08:00-18:00 UTC', 'Sat 10:00-12:00 Europe/Paris'],
    )
    for (const nothing of ['', ' ', ';']) assert.deepEqual(parseHours(nothing), [])
  })

  it('are an error with what, why and what next where somebody has set them', () => {
    assert.throws(() => checkHours('Mon 8-18 UTC', 'bastionHours', 'usage'), {
      code: 'usage',
      message: 'bastionHours does not say at which hours the bastion must be up',
      why: /^"Mon 8-18 UTC": it names no time of day/,
      next: "deploy the stack with others: pgctl deploy --set 'bastionHours=Mon-Fri 08:00-18:00 Europe/Berlin' --plan",
    })
    assert.equal(checkHours('08:00-18:00 UTC', 'bastionHours', 'usage').length, 1)
  })

  it('of any text are windows or a clause, and never a failure', () => {
    const words = fc.constantFrom('Mon', 'Mon-Fri', ',', ';', '-', '08:00-18:00', '24:00', 'UTC', ' ', '\n')
    const text = fc.oneof(
      fc.string(),
      fc.array(words).map((each) => each.join(' ')),
      fc.array(words).map((each) => each.join('')),
    )
    fc.assert(
      fc.property(text, (drawn) => {
        const windows = parseHours(drawn)
        if (typeof windows === 'string') return assert.notEqual(windows, '')
        for (const { days, from, to } of windows)
          assert.ok(days.size > 0 && from >= 0 && from < 1_440 && to > from && to <= from + 1_440)
      }),
      { numRuns: 500 },
    )
  })
})
