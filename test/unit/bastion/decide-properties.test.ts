import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { LifeAction } from '#core/bastion/actions.ts'
import { decide } from '#core/bastion/decide.ts'
import { hold } from '#core/bastion/leases.ts'
import { FRESH_LIFE, type LifeState } from '#core/bastion/life-state.ts'
import { DEFAULT_LIFE } from '#core/bastion/policy.ts'
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
  'bad-image': (world) => {
    world.template = String(Number(world.template) + 1)
    world.bad.add(world.template)
  },
}

const event = fc.record({
  what: fc.constantFrom(...Object.keys(EVENTS), 'hold', 'nothing', 'nothing', 'nothing'),
  passed: fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 20_000, max: 90_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -40 * HOUR, max: 40 * HOUR }) },
  ),
  quiet: fc.integer({ min: 0, max: 45 }),
})
const days = fc.array(event, { minLength: 1, maxLength: 60 })

interface Seen {
  readonly before: LifeState
  readonly world: BastionWorld
  readonly actions: readonly LifeAction[]
}

/** Lives through the events, and shows `each` what was decided before it is done. */
function live(
  events: readonly { what: string; passed: number; quiet: number }[],
  each: (seen: Seen) => void,
): { world: BastionWorld; state: LifeState } {
  const world = new BastionWorld()
  let state: LifeState = FRESH_LIFE
  const look = (passed: number) => {
    world.now += passed
    const { state: next, actions, verdict } = decide(state, world.signals(), DEFAULT_LIFE, world.now)
    assert.ok(verdict.says !== '' && actions.every(({ why }) => why !== ''))
    each({ before: state, world, actions })
    state = next
    for (const action of actions) world.take(action)
  }
  for (const { what, passed, quiet } of events) {
    EVENTS[what]?.(world)
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
      fc.property(days, (events) => {
        live(events, ({ before, world, actions }) => {
          const passed = world.now - before.lookedAt
          const held = before.leases.some(({ until }) => until > world.now)
          if (held && passed >= 0 && answers(world)) assert.ok(!ends(actions), JSON.stringify(actions))
        })
      }),
      { numRuns: 300 },
    )
  })

  it('one with a session that somebody is at is not stopped, and replaced only with notice', () => {
    fc.assert(
      fc.property(days, (events) => {
        const warned = new Set<string>()
        live(events, ({ world, actions }) => {
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
        })
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
      fc.property(days, (events) => {
        live(events, ({ actions, world }) => {
          for (const action of actions)
            if (action.kind === 'resize') {
              assert.deepEqual(action.remember, world.sizes)
              assert.deepEqual(
                [action.sizes.minimum, action.sizes.desired, action.sizes.maximum],
                [0, 0, world.sizes.maximum],
              )
            }
        })
      }),
    )
  })

  it('spans grow by no more than the longest step, whatever the clock does', () => {
    fc.assert(
      fc.property(days, (events) => {
        let last = FRESH_LIFE
        const { state } = live(events, ({ before }) => {
          for (const span of ['idleFor', 'bootFor', 'lostFor', 'staleFor'] as const)
            assert.ok(before[span] - last[span] <= DEFAULT_LIFE.longestStep && before[span] >= 0)
          last = before
        })
        assert.equal(state.v, 1)
      }),
    )
  })

  it('the same look twice decides the same', () => {
    fc.assert(
      fc.property(days, (events) => {
        live(events, ({ before, world, actions }) =>
          assert.deepEqual(decide(before, world.signals(), DEFAULT_LIFE, world.now).actions, actions),
        )
      }),
      { numRuns: 50 },
    )
  })
})
