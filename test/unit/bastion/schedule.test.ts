import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { checkHours } from '#core/bastion/hours.ts'
import { Schedule } from '#core/bastion/schedule.ts'
import { describeNext, describeUp } from '#core/bastion/schedule-words.ts'

/** When a schedule has a bastion up, on days of 23, 24, 25 and other hours; the calendar it is held to is another's. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const at = (text: string) => Date.parse(text)
const iso = (ms: number | undefined) =>
  ms === undefined ? undefined : new Date(ms).toISOString().slice(0, 16)
const of = (text: string, lead = 0) => new Schedule(checkHours(text, 'hours', 'usage'), lead)
/** Opens and closes in UTC, as seen at `moment`. */
const seen = (text: string, moment: string) => {
  const up = of(text).at(at(moment))
  return up === undefined ? undefined : [iso(up.opened), iso(up.until)]
}

const BERLIN = 'Mon-Fri 08:00-18:00 Europe/Berlin'

describe('a schedule', () => {
  it('is open from the minute that its clocks show to the minute that they show, and not after', () => {
    const open = ['2026-11-26T07:00', '2026-11-26T17:00']
    assert.equal(seen(BERLIN, '2026-11-26T06:59:59.999Z'), undefined)
    assert.deepEqual(seen(BERLIN, '2026-11-26T07:00Z'), open)
    assert.deepEqual(seen(BERLIN, '2026-11-26T16:59:59.999Z'), open)
    assert.equal(seen(BERLIN, '2026-11-26T17:00Z'), undefined)
    assert.equal(seen(BERLIN, '2026-11-28T12:00Z'), undefined, 'a Saturday')
    assert.deepEqual(seen(BERLIN, '2026-07-01T06:30Z'), ['2026-07-01T06:00', '2026-07-01T16:00'], 'in summer')
  })

  it('goes over midnight from a day that is one of its own, and from no other', () => {
    const nights = 'Fri 22:00-06:00 Europe/Berlin'
    assert.deepEqual(seen(nights, '2026-11-28T04:00Z'), ['2026-11-27T21:00', '2026-11-28T05:00'])
    assert.equal(seen(nights, '2026-11-27T04:00Z'), undefined, 'before a Friday')
    assert.equal(seen(nights, '2026-11-28T22:00Z'), undefined, 'the evening of a Saturday')
  })

  const DST: ReadonlyArray<
    readonly [why: string, text: string, moment: string, span: [string, string] | undefined]
  > = [
    [
      'clocks skip 02:00 to 03:00 within it',
      '01:00-04:00 Europe/Berlin',
      '2026-03-29T01:30Z',
      ['2026-03-29T00:00', '2026-03-29T02:00'],
    ],
    [
      'it opens in the hour that is skipped',
      '02:30-05:00 Europe/Berlin',
      '2026-03-29T01:00Z',
      ['2026-03-29T01:00', '2026-03-29T03:00'],
    ],
    [
      'it closes in that hour',
      '01:00-02:30 Europe/Berlin',
      '2026-03-29T01:20Z',
      ['2026-03-29T00:00', '2026-03-29T01:30'],
    ],
    [
      'all of it is skipped',
      '02:15-02:45 Europe/Berlin',
      '2026-03-29T01:10Z',
      ['2026-03-29T01:00', '2026-03-29T01:45'],
    ],
    [
      'all of it is skipped, to the minute',
      '02:00-03:00 Europe/Berlin',
      '2026-03-29T01:10Z',
      ['2026-03-29T01:00', '2026-03-29T02:00'],
    ],
    [
      '02:00 to 03:00 comes twice within it',
      '01:00-04:00 Europe/Berlin',
      '2026-10-25T01:30Z',
      ['2026-10-24T23:00', '2026-10-25T03:00'],
    ],
    [
      'it is the hour that comes twice',
      '02:00-03:00 Europe/Berlin',
      '2026-10-25T01:30Z',
      ['2026-10-25T00:00', '2026-10-25T02:00'],
    ],
    [
      'it closes in that hour',
      '01:00-02:30 Europe/Berlin',
      '2026-10-25T01:20Z',
      ['2026-10-24T23:00', '2026-10-25T01:30'],
    ],
    [
      'the day begins at 01:00',
      '00:00-02:00 America/Santiago',
      '2026-09-06T04:30Z',
      ['2026-09-06T04:00', '2026-09-06T05:00'],
    ],
    [
      'clocks are moved by half an hour',
      '02:10-03:00 Australia/Lord_Howe',
      '2026-10-03T15:40Z',
      ['2026-10-03T15:30', '2026-10-03T16:00'],
    ],
    [
      'a night is an hour longer',
      'Sat 22:00-06:00 America/New_York',
      '2026-11-01T06:00Z',
      ['2026-11-01T02:00', '2026-11-01T11:00'],
    ],
    [
      'the zone is of three quarters of an hour',
      '08:00-09:00 Asia/Kathmandu',
      '2026-11-26T02:15Z',
      ['2026-11-26T02:15', '2026-11-26T03:15'],
    ],
  ]
  for (const [why, text, moment, span] of DST)
    it(`${text} is open ${why}`, () => assert.deepEqual(seen(text, moment), span))

  it('joins windows that meet or overlap, of whatever zones, and knows what never closes', () => {
    const text =
      'Mon 08:00-12:00 UTC; Mon 12:00-14:00 UTC; Mon 14:30-17:00 Europe/Berlin; Mon 17:00-18:00 UTC'
    assert.deepEqual(seen(text, '2026-11-30T09:00Z'), ['2026-11-30T08:00', '2026-11-30T16:00'])
    assert.deepEqual(seen('00:00-24:00 UTC', '2026-11-30T09:00Z'), ['2026-11-30T00:00', undefined])
    assert.deepEqual(seen('Mon-Fri 00:00-24:00 UTC', '2026-11-30T09:00Z'), [
      '2026-11-30T00:00',
      '2026-12-05T00:00',
    ])
  })

  it('counts as open from its lead on, and bridges a gap that is no longer', () => {
    const schedule = of('Mon 08:00-10:00 UTC; Mon 10:02-11:00 UTC', 3 * MINUTE)
    assert.equal(schedule.at(at('2026-11-30T07:56:59Z')), undefined)
    const up = schedule.at(at('2026-11-30T07:57Z'))
    assert.deepEqual([iso(up?.opened), iso(up?.until)], ['2026-11-30T07:57', '2026-11-30T11:00'])
    assert.equal(iso(schedule.at(at('2026-11-30T10:01Z'))?.opened), '2026-11-30T09:59')
    assert.equal(iso(schedule.next(at('2026-11-30T07:56Z'))?.at), '2026-11-30T08:00')
    assert.equal(iso(schedule.next(at('2026-11-30T07:58Z'))?.at), '2026-11-30T10:02', 'that one has begun')
  })

  it('opens a lead before a midnight that it begins at', () => {
    const up = of('Tue 00:00-01:00 UTC', 3 * MINUTE).at(at('2026-11-30T23:58Z'))
    assert.deepEqual([iso(up?.opened), iso(up?.until)], ['2026-11-30T23:57', '2026-12-01T01:00'])
  })

  it('without windows wants nothing', () => {
    assert.deepEqual([of('').at(0), of('').next(0)], [undefined, undefined])
  })

  it('is told by the clocks of its own zone', () => {
    const schedule = of('Mon-Fri 08:00-18:00 Europe/Berlin; Sat 22:00-06:00 Europe/Berlin')
    const up = (moment: string) => {
      const found = schedule.at(at(moment))
      assert.ok(found !== undefined)
      return describeUp(found, at(moment))
    }
    const next = (moment: string) => {
      const found = schedule.next(at(moment))
      assert.ok(found !== undefined)
      return describeNext(found, at(moment))
    }
    assert.equal(up('2026-11-26T09:00Z'), `up by schedule until 18:00 (${BERLIN})`)
    assert.equal(up('2026-11-28T22:00Z'), 'up by schedule until Sun 06:00 (Sat 22:00-06:00 Europe/Berlin)')
    assert.equal(next('2026-11-29T12:00Z'), `Mon 08:00 (${BERLIN})`)
    assert.equal(next('2026-11-26T03:00Z'), `08:00 (${BERLIN})`)
    const monday = of('Mon 08:00-09:00 UTC')
    const again = monday.next(at('2026-11-30T08:30Z'))
    assert.ok(again !== undefined)
    assert.equal(describeNext(again, at('2026-11-30T08:30Z')), 'Mon 2026-12-07 08:00 (Mon 08:00-09:00 UTC)')
    const always = of('00:00-24:00 UTC').at(0)
    assert.ok(always !== undefined)
    assert.equal(describeUp(always, 0), 'up by schedule without an end (00:00-24:00 UTC)')
  })
})

