import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { LifeAction } from '#core/bastion/actions.ts'
import { decide } from '#core/bastion/decide.ts'
import { stoppedByHand } from '#core/bastion/decide-stopped.ts'
import { stop } from '#core/bastion/decision.ts'
import { hold } from '#core/bastion/leases.ts'
import { FRESH_LIFE, type LifeState } from '#core/bastion/life-state.ts'
import { DEFAULT_LIFE, type LifePolicy, policyOf } from '#core/bastion/policy.ts'
import { runningSizes } from '#core/bastion/sizes.ts'
import { BastionWorld } from '../../support/bastion-world.ts'

/** What holds whatever happens: days of a bastion, drawn by chance, with every event that a bastion knows. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const EVENTS: Readonly<Record<string, (world: BastionWorld) => void>> = {
  open: (world) => {
    if (world.machines.length > 0) world.open(`s-${world.sessions.length}-${world.now}`)
  },
  close: (world) => void world.sessions.pop(),
  cut: (world) => {
    world.sessions = world.sessions.map((session) => ({ ...session, status: 'disconnected' }))
  },
  'forget-sessions': (world) => {
    world.sessionsKnown = !world.sessionsKnown
  },
  'forget-activity': (world) => {
    world.activityKnown = !world.activityKnown
  },
  connect: (world) => world.set({ connections: 1 }),
  disconnect: (world) => world.set({ connections: 0 }),
  run: (world) => world.set({ programs: 1 }),
  end: (world) => world.set({ programs: 0 }),
  abandon: (world) => {
    world.running = world.running === undefined ? [] : undefined
  },
  die: (world) => world.ping('connection-lost'),
  revive: (world) => world.ping('online'),
  terraform: (world) => {
    world.sizes = { minimum: 1, maximum: 1, desired: 1 }
    world.settle()
  },
  'new-image': (world) => {
    world.template = String(Number(world.template) + 1)
  },
  mend: (world) => world.bad.clear(),
  // Its machine is gone, and no other of its version comes up.
  break: (world) => {
    world.bad.add(world.template)
    for (const { id } of world.machines)
      world.take({ kind: 'replace', machine: id, unlessUsed: false, why: '' })
  },
  'bad-image': (world) => {
    world.template = String(Number(world.template) + 1)
    world.bad.add(world.template)
  },
}

const event = fc.record({
  what: fc.constantFrom(...Object.keys(EVENTS), 'hold', 'stop', 'nothing', 'nothing', 'nothing'),
  passed: fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 20_000, max: 90_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -40 * HOUR, max: 40 * HOUR }) },
  ),
  quiet: fc.integer({ min: 0, max: 45 }),
})
const days = fc.array(event, { minLength: 1, maxLength: 60 })

/** Of some schedules one that is always open, one of nights elsewhere, and one of many short windows. */
const schedules = fc
  .constantFrom(
    '',
    'Mon-Fri 08:00-18:00 Europe/Berlin',
    '00:00-24:00 UTC',
    'Fri-Tue 22:00-06:30 America/New_York; 12:00-12:20 UTC',
    '09:00-09:30 UTC; 10:00-10:30 UTC; 10:45-11:15 UTC; 13:00-13:01 UTC',
  )
  .map((hours) => policyOf({ idleAfter: DEFAULT_LIFE.idleAfter, hours }))

interface Seen {
  readonly before: LifeState
  readonly world: BastionWorld
  readonly actions: readonly LifeAction[]
}

