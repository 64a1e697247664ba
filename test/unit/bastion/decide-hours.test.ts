import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stoppedByHand } from '#core/bastion/decide-stopped.ts'
import { stop } from '#core/bastion/decision.ts'
import { FRESH_LIFE, parseLife } from '#core/bastion/life-state.ts'
import { DEFAULT_LIFE, policyOf } from '#core/bastion/policy.ts'
import { BastionWatch } from '../../support/bastion-watch.ts'

/** Hours at which a bastion must be up, which outrank its idle time. It is Thursday, 26 November 2026, 08:00 UTC. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const BERLIN = 'Mon-Fri 08:00-18:00 Europe/Berlin'

function watchOf(hours: string, idleAfter: number | null = 20 * MINUTE): BastionWatch {
  const watch = new BastionWatch()
  watch.policy = policyOf({ idleAfter, hours })
  return watch
}

/** As `pgctl bastion stop` does. */
function stopByHand({ world, state }: BastionWatch, ahead = 0) {
  const { group } = world.signals()
  assert.ok(group !== undefined)
  world.take(stop(group, 'ada asked for it'))
  return stoppedByHand(state, group, world.now + ahead)
}

/** One that is at 0, on the evening of that Thursday. */
function atNight(hours = BERLIN): BastionWatch {
  const watch = watchOf(hours)
  assert.equal(watch.until('2026-11-26T18:00Z').verdict.kind, 'stopped')
  watch.done.length = 0
  return watch
}

