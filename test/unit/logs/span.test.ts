import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseLine, type Stamp } from '#core/logs/line.ts'
import { SpanCut, sinceTimeOf } from '#core/logs/span.ts'

const at = (time: string) => `2026-11-25T${time.padEnd(18, '0')}Z` as Stamp
const lines = (...times: string[]) =>
  times.map((time) => parseLine(time === '-' ? 'none' : `${at(time)} ${time}`))
const span = { from: at('20:10:05.123456789'), to: at('20:11:00.000000000') }

describe('SpanCut', () => {
  it('keeps what is inside to the nanosecond, both ends included', () => {
    const cut = new SpanCut(span)
    const all = ['20:10:05.123456788', '20:10:05.123456789', '20:11:00.000000000', '20:11:00.000000001']
    assert.deepEqual(
      cut.cut(lines(...all), true).map(({ text }) => text),
      all.slice(1, 3),
    )
  })

  it('asks a second early, as the API knows whole seconds only', () => {
    assert.equal(sinceTimeOf(span), '2026-11-25T20:10:04Z')
    assert.equal(sinceTimeOf({}), undefined)
  })

  it('lets a line without a stamp go with the one before', () => {
    const cut = new SpanCut(span)
    const kept = cut.cut(lines('20:10:00.', '-', '20:10:30.', '-', '20:11:01.', '-'), true)
    assert.deepEqual(
      kept.map(({ text }) => text),
      ['20:10:30.', 'none'],
    )
  })

  it('is past once a line is later than stamps run backwards by', () => {
    const cut = new SpanCut(span)
    cut.cut(lines('20:11:02.999999999'), true)
    assert.ok(!cut.isPast)
    assert.equal(cut.cut(lines('20:10:59.'), true).length, 1, 'of another output, and a little behind')
    cut.cut(lines('20:11:03.'), true)
    assert.ok(cut.isPast)
  })

  it('drops no live line for being early: its node may have another time', () => {
    assert.equal(new SpanCut(span).cut(lines('20:09:00.'), false).length, 1)
    assert.equal(new SpanCut(span).cut(lines('20:12:00.'), false).length, 0)
  })
})
