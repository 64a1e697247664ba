import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decide } from '#core/bastion/decide.ts'
import { hold, release } from '#core/bastion/leases.ts'
import { FRESH_LIFE, parseLife } from '#core/bastion/life-state.ts'
import { DEFAULT_LIFE, policyOf } from '#core/bastion/policy.ts'
import { formatSizes, parseSizes, runningSizes } from '#core/bastion/sizes.ts'
import { describeSpan } from '#core/bastion/spans.ts'
import { BastionWatch } from '../../support/bastion-watch.ts'
import { BastionWorld } from '../../support/bastion-world.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

describe('the life of a bastion', () => {
  it('says when it will stop and why, and then stops, with the sizes that it had', () => {
    const watch = new BastionWatch()
    const { verdict } = watch.for(14)
    assert.equal(verdict.says, 'will stop in 7 min because nobody has used it for 13 min')
    assert.equal(verdict.stopsIn, 7 * MINUTE)
    assert.deepEqual(watch.kinds, [])
    const last = watch.for(7)
    assert.equal(last.verdict.kind, 'stopping')
    assert.deepEqual(watch.done, [
      {
        kind: 'resize',
        sizes: { minimum: 0, maximum: 1, desired: 0 },
        remember: { minimum: 1, maximum: 1, desired: 1 },
        unlessUsed: true,
        why: 'nobody has used it for 20 min',
      },
    ])
    assert.equal(watch.look().verdict.says, 'its group is at 0: nobody has used it for 20 min')
  })

  for (const [what, use] of [
    ['a session', (world: BastionWorld) => world.open('s-1')],
    ['a connection', (world: BastionWorld) => world.set({ connections: 1 })],
    ["somebody's program", (world: BastionWorld) => world.set({ programs: 1 })],
  ] as const)
    it(`is used by ${what}, for as long as that is there`, () => {
      const watch = new BastionWatch()
      watch.for(19)
      use(watch.world)
      assert.equal(watch.for(300).verdict.kind, 'busy')
      assert.deepEqual(watch.kinds, [])
    })

  it('is held open by a lease, and stops its idle time after the lease', () => {
    const watch = new BastionWatch()
    watch.look()
    watch.hold(3 * HOUR)
    assert.equal(watch.for(179).verdict.says, 'held by ada for another 1 min ("restore of hermes")')
    assert.equal(watch.for(20).verdict.kind, 'idle')
    assert.equal(watch.look().verdict.kind, 'stopping')
  })

  it('is free at once when a lease is let go of', () => {
    const watch = new BastionWatch()
    watch.look()
    watch.hold(3 * HOUR)
    const { released, state } = release(watch.state, ({ owner }) => owner === 'ada')
    assert.equal(released.length, 1)
    watch.state = state
    assert.equal(watch.look().verdict.kind, 'idle')
  })

  it('takes what is not known for use up to the cap, and not beyond', () => {
    const watch = new BastionWatch()
    watch.world.activityKnown = false
    const early = watch.for(180)
    assert.equal(early.verdict.kind, 'busy')
    assert.match(
      early.verdict.says,
      /what it does is not known \(it has not said so\): .* another 1 h 1 min$/,
    )
    const beyond = watch.for(61)
    assert.equal(beyond.verdict.kind, 'idle')
    watch.for(20)
    assert.deepEqual(watch.kinds, ['resize'])
  })

  it('never stops a machine with a session for what is not known besides', () => {
    const watch = new BastionWatch()
    watch.world.activityKnown = false
    watch.world.open('s-1')
    assert.equal(watch.for(1_000).verdict.kind, 'busy')
    assert.deepEqual(watch.kinds, [])
  })

  it('stops again what Terraform has started again, after a whole idle time, and remembers what it set', () => {
    const watch = new BastionWatch()
    watch.for(22)
    watch.world.sizes = { minimum: 2, maximum: 3, desired: 2 }
    watch.world.settle()
    assert.equal(watch.for(20).verdict.kind, 'idle')
    watch.look()
    assert.deepEqual(watch.kinds, ['resize', 'resize'])
    assert.deepEqual(watch.world.remembered, { minimum: 2, maximum: 3, desired: 2 })
    assert.deepEqual(runningSizes(watch.world), { minimum: 2, maximum: 3, desired: 2 })
  })

  it('puts a newer image in its place once it is idle, and not while somebody is on it', () => {
    const watch = new BastionWatch()
    const { id } = watch.world.machine
    watch.world.open('s-1')
    watch.look()
    watch.world.template = '2'
    const busy = watch.for(60)
    assert.deepEqual([busy.verdict.kind, busy.verdict.stale, watch.kinds], ['busy', true, []])
    watch.world.sessions = []
    assert.equal(watch.for(6).verdict.kind, 'replacing')
    assert.deepEqual(watch.kinds, ['replace'])
    assert.notEqual(watch.world.machine.id, id)
    assert.equal(watch.look().verdict.stale, false)
  })

  it('warns before it replaces one that is never idle, and leaves one that is held', () => {
    const watch = new BastionWatch()
    watch.policy = { ...DEFAULT_LIFE, refreshAfter: 2 * HOUR }
    watch.world.open('s-1')
    watch.look()
    watch.world.template = '2'
    watch.hold(3 * HOUR)
    watch.for(175)
    assert.deepEqual(watch.kinds, [])
    watch.for(5)
    assert.deepEqual(watch.kinds, ['warn-session'])
    assert.match(
      watch.done[0]?.why ?? '',
      /^a newer image has waited for .*: it takes the place of this one in 10 min$/,
    )
    watch.look()
    assert.deepEqual(watch.kinds, ['warn-session', 'end-session', 'replace'])
  })

  it('goes back to the image that was good when a newer one does not answer in time', () => {
    const watch = new BastionWatch()
    watch.look()
    watch.world.template = '2'
    watch.world.bad.add('2')
    watch.for(5)
    assert.deepEqual(watch.kinds, ['replace'])
    watch.for(4)
    assert.deepEqual(watch.kinds, ['replace', 'use-template', 'replace'])
    assert.equal(watch.world.template, '1')
    assert.match(watch.done[1]?.why ?? '', /has not answered within 3 min, and version 1 was good$/)
    // The template is set to the bad version again: it is known.
    watch.look()
    watch.world.template = '2'
    assert.equal(watch.for(10).verdict.stale, false)
  })

  it('gives up after some machines that never answer, and is at 0 then', () => {
    const watch = new BastionWatch()
    watch.world.machines = []
    watch.world.bad.add('1')
    watch.world.settle()
    watch.for(13)
    assert.deepEqual(watch.kinds, ['replace', 'replace', 'resize'])
    assert.match(watch.done[2]?.why ?? '', /none of 3 machines in a row has$/)
    assert.equal(watch.look().verdict.kind, 'stopped')
  })

  it('replaces a machine whose agent has died, with the sessions that nobody can use, unless it is held', () => {
    const watch = new BastionWatch()
    watch.world.open('s-1')
    watch.look()
    watch.world.ping('connection-lost')
    assert.equal(watch.for(14).verdict.kind, 'stuck')
    assert.deepEqual(watch.kinds, [])
    watch.hold(HOUR)
    watch.for(30)
    assert.deepEqual(watch.kinds, [])
    watch.for(31)
    assert.deepEqual(watch.kinds, ['end-session', 'replace'])
  })

  it('concludes nothing from agents that may not be asked about', () => {
    const watch = new BastionWatch()
    watch.world.machines = watch.world.machines.map((machine) => ({ ...machine, agent: { kind: 'unread' } }))
    watch.world.open('s-1')
    watch.for(100)
    assert.deepEqual(watch.kinds, [])
  })

  it('warns and then ends a session whose client is long gone', () => {
    const watch = new BastionWatch()
    watch.world.open('s-1', 'disconnected')
    watch.for(31)
    assert.deepEqual(watch.done, [
      {
        kind: 'warn-session',
        session: 's-1',
        why: 'its client has been gone for 30 min: it is ended in 10 min',
      },
    ])
    watch.for(10)
    assert.deepEqual(watch.kinds, ['warn-session', 'end-session'])
  })

  it('calls a session stuck when the service, the bastion and its sockets agree, and not before', () => {
    const watch = new BastionWatch()
    watch.world.open('s-1')
    watch.world.running = []
    watch.world.connections = 1
    watch.for(100)
    assert.deepEqual(watch.kinds, [], 'a connection is open')
    watch.world.connections = 0
    assert.equal(watch.for(31).verdict.kind, 'stuck')
    watch.for(10)
    assert.deepEqual(watch.kinds, ['warn-session', 'end-session'])
  })

  it('lets no leap of the clock make it look idle, or end a lease in one look', () => {
    const watch = new BastionWatch()
    watch.for(5)
    assert.equal(watch.look(30 * 24 * HOUR).verdict.kind, 'idle')
    assert.deepEqual(watch.kinds, [])
    watch.hold(HOUR)
    assert.equal(watch.look(5 * HOUR).verdict.kind, 'busy')
    assert.equal(watch.look(-5 * HOUR).verdict.kind, 'busy')
    assert.equal(watch.look().verdict.kind, 'busy')
  })

  it('cuts a lease that a clock set back has made too long', () => {
    const watch = new BastionWatch()
    watch.look()
    watch.hold(24 * HOUR)
    watch.look(-365 * 24 * HOUR)
    assert.equal(watch.state.leases[0]?.until, watch.world.now + 24 * HOUR)
  })

  it('takes rights back when their time is over, and asks again until they are gone', () => {
    const watch = new BastionWatch()
    watch.look()
    const from = watch.world.now
    const right = { id: 'e-1', principal: 'arn:role', policy: 'edit', by: 'ada', reason: 'INC-1', from }
    watch.state = { ...watch.state, elevations: [{ ...right, until: from + 3 * MINUTE }] }
    watch.for(2)
    assert.deepEqual(watch.kinds, [])
    watch.for(2)
    assert.deepEqual(watch.kinds, ['revoke', 'revoke'])
    assert.equal(watch.done[0]?.why, 'the time it was asked for is over ("INC-1")')
  })

  it('does nothing where there is no group', () => {
    const decision = decide(
      FRESH_LIFE,
      { ...new BastionWorld().signals(), group: undefined },
      DEFAULT_LIFE,
      1_000,
    )
    assert.deepEqual([decision.actions, decision.verdict.kind], [[], 'missing'])
  })
})

