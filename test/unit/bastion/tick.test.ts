import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { stoppedByHand } from '#core/bastion/decide-stopped.ts'
import { changeLife, readLife } from '#core/bastion/io/life-store.ts'
import { lookAtBastion } from '#core/bastion/io/look.ts'
import { type TickShell, tickBastion } from '#core/bastion/io/tick.ts'
import { hold } from '#core/bastion/leases.ts'
import { activityKey, lifeKey } from '#core/bastion/names.ts'
import { DEFAULT_LIFE, policyOf } from '#core/bastion/policy.ts'
import { PgctlError } from '#core/errors.ts'
import { BastionWorld } from '../../support/bastion-world.ts'
import { MemoryStore } from '../../support/memory-store.ts'

/** The shell around the decider: what is written before what is done, races, failures half-way. */

const WORKSPACE = 'acme'
const MINUTE = 60_000
const NONE = { minimum: 0, maximum: 1, desired: 0 }

function scene() {
  const world = new BastionWorld()
  const store = new MemoryStore()
  const calls: string[] = []
  const refused = new Set<string>()
  let meanwhile = () => {}
  const call = async (name: string, run: () => void) => {
    await Promise.resolve()
    if (refused.has(name)) throw new PgctlError('permission-denied', `${name} is not allowed`)
    calls.push(name)
    run()
  }
  const shell: TickShell = {
    store,
    policy: DEFAULT_LIFE,
    control: {
      look: async () => world.signals().group,
      image: async () => undefined,
      resize: (sizes, remember) =>
        call(`resize ${sizes.desired}`, () =>
          world.take({ kind: 'resize', sizes, remember, unlessUsed: false, why: '' }),
        ),
      useTemplate: (version) =>
        call(`use ${version}`, () => world.take({ kind: 'use-template', version, why: '' })),
      replace: (machine) =>
        call('replace', () => world.take({ kind: 'replace', machine, unlessUsed: false, why: '' })),
    },
    records: {
      active: async (machine) => {
        if (refused.has('sessions')) throw new PgctlError('permission-denied', 'not allowed')
        const found = world.sessions.filter((session) => session.machine === machine)
        meanwhile()
        return found
      },
      end: (session) => call(`end ${session}`, () => world.take({ kind: 'end-session', session, why: '' })),
    },
    elevations: {
      grant: async () => {},
      revoke: (principal, policy) => call(`revoke ${principal} ${policy}`, () => {}),
    },
  }
  const says = () => {
    const [machine] = world.machines
    if (machine === undefined || !world.activityKnown) return
    const { connections, programs, now: at } = world
    const report = { v: 1, at, machine: machine.id, connections, programs, sessions: [] }
    store.documents.set(activityKey(WORKSPACE), { value: report, version: String(at) })
  }
  const tick = () => tickBastion({ workspace: WORKSPACE, now: world.now }, shell)
  return {
    ...{ world, store, shell, calls, refused, tick },
    during: (run: () => void) => {
      meanwhile = run
    },
    async minutes(count: number) {
      for (let minute = 0; minute < count; minute++) {
        world.now += MINUTE
        says()
        await tick()
      }
    },
  }
}

