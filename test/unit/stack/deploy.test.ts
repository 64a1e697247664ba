import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { carryOut, type Deployment, propose, removeStack, usableStack } from '#core/stack/deploy.ts'
import type { ChangeSet, StackApi, StackEvent, StackState } from '#core/stack/stack-api.ts'
import { LeapingClock } from '../../support/leaping-clock.ts'

const STACK = 'acme-pgctl'
const state = (status: string, reason?: string): StackState => ({
  status,
  reason,
  parameters: new Map(),
  outputs: new Map(),
})
const set = (status: ChangeSet['status'], reason?: string): ChangeSet => ({ status, reason, changes: [] })
const event = (id: string, resource: string, status: string, reason?: string): StackEvent => ({
  id,
  at: 0,
  resource,
  type: 'AWS::SQS::Queue',
  status,
  reason,
})

/** A cloud that answers what a test has laid out, one after the other; the last answer stays. */
class Cloud implements StackApi {
  states: (StackState | undefined)[] = []
  sets: ChangeSet[] = []
  happenings: StackEvent[][] = [[]]
  readonly did: string[] = []

  async stack() {
    return this.states.length > 1 ? this.states.shift() : this.states[0]
  }
  async propose({ kind, name }: { kind: string; name: string }) {
    this.did.push(`propose ${kind} ${name}`)
  }
  async changeSet() {
    return (this.sets.length > 1 ? this.sets.shift() : this.sets[0]) as ChangeSet
  }
  async withdraw(_: string, name: string, whole: boolean) {
    this.did.push(`withdraw ${name}${whole ? ' and the stack' : ''}`)
  }
  async execute(_: string, name: string) {
    this.did.push(`execute ${name}`)
  }
  async remove() {
    this.did.push('remove')
  }
  async events() {
    return (this.happenings.length > 1 ? this.happenings.shift() : this.happenings[0]) as StackEvent[]
  }
}

function deployment(cloud: Cloud, more: Partial<Deployment> = {}): Deployment {
  return { api: cloud, clock: new LeapingClock(), stack: STACK, ...more }
}

const what = { template: { Resources: {} }, parameters: [], name: 'p-1' }

