import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cron as Croner } from 'croner'
import fc from 'fast-check'
import { type Cron, parseCron } from '#core/snapshots/cron.ts'
import { lastSlot, nextSlot, type Slot, slotsBetween } from '#core/snapshots/schedule.ts'
import { Zone } from '#core/snapshots/zone.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

function cron(text: string): Cron {
  const parsed = parseCron(text)
  assert.ok(typeof parsed !== 'string', `${text}: ${String(parsed)}`)
  return parsed
}

function between(text: string, zone: string, from: string, until: string): Slot[] {
  return [...slotsBetween(cron(text), new Zone(zone), Date.parse(from), Date.parse(until))]
}

function iso(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16)
}

/** What the independent library fires in `[from, until)`. */
function fired(text: string, zone: string, from: number, until: number): string[] {
  const job = new Croner(text, { timezone: zone, paused: true })
  const instants: string[] = []
  for (let at = job.nextRun(new Date(from - 1)); at !== null && +at < until; at = job.nextRun(at))
    instants.push(iso(+at))
  return instants
}

describe('slots at a change of the clocks', () => {
  const table: {
    zone: string
    cron: string
    from: string
    until: string
    want: [instant: string, key: string][]
    why: string
  }[] = [
    {
      zone: 'Europe/Berlin',
      cron: '30 2 * * *',
      from: '2026-03-28T12:00Z',
      until: '2026-03-30T12:00Z',
      want: [
        ['2026-03-29T01:00', 'Europe/Berlin 2026-03-29T02:30 1'],
        ['2026-03-30T00:30', 'Europe/Berlin 2026-03-30T02:30 1'],
      ],
      why: '02:30 never comes: the next valid minute is 03:00',
    },
    {
      zone: 'Europe/Berlin',
      cron: '30 2 * * *',
      from: '2026-10-24T12:00Z',
      until: '2026-10-26T12:00Z',
      want: [
        ['2026-10-25T00:30', 'Europe/Berlin 2026-10-25T02:30 1'],
        ['2026-10-26T01:30', 'Europe/Berlin 2026-10-26T02:30 1'],
      ],
      why: '02:30 comes twice and runs once',
    },
    {
      zone: 'America/New_York',
      cron: '15 2 * * *',
      from: '2026-03-08T00:00Z',
      until: '2026-03-08T12:00Z',
      want: [['2026-03-08T07:00', 'America/New_York 2026-03-08T02:15 1']],
      why: 'west of Greenwich the same',
    },
    {
      zone: 'America/New_York',
      cron: '15 1 * * *',
      from: '2026-11-01T00:00Z',
      until: '2026-11-01T12:00Z',
      want: [['2026-11-01T05:15', 'America/New_York 2026-11-01T01:15 1']],
      why: 'the first of the two',
    },
    {
      zone: 'Australia/Lord_Howe',
      cron: '10 2 * * *',
      from: '2026-10-03T12:00Z',
      until: '2026-10-04T12:00Z',
      want: [['2026-10-03T15:30', 'Australia/Lord_Howe 2026-10-04T02:10 1']],
      why: 'a gap of half an hour',
    },
    {
      zone: 'Australia/Lord_Howe',
      cron: '45 1 * * *',
      from: '2026-04-04T00:00Z',
      until: '2026-04-05T00:00Z',
      want: [['2026-04-04T14:45', 'Australia/Lord_Howe 2026-04-05T01:45 1']],
      why: 'a repeat of half an hour',
    },
    {
      zone: 'Europe/Berlin',
      cron: '*/15 2 * * *',
      from: '2026-03-28T12:00Z',
      until: '2026-03-29T12:00Z',
      want: [['2026-03-29T01:00', 'Europe/Berlin 2026-03-29T02:00 1']],
      why: 'several in one gap are one',
    },
    {
      zone: 'Europe/Berlin',
      cron: '0,30 2-3 * * *',
      from: '2026-03-28T12:00Z',
      until: '2026-03-29T12:00Z',
      want: [
        ['2026-03-29T01:00', 'Europe/Berlin 2026-03-29T03:00 1'],
        ['2026-03-29T01:30', 'Europe/Berlin 2026-03-29T03:30 1'],
      ],
      why: "the gap's end has a slot of its own, which stands for those before",
    },
    {
      zone: 'Pacific/Apia',
      cron: '0 6 * * *',
      from: '2011-12-29T00:00Z',
      until: '2011-12-31T00:00Z',
      want: [
        ['2011-12-29T16:00', 'Pacific/Apia 2011-12-29T06:00 1'],
        ['2011-12-30T10:00', 'Pacific/Apia 2011-12-30T06:00 1'],
        ['2011-12-30T16:00', 'Pacific/Apia 2011-12-31T06:00 1'],
      ],
      why: 'a whole day that never came',
    },
  ]
  for (const { zone, cron: text, from, until, want, why } of table)
    it(`${zone} ${text} from ${from}: ${why}`, () => {
      assert.deepEqual(
        between(text, zone, from, until).map(({ instant, key }) => [iso(instant), key]),
        want,
      )
    })
})