const ZONES = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'America/Santiago', 'Australia/Lord_Howe'],
  ...['Africa/Casablanca', 'Asia/Kathmandu', 'Asia/Beirut', 'Pacific/Auckland', 'Europe/Dublin'],
]
const NAMES = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const two = (value: number) => String(value).padStart(2, '0')

const drawn = fc
  .record({
    days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 7 }),
    from: fc.integer({ min: 0, max: 1_439 }),
    length: fc.integer({ min: 1, max: 1_439 }),
    zone: fc.constantFrom(...ZONES),
  })
  .map(({ days, from, length, zone }) => ({ days, from, to: from + length, zone }))
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never

const textOf = ({ days, from, to, zone }: Drawn) => {
  const end = to % 1_440 === 0 && to !== from ? 1_440 : to % 1_440
  const clock = (minutes: number) => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
  return `${days.map((day) => NAMES[day]).join(',')} ${clock(from)}-${clock(end)} ${zone}`
}

/** Whether the clock on the wall shows a time of the window: another calendar's word. */
function shows({ days, from, to, zone }: Drawn, moment: number): boolean {
  const wall = Temporal.Instant.fromEpochMilliseconds(moment).toZonedDateTimeISO(zone)
  const minutes = wall.hour * 60 + wall.minute
  const today = wall.dayOfWeek % 7
  return (
    (days.includes(today) && from <= minutes && minutes < to) ||
    (days.includes((today + 6) % 7) && minutes + 1_440 < to && from <= minutes + 1_440)
  )
}