/** Lives through the events, and shows `each` what was decided before it is done. */
function live(
  events: readonly { what: string; passed: number; quiet: number }[],
  each: (seen: Seen) => void,
  policy: LifePolicy = DEFAULT_LIFE,
): { world: BastionWorld; state: LifeState } {
  const world = new BastionWorld()
  let state: LifeState = FRESH_LIFE
  const look = (passed: number) => {
    world.now += passed
    const { state: next, actions, verdict } = decide(state, world.signals(), policy, world.now)
    assert.ok(verdict.says !== '' && actions.every(({ why }) => why !== ''))
    each({ before: state, world, actions })
    state = next
    for (const action of actions) world.take(action)
  }
  for (const { what, passed, quiet } of events) {
    EVENTS[what]?.(world)
    const { group } = world.signals()
    if (what === 'stop' && group !== undefined) {
      state = stoppedByHand(state, group, world.now)
      world.take(stop(group, 'somebody has asked for it'))
    }
    if (what === 'hold')
      state = hold(
        state,
        { id: `l-${world.now}`, owner: 'ada', reason: 'r', span: 2 * HOUR },
        DEFAULT_LIFE,
        world.now,
      )
    look(passed)
    for (let minute = 0; minute < quiet; minute++) look(MINUTE)
  }
  return { world, state }
}

const ends = (actions: readonly LifeAction[]) =>
  actions.some(({ kind }) => kind === 'replace' || kind === 'resize')
const answers = ({ machines }: BastionWorld) =>
  machines.some(({ agent }) => agent.kind === 'registered' && agent.ping === 'online')