describe('a look at a bastion, and what follows', () => {
  it('writes down what it has done and why', async () => {
    const { minutes, calls, store } = scene()
    await minutes(22)
    assert.deepEqual(calls, ['resize 0'])
    const { state } = await readLife(store, WORKSPACE)
    assert.deepEqual(
      state.history.map(({ what, why }) => [what, why]),
      [['stop', 'nobody has used it for 20 min']],
    )
  })

  it('of several looks at the same time one does it, and each once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 5 }), fc.scheduler(), async (count, scheduler) => {
        const { world, minutes, calls, shell, store } = scene()
        await minutes(20)
        world.now += MINUTE
        const raced = { ...shell, store: scheduled(store, scheduler) }
        const looks = Array.from({ length: count }, () =>
          tickBastion({ workspace: WORKSPACE, now: world.now }, raced),
        )
        await scheduler.waitFor(Promise.allSettled(looks))
        assert.deepEqual(calls, ['resize 0'])
      }),
      { numRuns: 50 },
    )
  })

  it('of several looks at the opening of its hours one starts it, and once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 5 }), fc.scheduler(), async (count, scheduler) => {
        const { world, calls, shell, store } = scene()
        world.take({ kind: 'resize', sizes: NONE, remember: undefined, unlessUsed: false, why: '' })
        const policy = policyOf({ idleAfter: 20 * MINUTE, hours: '08:00-18:00 UTC' })
        const raced = { ...shell, policy, store: scheduled(store, scheduler) }
        const looks = Array.from({ length: count }, () =>
          tickBastion({ workspace: WORKSPACE, now: world.now }, raced),
        )
        await scheduler.waitFor(Promise.allSettled(looks))
        assert.deepEqual(calls, ['resize 1'])
      }),
      { numRuns: 50 },
    )
  })

  it('leaves one at 0 that somebody has stopped while it was looked at', async () => {
    const { world, calls, shell, store } = scene()
    world.take({ kind: 'resize', sizes: NONE, remember: undefined, unlessUsed: false, why: '' })
    const { group } = world.signals()
    assert.ok(group !== undefined)
    const policy = policyOf({ idleAfter: 20 * MINUTE, hours: '08:00-18:00 UTC' })
    const look = async () => {
      await changeLife(store, WORKSPACE, (state) => stoppedByHand(state, group, world.now))
      return group
    }
    const meanwhile = { ...shell, policy, control: { ...shell.control, look } }
    const { raced } = await tickBastion({ workspace: WORKSPACE, now: world.now }, meanwhile)
    assert.deepEqual([raced, calls], [true, []])
    world.now += MINUTE
    await tickBastion({ workspace: WORKSPACE, now: world.now }, { ...shell, policy })
    assert.deepEqual(calls, [])
  })

  it('decides nothing and writes nothing where the group cannot be seen', async () => {
    const { shell, minutes, calls, store, refused, tick } = scene()
    await minutes(20)
    const before = store.documents.get(lifeKey(WORKSPACE))
    const { control } = shell
    const unseen = async () => {
      if (refused.has('look')) throw new PgctlError('endpoint-unreachable', 'there is no way to it')
      return control.look()
    }
    Object.assign(shell, { control: { ...control, look: unseen } })
    refused.add('look')
    await assert.rejects(tick(), { code: 'endpoint-unreachable' })
    assert.deepEqual([store.documents.get(lifeKey(WORKSPACE)), calls], [before, []])
    refused.clear()
    await minutes(1)
    assert.deepEqual(calls, ['resize 0'])
  })

  it('does nothing of what it has decided when somebody holds the bastion meanwhile', async () => {
    const { world, minutes, calls, tick, store, during } = scene()
    await minutes(20)
    world.now += MINUTE
    const lease = { id: 'l', owner: 'ada', reason: 'r', span: 60 * MINUTE }
    let held: Promise<unknown> | undefined
    during(() => {
      held ??= changeLife(store, WORKSPACE, (state) => hold(state, lease, DEFAULT_LIFE, world.now))
    })
    const { raced } = await tick()
    await held
    assert.deepEqual([raced, calls], [true, []])
    assert.equal((await readLife(store, WORKSPACE)).state.leases.length, 1)
  })

  it('leaves it running when a session was opened between the look and the stop', async () => {
    const { world, minutes, calls, tick, during } = scene()
    await minutes(20)
    world.now += MINUTE
    during(() => {
      if (world.sessions.length === 0) world.open('s-1')
    })
    const { results } = await tick()
    assert.deepEqual(
      [results.map(({ outcome, because }) => [outcome, because]), calls],
      [[['left', 'a session was opened meanwhile']], []],
    )
  })

  it('leaves it running when who is on it was known at the look, and is not any more at the stop', async () => {
    const { world, minutes, calls, tick, refused, during } = scene()
    await minutes(20)
    world.now += MINUTE
    during(() => refused.add('sessions'))
    const { results } = await tick()
    assert.deepEqual(
      results.map(({ outcome, because }) => [outcome, because]),
      [['left', 'who is on it is not known any more (not allowed)']],
    )
    assert.deepEqual(calls, [])
  })

  it('is stopped all the same when who is on it has not been known for the whole cap', async () => {
    const { minutes, calls, refused } = scene()
    refused.add('sessions')
    await minutes((DEFAULT_LIFE.unknownCap + DEFAULT_LIFE.idleAfter) / MINUTE + 2)
    assert.deepEqual(calls, ['resize 0'])
  })

  it('tries again with the next look what was refused', async () => {
    const { minutes, refused, calls, store } = scene()
    refused.add('resize 0')
    await minutes(25)
    assert.deepEqual(calls, [])
    assert.deepEqual((await readLife(store, WORKSPACE)).state.history, [])
    refused.clear()
    await minutes(1)
    assert.deepEqual(calls, ['resize 0'])
  })

  it('does not replace a machine while the template is still the bad one', async () => {
    const { world, minutes, refused, calls } = scene()
    await minutes(1)
    world.template = '2'
    world.bad.add('2')
    refused.add('use 1')
    await minutes(20)
    assert.deepEqual(calls, ['replace'])
    refused.clear()
    await minutes(1)
    assert.deepEqual(calls, ['replace', 'use 1', 'replace'])
  })

  it('keeps rights written down until they are really gone', async () => {
    const { world, minutes, refused, calls, store } = scene()
    const { now } = world
    await changeLife(store, WORKSPACE, (state) => ({
      ...state,
      elevations: [
        { id: 'e', principal: 'arn', policy: 'edit', by: 'ada', reason: 'r', from: now, until: now },
      ],
    }))
    refused.add('revoke arn edit')
    await minutes(2)
    assert.equal((await readLife(store, WORKSPACE)).state.elevations.length, 1)
    refused.clear()
    await minutes(2)
    assert.deepEqual(calls, ['revoke arn edit'])
    assert.equal((await readLife(store, WORKSPACE)).state.elevations.length, 0)
  })

  it('takes refused lists for what is not known, and a state that it cannot read for a failure', async () => {
    const { shell, world, refused, store, tick } = scene()
    refused.add('sessions')
    const signals = await lookAtBastion(shell, WORKSPACE, world.now)
    assert.deepEqual(signals.sessions, { known: false, why: 'not allowed' })
    assert.deepEqual(signals.activity, { known: false, why: 'it has not said so' })
    store.documents.set(lifeKey(WORKSPACE), { value: 'no', version: '1' })
    await assert.rejects(tick(), { code: 'state-invalid' })
  })

  it('believes only a fresh word of the machine that is there', async () => {
    const { shell, world, store } = scene()
    const [machine] = world.machines
    const word = (change: object) => {
      const value = {
        v: 1,
        at: world.now,
        machine: machine?.id,
        connections: 0,
        programs: 0,
        sessions: [],
        ...change,
      }
      store.documents.set(activityKey(WORKSPACE), { value, version: '1' })
      return lookAtBastion(shell, WORKSPACE, world.now).then(({ activity }) => activity.known || activity.why)
    }
    assert.equal(await word({}), true)
    assert.equal(await word({ at: world.now - 4 * MINUTE }), 'it has not said so for 4 min')
    assert.equal(await word({ at: world.now + 4 * MINUTE }), 'its clock is 4 min ahead')
    assert.equal(await word({ machine: 'i-other' }), 'the machine has not said so yet')
    assert.equal(await word({ connections: -1 }), 'it has not said so')
  })
})

function scheduled(store: MemoryStore, scheduler: fc.Scheduler): MemoryStore {
  return Object.assign(Object.create(store) as MemoryStore, {
    read: scheduler.scheduleFunction((key: string) => store.read(key)),
    write: scheduler.scheduleFunction((key: string, value: unknown, expected?: string) =>
      store.write(key, value, expected),
    ),
  })
}