describe('the schedule beside an independent library', () => {
  const ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Sydney', 'Asia/Kolkata', 'UTC']
  const start = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2029, 0, 1) })
  const subset = (min: number, max: number) =>
    fc
      .uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 3 })
      .map((list) => list.sort().join(','))

  it('one time of day in any zone fires at the same instants, changes of the clocks included', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: 0, max: 23 }),
        start,
        (zone, minute, hour, from) => {
          const text = `${minute} ${hour} * * *`
          // A year has both changes.
          const mine = [...slotsBetween(cron(text), new Zone(zone), from, from + 366 * DAY)]
          assert.deepEqual(
            mine.map(({ instant }) => iso(instant)),
            fired(text, zone, from, from + 366 * DAY),
          )
        },
      ),
      { numRuns: 40 },
    )
  })

  it('any expression without changes of the clocks', () => {
    fc.assert(
      fc.property(
        subset(0, 59),
        subset(0, 23),
        fc.oneof(fc.constant('*'), subset(1, 28)),
        fc.oneof(fc.constant('*'), subset(1, 12), fc.constantFrom('JAN-MAR', '*/5', 'feb')),
        fc.oneof(fc.constant('*'), subset(0, 6), fc.constantFrom('MON-FRI', '5-7', 'sun')),
        start,
        (minute, hour, day, month, weekday, from) => {
          const text = `${minute} ${hour} ${day} ${month} ${weekday}`
          const mine = [...slotsBetween(cron(text), new Zone('UTC'), from, from + 40 * DAY)]
          assert.deepEqual(
            mine.map(({ instant }) => iso(instant)),
            fired(text, 'UTC', from, from + 40 * DAY),
          )
        },
      ),
      { numRuns: 100 },
    )
  })

  it('slots have increasing instants, keys of their own, and the last and the next enclose now', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES, 'Australia/Lord_Howe'),
        fc.constantFrom('0 * * * *', '30 2 * * *', '*/20 1-3 * * *', '0 4 * * SUN', '5 0 1 * *'),
        start,
        (name, text, now) => {
          const zone = new Zone(name)
          const slots = [...slotsBetween(cron(text), zone, now - 70 * DAY, now + 70 * DAY)]
          const instants = slots.map(({ instant }) => instant)
          assert.deepEqual(
            instants,
            [...new Set(instants)].sort((a, b) => a - b),
          )
          assert.equal(new Set(slots.map(({ key }) => key)).size, slots.length)
          assert.deepEqual(
            lastSlot(cron(text), zone, now),
            slots.findLast(({ instant }) => instant <= now),
          )
          assert.deepEqual(
            nextSlot(cron(text), zone, now),
            slots.find(({ instant }) => instant > now),
          )
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('parseCron', () => {
  for (const [text, want] of [
    ['', 'five fields'],
    ['0 2 * *', 'five fields'],
    ['60 2 * * *', '"60" is no minute'],
    ['0 24 * * *', '"24" is no hour'],
    ['0 2 0 * *', '"0" is no day of the month'],
    ['0 2 * 13 *', '"13" is no month'],
    ['0 2 * * 8', '"8" is no day of the week'],
    ['*/0 2 * * *', '"*/0" is no minute'],
    ['0 5-2 * * *', '"5-2" is no hour'],
    ['0 2 L * *', '"L" is no day of the month'],
    ['0 2 31 2 *', 'no month of 2 has a day 31'],
    ['@daily', 'five fields'],
  ] as const)
    it(`refuses ${JSON.stringify(text)}`, () => {
      const answer = parseCron(text)
      assert.ok(typeof answer === 'string' && answer.includes(want), String(answer))
    })

  it('a 29 February is waited for', () => {
    const due = nextSlot(cron('0 3 29 2 *'), new Zone('UTC'), Date.UTC(2096, 2, 1))
    assert.equal(iso(due?.instant ?? 0), '2104-02-29T03:00', '2100 is no leap year')
  })
})
