import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ResumeCursor } from '#core/logs/cursor.ts'
import { parseLine } from '#core/logs/line.ts'
import { RunPlace } from '#core/logs/run-place.ts'

function seen(second: number): ResumeCursor {
  const cursor = new ResumeCursor(true)
  cursor.see(parseLine(`2026-11-23T07:00:0${second}.000000000Z x`))
  return cursor
}

describe('RunPlace', () => {
  it('keeps the place before another file, and goes back to it', () => {
    const place = new RunPlace(true)
    const own = place.cursor
    place.beginFile()
    const foreign = place.cursor
    assert.notEqual(foreign, own)
    assert.equal(place.goBack(), foreign)
    assert.equal(place.cursor, own)
  })

  it('forgets the places before once the present one is proven', () => {
    const place = new RunPlace(true)
    const first = place.cursor
    place.beginFile()
    place.confirm()
    place.goBack()
    assert.notEqual(place.cursor, first)
    assert.equal(place.cursor.firstSecond, undefined)
  })

  it('begins at a candidate, and at the start when that is not of this run', () => {
    const candidate = seen(1)
    const place = new RunPlace(true, candidate)
    assert.equal(place.cursor, candidate)
    assert.equal(place.goBack(), candidate)
    assert.equal(place.cursor.resume(), undefined)
  })

  it('does not want all of a run of which only the end was asked for and nothing was read', () => {
    const end = new RunPlace(false)
    assert.ok(!end.isWanted)
    end.cursor.see(parseLine('2026-11-23T07:00:00.000000000Z x'))
    assert.ok(end.isWanted)
    end.goBack()
    assert.ok(!end.isWanted)
    assert.ok(new RunPlace(true).isWanted)
  })
})
