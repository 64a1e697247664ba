import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseWindow, windowsOverlap } from '#core/installation/windows.ts'

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const DAY = 24 * 60
const WEEK = 7 * DAY

const clock = (minute: number) =>
  `${String(Math.floor(minute / 60) % 24).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
const weekly = (minute: number) => `${DAYS[Math.floor(minute / DAY) % 7]}:${clock(minute % DAY)}`

const minuteOfWeek = fc.integer({ min: 0, max: WEEK - 1 })
const length = fc.integer({ min: 1, max: DAY - 1 })

describe('windows of backup and maintenance', () => {
  for (const [one, other, overlap, why] of [
    ['06:00-07:00', 'tue:04:00-tue:05:00', false, "the product's own, of a database"],
    ['12:00-13:00', 'tue:16:00-tue:17:00', false, "the product's own, of a cache"],
    ['04:30-05:30', 'tue:04:00-tue:05:00', true, 'half an hour of Tuesday'],
    ['05:00-06:00', 'tue:04:00-tue:05:00', false, 'one begins when the other ends'],
    ['23:30-00:30', 'wed:00:00-wed:01:00', true, 'a daily one over midnight'],
    ['23:30-00:30', 'mon:00:00-mon:00:15', true, "Sunday's goes over the week's end"],
    ['01:00-02:00', 'sun:23:00-mon:01:30', true, "a weekly one over the week's end"],
    ['TUE:04:00-TUE:05:00', 'tue:04:59-tue:06:00', true, 'capitals do not count'],
    ['nonsense', 'tue:04:00-tue:05:00', false, 'what is no window is never open'],
  ] as const)
    it(`${one} and ${other}: ${why}`, () => assert.equal(windowsOverlap(one, other), overlap))

  for (const text of [
    '',
    '6:00-7:00',
    '06:00',
    'tue:06:00-07:00',
    'xyz:06:00-tue:07:00',
    '06:60-07:00',
    '25:00-26:00',
  ])
    it(`reads nothing from ${JSON.stringify(text)}`, () => assert.deepEqual(parseWindow(text), []))

  it('is open exactly as long as it says, wherever it begins', () => {
    fc.assert(
      fc.property(minuteOfWeek, length, (from, minutes) => {
        const [span] = parseWindow(`${weekly(from)}-${weekly((from + minutes) % WEEK)}`)
        assert.deepEqual(span, { from, to: from + minutes })
      }),
    )
  })

  it('agrees with a count of every minute, whichever of the two is asked', () => {
    const minutesOf = (from: number, minutes: number, cycle: number) =>
      new Set(Array.from({ length: minutes }, (_, at) => (from + at) % cycle))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: DAY - 1 }), length, minuteOfWeek, length, (daily, a, from, b) => {
        const backup = `${clock(daily)}-${clock((daily + a) % DAY)}`
        const maintenance = `${weekly(from)}-${weekly((from + b) % WEEK)}`
        const everyDay = minutesOf(daily, a, DAY)
        const meets = [...minutesOf(from, b, WEEK)].some((minute) => everyDay.has(minute % DAY))
        assert.equal(windowsOverlap(backup, maintenance), meets)
        assert.equal(windowsOverlap(maintenance, backup), meets)
      }),
    )
  })
})
