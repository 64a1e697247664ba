import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StreamEnd } from '#core/logs/follow.ts'
import { HistoryCheck, type ReadSoFar, type Step } from '#core/logs/history-end.ts'
import { parseLine } from '#core/logs/line.ts'

const ENDED: StreamEnd = { kind: 'ended', unfinished: undefined }
const TORN: StreamEnd = { kind: 'ended', unfinished: '2026-11-23T07:00' }
const CUT = { kind: 'cut', why: 'socket hang up' } as const
const DEAD = { kind: 'dead' } as const
const LAST = parseLine('2026-11-23T07:00:01.000000000Z last')
const NEWER = parseLine('2026-11-23T07:00:02.000000000Z newer')
const NEWEST = parseLine('2026-11-23T07:00:03.000000000Z newest')
const WHOLE: Step = { kind: 'over', how: { kind: 'whole' } }
const AT_ONCE: Step = { kind: 'read', after: 0, failure: undefined }

function refused(status: number, retryAfter?: number) {
  return { kind: 'refused', status, why: `HTTP ${status}`, retryAfter } as const
}

/** What was read: up to `LAST`, unless told otherwise. */
function read(changes: Partial<ReadSoFar> = {}): ReadSoFar {
  return {
    fruitless: 1,
    hasLines: true,
    isEnough: false,
    isLast: (line) => line === LAST,
    hasSeen: (line) => line === LAST,
    ...changes,
  }
}

describe('HistoryCheck', () => {
  it('asks for the newest line at an end in good order, and is done when that was the last', () => {
    const check = new HistoryCheck(false)
    assert.deepEqual(check.afterStream(ENDED, read(), 0), { kind: 'ask' })
    assert.deepEqual(check.afterAnswer({ newest: LAST }, read(), 0), WHOLE)
  })

  const noQuestion: ReadonlyArray<[why: string, followed: boolean, so: ReadSoFar]> = [
    ['the log is followed next', true, read()],
    ['nothing more is wanted', false, read({ isEnough: true })],
  ]
  for (const [why, followed, so] of noQuestion)
    it(`asks nothing when ${why}`, () =>
      assert.deepEqual(new HistoryCheck(followed).afterStream(ENDED, so, 0), WHOLE))

  it('is done where there is nothing within what is asked for, or a message of the cluster instead', () => {
    const nothing = read({ hasLines: false })
    assert.deepEqual(new HistoryCheck(false).afterAnswer({ newest: undefined }, nothing, 0), WHOLE)
    const message = parseLine('unable to retrieve container logs')
    assert.deepEqual(new HistoryCheck(false).afterAnswer({ newest: message }, nothing, 0), WHOLE)
  })

  it('does not take silence for an answer where lines were read, unless a second reading agrees', () => {
    const check = new HistoryCheck(false)
    assert.deepEqual(check.afterAnswer({ newest: undefined }, read(), 0), AT_ONCE)
    assert.deepEqual(check.afterStream(ENDED, read(), 0), { kind: 'ask' })
    assert.deepEqual(check.afterAnswer({ newest: undefined }, read(), 0), AT_ONCE)
    assert.deepEqual(check.afterAnswer({ newest: undefined }, read({ fruitless: 2 }), 0), WHOLE)
  })

  it('reads on until the line has come that was the newest, and no further', () => {
    const check = new HistoryCheck(false)
    assert.deepEqual(check.afterAnswer({ newest: NEWER }, read(), 0), AT_ONCE)
    const further = read({ isLast: (line) => line === NEWEST, hasSeen: () => true })
    assert.deepEqual(check.afterStream(ENDED, further, 0), WHOLE)
  })

  it('reads on as long as that brings lines, though not yet the newest', () => {
    const check = new HistoryCheck(false)
    for (let count = 0; count < 50; count++) {
      assert.deepEqual(check.afterStream(ENDED, read(), 0), { kind: 'ask' })
      assert.deepEqual(check.afterAnswer({ newest: NEWER }, read(), 0), AT_ONCE)
    }
  })

  it('gives a line up that does not come although it is there, after a few tries', () => {
    const check = new HistoryCheck(false)
    check.afterAnswer({ newest: NEWER }, read(), 0)
    for (let fruitless = 2; fruitless < 6; fruitless++) {
      const step = check.afterAnswer({ newest: NEWER }, read({ fruitless }), 0)
      assert.ok(step.kind === 'read' && step.after > 0 && step.failure?.kind === 'cut')
    }
    const step = check.afterAnswer({ newest: NEWER }, read({ fruitless: 6 }), 0)
    assert.ok(step.kind === 'over' && step.how.kind === 'lost' && !step.how.isRefused)
  })

  it('reads a last line without an end once more, as it may be torn', () => {
    assert.deepEqual(new HistoryCheck(false).afterStream(TORN, read(), 0), AT_ONCE)
    const again = new HistoryCheck(false).afterStream(TORN, read({ fruitless: 2 }), 0)
    assert.ok(again.kind === 'read' && again.after > 0)
  })

  it('tries again what may pass, a few times', () => {
    for (const end of [CUT, DEAD, refused(500), refused(429)]) {
      assert.equal(new HistoryCheck(true).afterStream(end, read(), 0).kind, 'read')
      assert.equal(new HistoryCheck(false).afterAnswer(end, read(), 0).kind, 'read')
      assert.equal(new HistoryCheck(true).afterStream(end, read({ fruitless: 6 }), 0).kind, 'over')
    }
    const throttled = new HistoryCheck(true).afterStream(refused(429, 9_000), read(), 0)
    assert.ok(throttled.kind === 'read' && throttled.after === 9_000)
  })

  it('does not insist where there is no such log, and does not call it whole when that was only asked', () => {
    for (const status of [400, 404]) {
      assert.deepEqual(new HistoryCheck(false).afterStream(refused(status), read(), 0), {
        kind: 'over',
        how: { kind: 'lost', why: `HTTP ${status}`, isRefused: true },
      })
      assert.deepEqual(new HistoryCheck(false).afterAnswer(refused(status), read(), 0), {
        kind: 'over',
        how: { kind: 'unchecked' },
      })
    }
  })
})
