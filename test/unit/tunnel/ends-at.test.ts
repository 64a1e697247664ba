import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findEnds, SessionEndWatch } from '#core/tunnel/ends-at.ts'

const MINUTE = 60_000
const NOON = Date.UTC(2026, 10, 23, 12)
/** `minutes` after the start, of which `asleep` passed on the wall clock alone. */
const at = (minutes: number, asleep = 0) => ({
  mono: (minutes - asleep) * MINUTE,
  wall: NOON + minutes * MINUTE,
})
const START = at(0)

describe('findEnds', { timeout: 10_000 }, () => {
  for (const [why, limits, lastActivity, now, ends] of [
    ['no maximum: idle alone', { idle: 20 * MINUTE, maximum: undefined }, at(5), at(10), [['idle', 15]]],
    [
      'the nearest first',
      { idle: 20 * MINUTE, maximum: 60 * MINUTE },
      at(5),
      at(10),
      [
        ['idle', 15],
        ['maximum', 50],
      ],
    ],
    [
      'the maximum does not move',
      { idle: 20 * MINUTE, maximum: 60 * MINUTE },
      at(49),
      at(50),
      [
        ['maximum', 10],
        ['idle', 19],
      ],
    ],
    [
      'sleep counts',
      { idle: 20 * MINUTE, maximum: 60 * MINUTE },
      at(5),
      at(55, 40),
      [
        ['idle', 0],
        ['maximum', 5],
      ],
    ],
    [
      'a clock set back lengthens nothing',
      { idle: 20 * MINUTE, maximum: undefined },
      START,
      { mono: 15 * MINUTE, wall: NOON - MINUTE },
      [['idle', 5]],
    ],
    [
      'never below zero',
      { idle: MINUTE, maximum: MINUTE },
      START,
      at(9),
      [
        ['idle', 0],
        ['maximum', 0],
      ],
    ],
  ] as const)
    it(why, () => {
      const found = findEnds({ limits, started: START, lastActivity }, now)
      assert.deepEqual(
        found.map(({ because, remaining }) => [because, remaining / MINUTE]),
        ends,
      )
      for (const end of found) assert.equal(end.at, now.wall + end.remaining)
    })
})

describe('SessionEndWatch', { timeout: 10_000 }, () => {
  type Step = {
    at: ReturnType<typeof at>
    active?: ReturnType<typeof at>
    tells: string[]
    next: number | undefined
  }
  const play = (limits: { idle: number; maximum: number | undefined }, steps: readonly Step[]) => {
    const watch = new SessionEndWatch(limits, START)
    for (const { at: now, active, tells, next } of steps) {
      if (active !== undefined) watch.activity(active)
      assert.deepEqual(
        watch.poll(now).map(({ because }) => because),
        tells,
        `at ${now.mono / MINUTE}`,
      )
      const wait = watch.nextPoll(now)
      assert.equal(wait === undefined ? undefined : wait / MINUTE, next, `after ${now.mono / MINUTE}`)
    }
  }

  it('speaks once, two minutes before an idle end', () => {
    play({ idle: 20 * MINUTE, maximum: undefined }, [
      { at: at(0), tells: [], next: 18 },
      { at: at(18), tells: ['idle'], next: 2 },
      { at: at(18.5), tells: [], next: 1.5 },
      { at: at(20), tells: [], next: undefined },
    ])
  })

  it('speaks again after a new silence', () => {
    play({ idle: 20 * MINUTE, maximum: undefined }, [
      { at: at(18), tells: ['idle'], next: 2 },
      { at: at(20), active: at(19), tells: [], next: 17 },
      { at: at(37), active: at(19), tells: ['idle'], next: 2 },
    ])
  })

  it('speaks five minutes before the maximum, and of both when both are near', () => {
    play({ idle: 20 * MINUTE, maximum: 60 * MINUTE }, [
      { at: at(40), active: at(39), tells: [], next: 15 },
      { at: at(57.5), active: at(39), tells: ['idle', 'maximum'], next: 1.5 },
      { at: at(60), tells: [], next: undefined },
    ])
  })

  it('speaks halfway where the limit is too short for that', () => {
    play({ idle: MINUTE, maximum: 2 * MINUTE }, [
      { at: at(0), tells: [], next: 0.5 },
      { at: at(0.5), tells: ['idle'], next: 0.5 },
      { at: at(1), active: at(0.75), tells: ['maximum'], next: 0.25 },
    ])
  })

  it('ignores news older than what it knows', () => {
    const watch = new SessionEndWatch({ idle: 20 * MINUTE, maximum: undefined }, START)
    watch.activity(at(10))
    watch.activity(at(5))
    assert.equal(watch.nextPoll(at(10)), 18 * MINUTE)
  })
})