describe('what is written down of a bastion', () => {
  it('is read again as it was written', () => {
    const watch = new BastionWatch()
    watch.hold(HOUR)
    watch.for(3)
    assert.deepEqual(parseLife(JSON.parse(JSON.stringify(watch.state)), 'k'), watch.state)
  })

  it('says what the looks go by, and of one from before that was written down that it is not known', () => {
    const watch = new BastionWatch()
    const { rules, ...older } = FRESH_LIFE
    assert.equal(rules, null)
    watch.state = parseLife(JSON.parse(JSON.stringify({ ...older, lookedAt: watch.world.now })), 'k')
    assert.deepEqual(watch.state, { ...FRESH_LIFE, lookedAt: watch.world.now })
    watch.policy = { ...DEFAULT_LIFE, idleAfter: 45 * MINUTE }
    watch.look()
    assert.deepEqual(watch.state.rules, { idleAfter: 45 * MINUTE, hours: null })
    watch.policy = { ...DEFAULT_LIFE, idleAfter: Infinity }
    watch.look()
    const { rules: never } = parseLife(JSON.parse(JSON.stringify(watch.state)), 'k')
    assert.deepEqual(never, { idleAfter: null, hours: null })
  })

  it('makes the one who reads it decide as the looks do, and tell no time that nobody has said', () => {
    const watch = new BastionWatch()
    watch.policy = { ...DEFAULT_LIFE, idleAfter: 45 * MINUTE }
    const { verdict } = watch.for(14)
    const read = decide(watch.state, watch.world.signals(), policyOf(watch.state.rules), watch.world.now)
    assert.equal(read.verdict.says, 'will stop in 32 min because nobody has used it for 13 min')
    assert.deepEqual(read.verdict, verdict)
    const unread = decide(FRESH_LIFE, watch.world.signals(), policyOf(null), watch.world.now)
    assert.deepEqual(
      [unread.verdict.kind, unread.verdict.says, unread.verdict.stopsIn],
      ['idle', 'nobody has used it for 0 s', undefined],
    )
  })

  it('is refused where it is something else', () => {
    for (const value of [undefined, {}, { ...FRESH_LIFE, v: 2 }, { ...FRESH_LIFE, leases: [{}] }])
      assert.throws(() => parseLife(value, 'k'), { code: 'state-invalid' })
  })

  it('holds no lease longer than a day', () => {
    assert.throws(
      () => hold(FRESH_LIFE, { id: 'l', owner: 'ada', reason: 'r', span: 25 * HOUR }, DEFAULT_LIFE, 0),
      { code: 'usage', message: 'the bastion cannot be held for 25 h' },
    )
  })
})

describe('sizes and spans', () => {
  it('sizes are read as they are written, and nothing else is', () => {
    const sizes = { minimum: 0, maximum: 3, desired: 2 }
    assert.deepEqual(parseSizes(formatSizes(sizes)), sizes)
    for (const text of ['', '1/1', '3/2/1', '1/2/3', '-1/1/1', '1/1/1/1', 'a/b/c'])
      assert.equal(parseSizes(text), undefined, text)
  })

  it('a group that was made at 0 is started with one machine', () => {
    const sizes = { minimum: 0, maximum: 0, desired: 0 }
    assert.deepEqual(runningSizes({ sizes, remembered: undefined }), { minimum: 0, maximum: 1, desired: 1 })
  })

  it('spans are told in the two largest units', () => {
    const told = [0, 45_000, 7 * MINUTE, 3 * HOUR, 3 * HOUR + 12 * MINUTE, 50 * HOUR, 48 * HOUR].map(
      describeSpan,
    )
    assert.deepEqual(told, ['0 s', '45 s', '7 min', '3 h', '3 h 12 min', '2 d 2 h', '2 d'])
  })
})
