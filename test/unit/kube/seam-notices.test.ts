import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SeamNotices } from '#core/kube/seam-notices.ts'
import type { StreamEnd } from '#core/logs/follow.ts'
import type { Stamp } from '#core/logs/line.ts'
import type { BadSeam, Seam } from '#core/logs/overlap.ts'
import type { LogSource } from '#core/logs/sources.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const SOURCE: LogSource = {
  service: 'hermes',
  pod: 'p',
  podUid: 'u',
  container: 'c',
  namespace: 'paragon',
  oneOfNamespaces: false,
  oneOfSeveral: false,
  run: 'r',
  restarts: 0,
}
const CUT: StreamEnd = { kind: 'cut', why: 'socket hang up' }
const ENDED: StreamEnd = { kind: 'ended', unfinished: undefined }
const WHOLE: Seam = { kind: 'whole' }
const LAST = 'a' as Stamp
const GAP: BadSeam = { kind: 'gap', after: 'a' as Stamp, before: 'b' as Stamp }

function start() {
  const clock = new ManualClock()
  const told: string[] = []
  let doubts: readonly string[] = []
  const notices = new SeamNotices(SOURCE, {
    clock,
    report(event) {
      told.push('seam' in event ? `${event.event} ${event.seam.kind}` : event.event)
    },
    doubt(_, seams) {
      doubts = seams.map(({ kind, after }) => `${kind} ${after}`)
    },
  })
  const ended = (end: StreamEnd, fruitless: number) => notices.ended(end, fruitless, 0, LAST)
  return { clock, told, notices, ended, doubts: () => doubts }
}

describe('SeamNotices', () => {
  it('tells once that a stream broke, and once that it goes on', () => {
    const { told, notices, ended } = start()
    ended(CUT, 1)
    ended(CUT, 2)
    notices.passed(WHOLE, false)
    notices.passed(WHOLE, true)
    notices.passed(WHOLE, true)
    assert.deepEqual(told, ['reconnecting', 'resumed whole'])
  })

  it('says nothing of an end in good order that nothing comes after: the container was about to stop', () => {
    const { told, notices, ended } = start()
    ended(ENDED, 1)
    notices.passed(WHOLE, false)
    notices.settle(false)
    assert.deepEqual(told, [])
  })

  it('tells of such an end when lines come after it, or when it happens again and again', () => {
    const { told, notices, ended } = start()
    ended(ENDED, 1)
    notices.passed(WHOLE, true)
    ended(ENDED, 1)
    ended(ENDED, 2)
    ended(ENDED, 3)
    assert.deepEqual(told, ['resumed whole', 'reconnecting'])
  })

  it('waits with a hole, as it may turn out to be a restart', () => {
    const { clock, told, notices, ended } = start()
    ended(CUT, 1)
    notices.passed(GAP, true)
    notices.passed(GAP, true)
    clock.advance(9_999)
    assert.deepEqual(told, ['reconnecting'])
    clock.advance(1)
    assert.deepEqual(told, ['reconnecting', 'resumed gap'])
  })

  it('does not tell of a hole that was a restart', () => {
    const { clock, told, notices } = start()
    notices.passed(GAP, true)
    notices.forget()
    clock.advance(60_000)
    notices.settle(false)
    assert.deepEqual(told, [])
    assert.equal(clock.pending, 0)
  })

  it('does not keep a hole to itself when it ends', () => {
    const { clock, told, notices } = start()
    notices.passed(GAP, true)
    notices.settle(false)
    clock.advance(60_000)
    assert.deepEqual(told, ['gap gap'])
  })

  it('has a hole in doubt from its first moment, until it is told or was a restart', () => {
    const { clock, notices, doubts } = start()
    notices.suspect(GAP)
    assert.deepEqual(doubts(), ['gap a'])
    notices.passed(GAP, true)
    assert.deepEqual(doubts(), ['gap a'])
    clock.advance(10_000)
    assert.deepEqual(doubts(), [])
    notices.passed(GAP, true)
    notices.forget()
    assert.deepEqual(doubts(), [])
  })

  it('doubts a stream that is broken, until it is open again or was read to its end all the same', () => {
    const { notices, ended, doubts } = start()
    ended(CUT, 1)
    assert.deepEqual(doubts(), ['uncertain a'])
    notices.passed(WHOLE, false)
    assert.deepEqual(doubts(), [])
    ended(CUT, 1)
    notices.settle(false)
    assert.deepEqual(doubts(), [])
    ended(CUT, 1)
    notices.settle(true)
    assert.deepEqual(doubts(), ['uncertain a'], 'nobody has waited for it')
  })
})
