import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseMoment } from '#core/logs/moment.ts'
import { offsetAt } from '#core/text/time-zone.ts'

const now = Date.parse('2026-11-25T11:00:00.250Z')
const BERLIN = 'Europe/Berlin'
const parse = (text: string, zone = BERLIN, which: 'first' | 'last' = 'first') =>
  parseMoment(text, { now, zone, which })

describe('parseMoment', () => {
  const rows: ReadonlyArray<[text: string, want: string, why: string]> = [
    ['2026-11-25T20:10', '2026-11-25T19:10:00.000000000Z', 'in the zone of the person'],
    ['2026-11-25 20:10:05.5', '2026-11-25T19:10:05.500000000Z', 'a space, and a fraction'],
    ['2026-11-25T20:10:05.123456789Z', '2026-11-25T20:10:05.123456789Z', 'a stamp as a line has it'],
    ['2026-11-25T20:10:05.123456789+01:00', '2026-11-25T19:10:05.123456789Z', 'and as --tz shows it'],
    ['2026-11-25T20:10+0530', '2026-11-25T14:40:00.000000000Z', 'an offset without colon'],
    ['2026-07-01', '2026-06-30T22:00:00.000000000Z', 'a day begins at midnight, in summer time'],
    ['20:10', '2026-11-25T19:10:00.000000000Z', 'today'],
    ['9:05', '2026-11-25T08:05:00.000000000Z', 'an hour of one digit'],
    ['20:10Z', '2026-11-25T20:10:00.000000000Z', 'today in UTC'],
    ['20:10 Asia/Tokyo', '2026-11-25T11:10:00.000000000Z', 'today in Tokyo'],
    ['yesterday 20:10', '2026-11-24T19:10:00.000000000Z', 'the day before'],
    ['yesterday', '2026-11-23T23:00:00.000000000Z', 'from its beginning'],
    ['today', '2026-11-24T23:00:00.000000000Z', 'likewise'],
    ['now', '2026-11-25T11:00:00.250000000Z', 'this moment'],
    ['1h30m', '2026-11-25T09:30:00.250000000Z', 'so long ago'],
  ]
  for (const [text, want, why] of rows) it(`${text}: ${why}`, () => assert.equal(parse(text), want))

  const refused = [
    '',
    '25:00',
    '20:60',
    '2026-02-30',
    '2026-13-01',
    '2026-11-25T24:00',
    'tomorrow',
    '20',
    '2026-11-25T',
    '20:10 Mars/Olympus',
    '20:10:05.1234567890',
    '-5m',
    '0s',
  ]
  for (const text of refused)
    it(`${JSON.stringify(text)} is none`, () => assert.equal(parse(text), undefined))

  it('takes the day of the zone: in Tokyo it is tomorrow when in New York it is still today', () => {
    const late = Date.parse('2026-11-25T20:00:00Z')
    const inZone = (zone: string) => parseMoment('00:30', { now: late, zone, which: 'first' })
    assert.equal(inZone('Asia/Tokyo'), '2026-11-25T15:30:00.000000000Z')
    assert.equal(inZone('America/New_York'), '2026-11-25T05:30:00.000000000Z')
  })

  it('of a time that comes twice takes the one that is meant; one that is skipped is later', () => {
    assert.equal(parse('2026-10-25T02:30', BERLIN, 'first'), '2026-10-25T00:30:00.000000000Z')
    assert.equal(parse('2026-10-25T02:30', BERLIN, 'last'), '2026-10-25T01:30:00.000000000Z')
    assert.equal(parse('2026-03-29T02:30'), '2026-03-29T01:30:00.000000000Z')
  })

  it('gives back every moment that is written with its offset, in any zone', () => {
    const zones = fc.constantFrom(
      BERLIN,
      'Asia/Kathmandu',
      'America/St_Johns',
      'Australia/Lord_Howe',
      'UTC',
      '+02:00',
    )
    const moments = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2040, 0) })
    fc.assert(
      fc.property(zones, moments, (zone, moment) => {
        const stamp = `${new Date(moment).toISOString().slice(0, 23)}000000Z`
        const civil = new Date(moment + offsetAt(zone, moment)).toISOString().slice(0, 23)
        const found = (['first', 'last'] as const).map((which) => parseMoment(civil, { now, zone, which }))
        assert.ok(
          found.includes(stamp as (typeof found)[number]),
          `${civil} ${zone}: ${found} and not ${stamp}`,
        )
      }),
    )
  })
})
