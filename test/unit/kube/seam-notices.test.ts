import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SeamNotices } from '#core/kube/seam-notices.ts'
import type { StreamEnd } from '#core/logs/follow.ts'
import type { Stamp } from '#core/logs/line.ts'
import type { Seam } from '#core/logs/overlap.ts'
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
const GAP: Seam = { kind: 'gap', after: 'a' as Stamp, before: 'b' as Stamp }

function start() {
  const clock = new ManualClock()
  const told: string[] = []
  const notices = new SeamNotices(SOURCE, clock, (event) => {
    told.push('seam' in event ? `${event.event} ${event.seam.kind}` : event.event)
  })
  return { clock, told, notices }
}

describe('SeamNotices', () => {
  it('tells once that a stream broke, and once that it goes on', () => {
    const { told, notices } = start()
    notices.ended(CUT, 1, 0)
    notices.ended(CUT, 2, 0)
    notices.passed(WHOLE, false)
    notices.passed(WHOLE, true)
    notices.passed(WHOLE, true)
    assert.deepEqual(told, ['reconnecting', 'resumed whole'])
  })

  it('says nothing of an end in good order that nothing comes after: the container was about to stop', () => {
    const { told, notices } = start()
    notices.ended(ENDED, 1, 0)
    notices.passed(WHOLE, false)
    notices.settle()
    assert.deepEqual(told, [])
  })

  it('tells of such an end when lines come after it, or when it happens again and again', () => {
    const { told, notices } = start()
    notices.ended(ENDED, 1, 0)
    notices.passed(WHOLE, true)
    notices.ended(ENDED, 1, 0)
    notices.ended(ENDED, 2, 0)
    notices.ended(ENDED, 3, 0)
    assert.deepEqual(told, ['resumed whole', 'reconnecting'])
  })

  it('waits with a hole, as it may turn out to be a restart', () => {
    const { clock, told, notices } = start()
    notices.ended(CUT, 1, 0)
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
    notices.settle()
    assert.deepEqual(told, [])
    assert.equal(clock.pending, 0)
  })

  it('does not keep a hole to itself when it ends', () => {
    const { clock, told, notices } = start()
    notices.passed(GAP, true)
    notices.settle()
    clock.advance(60_000)
    assert.deepEqual(told, ['gap gap'])
  })
})
