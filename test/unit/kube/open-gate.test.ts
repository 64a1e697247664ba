import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OpenGate } from '#core/kube/open-gate.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const turn = () => new Promise(setImmediate)
const never = new AbortController().signal

describe('OpenGate', () => {
  it('lets so many open at once, the others in their order', async () => {
    const clock = new ManualClock()
    const gate = new OpenGate(2, clock)
    const opened: string[] = []
    const finish = new Map<string, () => void>()
    const pass = (name: string) =>
      gate.pass(() => {
        opened.push(name)
        return new Promise<void>((resolve) => finish.set(name, resolve))
      }, never)
    const passing = ['a', 'b', 'c', 'd'].map(pass)
    await turn()
    assert.deepEqual(opened, ['a', 'b'])
    finish.get('b')?.()
    await turn()
    assert.deepEqual(opened, ['a', 'b', 'c'])
    finish.get('a')?.()
    await turn()
    assert.deepEqual(opened, ['a', 'b', 'c', 'd'])
    for (const end of finish.values()) end()
    await Promise.all(passing)
    assert.equal(clock.pending, 0)
  })

  it('does not let silent streams keep the places', async () => {
    const clock = new ManualClock()
    const gate = new OpenGate(1, clock)
    const { promise: silent, resolve } = Promise.withResolvers<void>()
    const first = gate.pass(() => silent, never)
    let opened = 0
    const open = async () => {
      opened += 1
    }
    const others = ['b', 'c'].map(() => gate.pass(open, never))
    await turn()
    assert.equal(opened, 0)
    clock.advance(1_000)
    await Promise.all(others)
    assert.equal(opened, 2)
    resolve()
    await first
    // The place of the silent one was given back once, not twice.
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    const holding = gate.pass(() => held, never)
    const waiting = gate.pass(open, never)
    await turn()
    assert.equal(opened, 2)
    release()
    await Promise.all([holding, waiting])
  })

  it('gives a place back when opening fails', async () => {
    const gate = new OpenGate(1, new ManualClock())
    await assert.rejects(
      gate.pass(() => Promise.reject(new Error('refused')), never),
      /refused/,
    )
    await gate.pass(async () => {}, never)
  })

  it('stops waiting at the signal, with its reason', async () => {
    const gate = new OpenGate(1, new ManualClock())
    const { promise: held, resolve } = Promise.withResolvers<void>()
    const holding = gate.pass(() => held, never)
    const abort = new AbortController()
    const waiting = gate.pass(() => assert.fail('it was opened'), abort.signal)
    abort.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    await assert.rejects(
      gate.pass(() => assert.fail('it was opened'), abort.signal),
      /enough/,
    )
    resolve()
    await holding
    await gate.pass(async () => {}, never)
  })
})