describe('whatever happens to a bastion', () => {
  it('one that answers and is held open is neither stopped nor replaced', () => {
    fc.assert(
      fc.property(days, schedules, (events, policy) => {
        live(
          events,
          ({ before, world, actions }) => {
            const passed = world.now - before.lookedAt
            const held = before.leases.some(({ until }) => until > world.now)
            if (held && passed >= 0 && answers(world)) assert.ok(!ends(actions), JSON.stringify(actions))
          },
          policy,
        )
      }),
      { numRuns: 300 },
    )
  })

  it('one with a session that somebody is at is not stopped, and replaced only with notice', () => {
    fc.assert(
      fc.property(days, schedules, (events, policy) => {
        const warned = new Set<string>()
        live(
          events,
          ({ world, actions }) => {
            const attended = world.sessions.filter(
              ({ id, status }) => status === 'connected' && (world.running ?? [id]).includes(id),
            )
            if (world.sessionsKnown && attended.length > 0 && answers(world)) {
              assert.ok(!actions.some(({ kind }) => kind === 'resize'), JSON.stringify(actions))
              if (actions.some(({ kind }) => kind === 'replace')) assert.ok(warned.size > 0)
            }
            // Nobody's session is ended on a machine that answers, before its person has been told.
            for (const action of actions) {
              if (action.kind === 'warn-session') warned.add(action.session)
              if (action.kind === 'end-session' && answers(world) && action.why.startsWith('its client'))
                assert.ok(warned.has(action.session), action.why)
            }
          },
          policy,
        )
      }),
      { numRuns: 300 },
    )
  })

  it('one of which nothing is known is stopped at the latest after the cap and the idle time', () => {
    fc.assert(
      fc.property(days, (events) => {
        const { world, state: lived } = live(events, () => {})
        world.sessionsKnown = false
        world.activityKnown = false
        let state = lived
        // An idle one that is stale is replaced first, and what a new machine does is not known anew.
        const most = (DEFAULT_LIFE.leaseMost + 2 * DEFAULT_LIFE.unknownCap) / MINUTE + 120
        for (let minute = 0; world.sizes.desired > 0 && minute < most; minute++) {
          world.now += MINUTE
          const decision = decide(state, world.signals(), DEFAULT_LIFE, world.now)
          state = decision.state
          for (const action of decision.actions) world.take(action)
        }
        assert.equal(world.sizes.desired, 0)
      }),
      { numRuns: 60 },
    )
  })

  it('what is remembered of a stopped group starts it as it was, and is never nothing', () => {
    fc.assert(
      fc.property(days, schedules, (events, policy) => {
        live(
          events,
          ({ actions, world }) => {
            for (const action of actions)
              if (action.kind === 'resize' && action.sizes.desired > 0) {
                assert.deepEqual([world.sizes.desired, action.remember], [0, undefined])
                assert.deepEqual(action.sizes, runningSizes(world))
              } else if (action.kind === 'resize') {
                assert.deepEqual(action.remember, world.sizes)
                assert.deepEqual(
                  [action.sizes.minimum, action.sizes.desired, action.sizes.maximum],
                  [0, 0, world.sizes.maximum],
                )
              }
          },
          policy,
        )
      }),
    )
  })

  it('spans grow by no more than the longest step, whatever the clock does', () => {
    fc.assert(
      fc.property(days, schedules, (events, policy) => {
        let last = FRESH_LIFE
        const { state } = live(
          events,
          ({ before }) => {
            for (const span of ['idleFor', 'bootFor', 'lostFor', 'staleFor'] as const)
              assert.ok(before[span] - last[span] <= DEFAULT_LIFE.longestStep && before[span] >= 0)
            last = before
          },
          policy,
        )
        assert.equal(state.v, 1)
      }),
    )
  })

  it('the same look twice decides the same', () => {
    fc.assert(
      fc.property(days, schedules, (events, policy) => {
        live(
          events,
          ({ before, world, actions }) =>
            assert.deepEqual(decide(before, world.signals(), policy, world.now).actions, actions),
          policy,
        )
      }),
      { numRuns: 50 },
    )
  })

  it('one whose hours are open is not stopped, but where no machine of several has answered', () => {
    let [open, failed] = [0, 0]
    fc.assert(
      fc.property(days, schedules, (events, policy) => {
        live(
          events,
          ({ world, actions }) => {
            if (policy.schedule?.at(world.now) === undefined) return
            open++
            for (const action of actions)
              if (action.kind === 'resize' && action.sizes.desired === 0) {
                assert.match(action.why, /has not answered within .*, as none of 3 machines in a row has$/)
                failed++
              }
          },
          policy,
        )
      }),
      { numRuns: 200 },
    )
    assert.ok(open > 1_000 && failed > 0, `${open} looks within hours, ${failed} stops`)
  })

  it('one whose hours are open is up, unless it was stopped since they opened, or no machine answers', () => {
    let started = 0
    fc.assert(
      fc.property(days, schedules, (events, policy) => {
        live(
          events,
          ({ before, world, actions }) => {
            const starts = actions.filter((action) => action.kind === 'resize' && action.sizes.desired > 0)
            const up = policy.schedule?.at(world.now)
            if (up === undefined || world.sizes.desired > 0) return assert.deepEqual(starts, [])
            const stopped = before.stopped !== null && Math.min(before.stopped.at, world.now) >= up.opened
            assert.equal(starts.length, stopped ? 0 : 1, JSON.stringify(before.stopped))
            started += starts.length
          },
          policy,
        )
      }),
      { numRuns: 200 },
    )
    assert.ok(started > 5, `${started} starts`)
  })

  it('of machines that never answer each opening costs so many as may fail, and no more', () => {
    fc.assert(
      fc.property(days, schedules, fc.integer({ min: 60, max: 400 }), (events, policy, minutes) => {
        const { world, state: lived } = live(events, () => {}, policy)
        const { schedule } = policy
        if (schedule === undefined) return
        world.sessions = []
        world.machines = []
        world.sizes = { minimum: 0, maximum: 1, desired: 0 }
        world.sessionsKnown = true
        let state = lived
        let [openings, machines] = [1, 0]
        let last = schedule.at(world.now)?.opened
        for (let minute = 0; minute < minutes; minute++) {
          world.now += MINUTE
          world.bad.add(world.template)
          const opened = schedule.at(world.now)?.opened
          if (opened !== undefined && opened !== last) openings++
          last = opened ?? last
          const decision = decide(state, world.signals(), policy, world.now)
          state = decision.state
          for (const action of decision.actions) {
            if (action.kind === 'replace' || (action.kind === 'resize' && action.sizes.desired > 0))
              machines++
            world.take(action)
          }
        }
        assert.ok(machines <= openings * policy.tries, `${machines} machines for ${openings} openings`)
      }),
      { numRuns: 40 },
    )
  })
})