describe('a stack that somebody wants to deploy to', () => {
  for (const status of ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'])
    it(`may be ${status}`, async () => {
      const cloud = new Cloud()
      cloud.states = [state(status)]
      assert.equal((await usableStack(deployment(cloud)))?.status, status)
    })

  for (const [status, next] of [
    ['UPDATE_IN_PROGRESS', /wait until it is done/],
    ['ROLLBACK_COMPLETE', /delete-stack --stack-name acme-pgctl/],
    ['UPDATE_ROLLBACK_FAILED', /continue-update-rollback/],
  ] as const)
    it(`that is ${status} is left alone, with what to do`, async () => {
      const cloud = new Cloud()
      cloud.states = [state(status, 'because')]
      await assert.rejects(usableStack(deployment(cloud)), (error) => {
        assert.ok(isPgctlError(error, 'unhealthy'))
        assert.match(`${error.why} ${error.next}`, next)
        assert.match(error.why ?? '', /because/)
        return true
      })
    })
})

describe('a proposal', () => {
  it('is waited for, and stays until it is executed or withdrawn', async () => {
    const cloud = new Cloud()
    cloud.sets = [set('making'), set('making'), set('ready')]
    const { kind, plan } = await propose(deployment(cloud), state('UPDATE_COMPLETE'), what)
    assert.deepEqual([kind, plan?.changes], ['update', []])
    assert.deepEqual(cloud.did, ['propose update p-1'])
  })

  it('that changes nothing is withdrawn', async () => {
    const cloud = new Cloud()
    cloud.sets = [set('empty')]
    assert.equal((await propose(deployment(cloud), state('UPDATE_COMPLETE'), what)).plan, undefined)
    assert.deepEqual(cloud.did, ['propose update p-1', 'withdraw p-1'])
  })

  it('that the cloud does not take is withdrawn, with the stack that was begun for it', async () => {
    const cloud = new Cloud()
    cloud.sets = [set('failed', 'no such parameter')]
    await assert.rejects(
      propose(deployment(cloud), undefined, what),
      (error) => isPgctlError(error, 'failed') && error.why === 'no such parameter',
    )
    assert.deepEqual(cloud.did, ['propose create p-1', 'withdraw p-1 and the stack'])
  })

  it('is withdrawn when somebody interrupts, and when it takes for ever', async () => {
    for (const end of ['interrupt', 'for ever'] as const) {
      const cloud = new Cloud()
      cloud.sets = [set('making')]
      const abort = new AbortController()
      const looks = cloud.changeSet.bind(cloud)
      cloud.changeSet = async () => {
        if (end === 'interrupt') abort.abort(new Error('interrupted'))
        return looks()
      }
      const signal = abort.signal
      await assert.rejects(propose(deployment(cloud, { signal }), state('UPDATE_COMPLETE'), what), end)
      assert.deepEqual(cloud.did.at(-1), 'withdraw p-1', end)
    }
  })
})

describe('an execution', () => {
  const proposal = { name: 'p-1', kind: 'update', plan: undefined } as const

  it('tells what happens, in order, and nothing from before it', async () => {
    const cloud = new Cloud()
    cloud.states = [
      state('UPDATE_IN_PROGRESS'),
      state('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'),
      state('UPDATE_COMPLETE'),
    ]
    cloud.happenings = [
      [event('0', 'Old', 'CREATE_COMPLETE')],
      [event('1', 'Queue', 'UPDATE_IN_PROGRESS')],
      [event('2', 'Queue', 'UPDATE_COMPLETE')],
      [],
    ]
    const told: string[] = []
    const onEvent = ({ id }: StackEvent) => void told.push(id)
    const done = await carryOut(deployment(cloud, { onEvent }), proposal)
    assert.deepEqual([done.status, told, cloud.did], ['UPDATE_COMPLETE', ['1', '2'], ['execute p-1']])
  })

  it('that fails names the first failure, and not what was cancelled because of it', async () => {
    const cloud = new Cloud()
    cloud.states = [state('UPDATE_ROLLBACK_IN_PROGRESS'), state('UPDATE_ROLLBACK_COMPLETE')]
    cloud.happenings = [
      [],
      [
        event('1', 'Topic', 'UPDATE_FAILED', 'Resource update cancelled'),
        event('2', 'Queue', 'CREATE_FAILED', 'the name is taken'),
        event('3', 'Other', 'CREATE_FAILED', 'something later'),
      ],
      [],
    ]
    await assert.rejects(carryOut(deployment(cloud), proposal), (error) => {
      assert.ok(isPgctlError(error, 'failed'))
      assert.match(
        error.why ?? '',
        /^Queue \(AWS::SQS::Queue\): the name is taken; .*UPDATE_ROLLBACK_COMPLETE$/,
      )
      return true
    })
  })

  it('that does not end is given up after an hour', async () => {
    const cloud = new Cloud()
    cloud.states = [state('UPDATE_IN_PROGRESS')]
    await assert.rejects(carryOut(deployment(cloud), proposal), (error) => isPgctlError(error, 'timed-out'))
  })
})

describe('a stack that is deleted', () => {
  it('is gone when the cloud says so, and what happened was told', async () => {
    const cloud = new Cloud()
    cloud.states = [state('CREATE_COMPLETE'), state('DELETE_IN_PROGRESS'), undefined]
    cloud.happenings = [[], [event('e-1', 'Bastion', 'DELETE_COMPLETE')]]
    const told: string[] = []
    const onEvent = ({ resource, status }: StackEvent) => void told.push(`${resource} ${status}`)
    assert.equal(await removeStack(deployment(cloud, { onEvent })), true)
    assert.deepEqual([cloud.did, told], [['remove'], ['Bastion DELETE_COMPLETE']])
  })

  it('was never there, and nothing is done', async () => {
    const cloud = new Cloud()
    cloud.states = [undefined]
    assert.equal(await removeStack(deployment(cloud)), false)
    assert.deepEqual(cloud.did, [])
  })

  it('names the part that would not go', async () => {
    const cloud = new Cloud()
    cloud.states = [state('CREATE_COMPLETE'), state('DELETE_FAILED', 'some parts')]
    cloud.happenings = [[], [event('e-1', 'BastionGroup', 'DELETE_FAILED', 'a rule refers to it')]]
    await assert.rejects(
      removeStack(deployment(cloud)),
      (error) =>
        isPgctlError(error, 'failed') && /BastionGroup .*: a rule refers to it/.test(error.why ?? ''),
    )
  })

  it('is not waited for longer than an hour', async () => {
    const cloud = new Cloud()
    cloud.states = [state('DELETE_IN_PROGRESS')]
    await assert.rejects(removeStack(deployment(cloud)), { code: 'timed-out' })
  })
})