/** Whether the clocks of a zone are moved within a day and a half of a moment. */
function isMoved(zone: string, moment: number): boolean {
  const before = Temporal.Instant.fromEpochMilliseconds(moment - 36 * HOUR).toZonedDateTimeISO(zone)
  const change = before.getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity
  return change <= moment + 36 * HOUR
}

/** Some moments of a year, and those near which clocks are moved more often than chance would have it. */
const moments = fc.oneof(
  fc.integer({ min: at('2026-01-01T00:00Z'), max: at('2028-01-01T00:00Z') }),
  fc
    .tuple(
      fc.constantFrom(...ZONES),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: -30 * 60, max: 30 * 60 }),
    )
    .map(([zone, skip, minutes]) => {
      let moment = Temporal.Instant.fromEpochMilliseconds(at('2026-01-01T00:00Z')).toZonedDateTimeISO(zone)
      for (let change = 0; change <= skip; change++) moment = moment.getTimeZoneTransition('next') ?? moment
      return moment.epochMilliseconds + minutes * MINUTE
    }),
)

describe('whatever the hours and wherever', () => {
  it('a schedule is open when clocks show a time of its windows, and only then on days of 24 hours', () => {
    let [opened, changed] = [0, 0]
    fc.assert(
      fc.property(fc.array(drawn, { minLength: 1, maxLength: 3 }), moments, (windows, moment) => {
        const up = of(windows.map(textOf).join('; ')).at(moment)
        const wanted = windows.some((window) => shows(window, moment))
        const moved = windows.some(({ zone }) => isMoved(zone, moment))
        if (wanted || !moved) assert.equal(up !== undefined, wanted)
        opened += wanted ? 1 : 0
        changed += moved ? 1 : 0
      }),
      { numRuns: 1_500 },
    )
    assert.ok(opened > 150 && changed > 150, `${opened} were open, ${changed} near a change`)
  })

  it('what it says of its end and of the next opening is so', () => {
    fc.assert(
      fc.property(fc.array(drawn, { minLength: 1, maxLength: 3 }), moments, (windows, moment) => {
        const schedule = of(windows.map(textOf).join('; '))
        const up = schedule.at(moment)
        const next = schedule.next(moment)
        assert.ok(next !== undefined && next.at > moment && next.at <= moment + 8 * DAY + HOUR)
        assert.equal(schedule.at(next.at)?.opened, next.at)
        if (up === undefined) assert.equal(schedule.at(next.at - 1), undefined)
        else {
          assert.ok(up.opened <= moment && (up.until === undefined || up.until > moment))
          if (up.until !== undefined) {
            assert.equal(schedule.at(up.until), undefined)
            assert.equal(schedule.at(up.until - 1)?.until, up.until)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('each window opens on each of its days, for some time', () => {
    fc.assert(
      fc.property(drawn, moments, (window, moment) => {
        const schedule = of(textOf({ ...window, days: [0, 1, 2, 3, 4, 5, 6] }))
        let openings = 0
        for (
          let next = schedule.next(moment);
          next !== undefined && next.at < moment + 10 * DAY;
          openings++
        ) {
          assert.ok(schedule.at(next.at) !== undefined)
          next = schedule.next(next.at)
        }
        assert.ok(openings >= 9 && openings <= 11, String(openings))
      }),
      { numRuns: 100 },
    )
  })
})
