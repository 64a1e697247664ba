import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogTimes } from '#cli/render/log-times.ts'
import type { Stamp } from '#core/logs/line.ts'

const WINTER = '2026-11-23T23:32:39.663019936Z' as Stamp
const SUMMER = '2026-07-23T23:32:39.663019936Z' as Stamp

describe('LogTimes', () => {
  const rows = [
    {
      zone: 'Europe/Berlin',
      asked: false,
      terminal: false,
      want: WINTER,
      why: "the log's own where nobody asked",
    },
    {
      zone: 'Europe/Berlin',
      asked: true,
      terminal: false,
      want: '2026-11-24T00:32:39.663019936+01:00',
      why: 'all of it with the offset, of a zone that was asked for',
    },
    { zone: 'UTC', asked: true, terminal: false, want: WINTER, why: 'UTC is as the log has it' },
    {
      zone: 'Europe/Berlin',
      asked: false,
      terminal: true,
      want: '11-24 00:32:39.663',
      why: 'short for a person',
    },
    { zone: '-03:30', asked: true, terminal: true, want: '11-23 20:02:39.663', why: 'a fixed offset' },
    { zone: 'UTC', asked: false, terminal: true, want: '11-23 23:32:39.663Z', why: 'UTC says so itself' },
  ]
  for (const { zone, asked, terminal, want, why } of rows)
    it(`${want}: ${why}`, () =>
      assert.equal(new LogTimes({ name: zone, asked }, terminal).format(WINTER), want))

  it('tells the offset once, and again when it changes', () => {
    const times = new LogTimes({ name: 'Europe/Berlin', asked: false }, true)
    assert.equal(times.takeNews(), undefined)
    times.format(SUMMER)
    times.format(SUMMER)
    assert.equal(times.takeNews(), 'times are those of Europe/Berlin, UTC+02:00')
    assert.equal(times.takeNews(), undefined)
    times.format(WINTER)
    assert.equal(times.takeNews(), 'times are those of Europe/Berlin, UTC+01:00')
  })

  it('has no news where every time tells its own offset', () => {
    for (const times of [
      new LogTimes({ name: 'UTC', asked: false }, true),
      new LogTimes({ name: 'Asia/Tokyo', asked: true }, false),
    ]) {
      times.format(WINTER)
      assert.equal(times.takeNews(), undefined)
    }
  })
})