describe('a bastion with hours at which it must be up', () => {
  it('is not stopped within them, tells until when, and is stopped when they end', () => {
    const watch = watchOf(BERLIN)
    const { verdict } = watch.for(60)
    assert.equal(verdict.says, `up by schedule until 18:00 (${BERLIN}); nobody has used it for 59 min`)
    assert.deepEqual([verdict.kind, verdict.stopsIn], ['idle', 8 * HOUR])
    assert.equal(watch.until('2026-11-26T16:59Z').verdict.stopsIn, MINUTE)
    assert.deepEqual(watch.kinds, [])
    assert.equal(watch.look().verdict.kind, 'stopping')
    assert.deepEqual(watch.words, ['stop'])
    assert.match(
      watch.look().verdict.says,
      /^its group is at 0: nobody has used it for .*; next: Fri 08:00 \(Mon-Fri 08:00-18:00 Europe\/Berlin\)$/,
    )
  })

  it('has its whole idle time when somebody has used it until they end', () => {
    const watch = watchOf(BERLIN)
    watch.until('2026-11-26T16:50Z')
    watch.world.open('s-1')
    watch.until('2026-11-26T16:59Z')
    watch.world.sessions = []
    assert.match(watch.look().verdict.says, /^will stop in 20 min because nobody has used it for 0 s$/)
    watch.for(19)
    assert.deepEqual(watch.words, [])
    watch.look()
    assert.deepEqual(watch.words, ['stop'])
  })

  it('is started before they open, so that it answers then, with the sizes that it had', () => {
    const watch = watchOf(BERLIN)
    watch.world.sizes = { minimum: 2, maximum: 3, desired: 2 }
    watch.world.settle()
    watch.until('2026-11-27T06:56Z')
    watch.done.length = 0
    const { verdict } = watch.look()
    assert.deepEqual(
      [verdict.kind, verdict.says],
      ['starting', `is started: up by schedule until 18:00 (${BERLIN})`],
    )
    assert.deepEqual(watch.done, [
      {
        kind: 'resize',
        sizes: { minimum: 2, maximum: 3, desired: 2 },
        remember: undefined,
        unlessUsed: false,
        why: `up by schedule until 18:00 (${BERLIN})`,
      },
    ])
    watch.until('2026-11-27T16:59Z')
    assert.deepEqual(watch.words, ['start'])
  })

  it('is not stopped just before they open, only to be started again', () => {
    const watch = watchOf('09:01-10:00 UTC')
    watch.world.open('s-1')
    watch.until('2026-11-26T08:38Z')
    watch.world.sessions = []
    assert.match(watch.until('2026-11-26T08:57Z').verdict.says, /^will stop in 2 min /)
    watch.until('2026-11-26T09:59Z')
    assert.deepEqual(watch.words, [])
  })

  it('is up while its hours are open or somebody holds it, whichever ends later', () => {
    const watch = watchOf(BERLIN)
    watch.until('2026-11-26T16:00Z')
    watch.hold(2 * HOUR)
    assert.equal(watch.until('2026-11-26T17:59Z').verdict.kind, 'busy')
    watch.for(25)
    assert.deepEqual(watch.words, ['stop'])
  })

  it('that somebody stops within them stays at 0 until they open again, and says so', () => {
    const watch = watchOf(BERLIN)
    watch.for(60)
    watch.state = stopByHand(watch)
    const { verdict } = watch.until('2026-11-26T16:59Z')
    assert.equal(verdict.kind, 'stopped')
    assert.match(verdict.says, /; next: Fri 08:00 \(/)
    assert.deepEqual(watch.words, [])
    watch.until('2026-11-27T06:57Z')
    assert.deepEqual(watch.words, ['start'])
  })

  it('that was stopped by somebody whose clock is ahead stays at 0 no longer for that', () => {
    const watch = watchOf(BERLIN)
    watch.until('2026-11-27T06:55Z')
    watch.done.length = 0
    watch.state = stopByHand(watch, 10 * MINUTE)
    watch.until('2026-11-27T07:00Z')
    assert.deepEqual(watch.words, ['start'])
  })

  it('that somebody has stopped and somebody has started again is kept up once more', () => {
    const watch = watchOf(BERLIN)
    watch.for(60)
    watch.state = stopByHand(watch)
    watch.for(10)
    watch.world.sizes = { minimum: 1, maximum: 1, desired: 1 }
    watch.world.settle()
    watch.for(60)
    watch.world.sizes = { minimum: 0, maximum: 1, desired: 0 }
    watch.world.settle()
    watch.for(2)
    assert.deepEqual(watch.words, ['start'], 'it was not by hand that it went to 0')
  })

  it('that was stopped while its machine is still there is not taken for started', () => {
    const watch = watchOf(BERLIN)
    watch.for(60)
    const { group } = watch.world.signals()
    assert.ok(group !== undefined)
    watch.state = stoppedByHand(watch.state, group, watch.world.now)
    watch.look()
    watch.world.take(stop(group, 'ada asked for it'))
    watch.for(30)
    assert.deepEqual(watch.words, [])
  })

  it('costs three machines at an opening where none answers, and again at the next', () => {
    const watch = atNight()
    watch.world.bad.add('1')
    const { verdict } = watch.until('2026-11-27T16:59Z')
    assert.deepEqual(watch.kinds, ['resize', 'replace', 'replace', 'resize'])
    assert.equal(verdict.kind, 'failed', 'it must be up, and is not')
    assert.match(verdict.says, /as none of 3 machines in a row has; next: Mon 08:00 \(/)
    assert.equal(watch.until('2026-11-27T17:01Z').verdict.kind, 'stopped', 'it need not be up')
    watch.until('2026-11-30T12:00Z')
    assert.deepEqual(watch.kinds.slice(4), ['resize', 'replace', 'replace', 'resize'])
  })

  it('is started anew at an opening after it has failed outside of its hours', () => {
    const watch = atNight()
    watch.world.bad.add('1')
    watch.world.sizes = { minimum: 1, maximum: 1, desired: 1 }
    watch.world.settle()
    watch.for(20)
    assert.equal(watch.world.sizes.desired, 0)
    watch.world.bad.clear()
    watch.until('2026-11-27T07:00Z')
    assert.equal(watch.words.at(-1), 'start')
    assert.equal(watch.look().verdict.kind, 'idle')
  })

  it('is not started of an image that is too old, says so as a failure, and is when there is a newer one', () => {
    const watch = atNight()
    watch.world.imageDays = 72
    const { verdict } = watch.until('2026-11-27T09:00Z')
    assert.deepEqual(
      [verdict.kind, verdict.says],
      ['failed', `up by schedule until 18:00 (${BERLIN}), and not started: its image is 72 days old`],
    )
    assert.deepEqual(watch.words, [])
    watch.world.imageDays = 59
    watch.look()
    assert.deepEqual(watch.words, ['start'])
  })

  it('gets a newer image after its hours, and within them only when that has waited for too long', () => {
    const watch = watchOf('06:00-22:00 UTC', null)
    watch.for(10)
    watch.world.template = '2'
    watch.until('2026-11-26T21:59Z')
    assert.deepEqual(watch.kinds, [])
    watch.look()
    assert.deepEqual(watch.kinds, ['replace'])
    const always = watchOf('00:00-24:00 UTC')
    always.for(10)
    always.world.template = '2'
    always.for((DEFAULT_LIFE.refreshAfter - HOUR) / MINUTE)
    assert.deepEqual(always.kinds, [])
    always.for(61)
    assert.deepEqual(always.kinds, ['replace'])
    assert.match(always.done[0]?.why ?? '', /^a newer image is there, and nobody has used it for 7 d$/)
  })

  it('is replaced within them with notice when it is in use, as at any other time', () => {
    const watch = watchOf('00:00-24:00 UTC')
    watch.policy = { ...watch.policy, refreshAfter: 2 * HOUR }
    watch.world.open('s-1')
    watch.look()
    watch.world.template = '2'
    watch.for(112)
    assert.deepEqual(watch.kinds, ['warn-session'])
    watch.for(10)
    assert.deepEqual(watch.kinds, ['warn-session', 'end-session', 'replace'])
  })

  it('that is always to be up never says when it will stop', () => {
    const { verdict } = watchOf('00:00-24:00 UTC').for(60)
    assert.match(verdict.says, /^up by schedule without an end \(00:00-24:00 UTC\); nobody has used it/)
    assert.equal(verdict.stopsIn, undefined)
  })

  it('goes by what its clock shows, whichever way that has leapt', () => {
    const watch = atNight()
    watch.look(5 * HOUR)
    assert.deepEqual(watch.words, [])
    watch.look(-12 * HOUR)
    assert.deepEqual(watch.words, ['start'], 'its clock shows noon')
  })

  it('is read as it was written, with who has stopped it', () => {
    const watch = watchOf(BERLIN)
    watch.for(5)
    watch.state = stopByHand(watch)
    watch.look()
    assert.deepEqual(parseLife(JSON.parse(JSON.stringify(watch.state)), 'k'), watch.state)
    assert.deepEqual(watch.state.rules, { idleAfter: 20 * MINUTE, hours: BERLIN })
    const { stopped, ...older } = FRESH_LIFE
    assert.equal(stopped, null)
    assert.deepEqual(parseLife(older, 'k'), FRESH_LIFE)
  })
})
