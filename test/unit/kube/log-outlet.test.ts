import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogOutlet } from '#core/kube/log-outlet.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { LogFunnel } from '#core/logs/funnel.ts'
import { parseLine } from '#core/logs/line.ts'
import { REORDER_WINDOW } from '#core/logs/reorder-window.ts'
import type { LogSource } from '#core/logs/sources.ts'
import { logSource } from '../../support/log-source.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const SOURCE = logSource('hermes-1')
const turn = () => new Promise(setImmediate)

function start(history: readonly LogSource[] = []) {
  const clock = new ManualClock()
  const outlet = new LogOutlet(new LogFunnel<LogSource>(history, undefined), clock)
  const batches = outlet.batches()
  const next = async () => {
    const { value, done } = await batches.next()
    return done ? undefined : value.map(describeEvent)
  }
  return { clock, outlet, batches, next }
}

function describeEvent(event: LogEvent): string {
  return event.event === 'line' ? event.line.text : event.event
}

function lines(...texts: string[]) {
  return texts.map((text, at) => parseLine(`2026-11-23T07:00:00.00000000${at}Z ${text}`))
}

describe('LogOutlet', () => {
  it('gives lines when their turn has come, all at once', async () => {
    const { clock, outlet, next } = start()
    await outlet.accept(SOURCE, lines('a', 'b'))
    const batch = next()
    await turn()
    clock.advance(REORDER_WINDOW)
    assert.deepEqual(await batch, ['a', 'b'])
  })

  it('wakes for history that is complete, and for notices', async () => {
    const { outlet, next } = start([SOURCE])
    await outlet.accept(SOURCE, lines('a'))
    outlet.endHistory(SOURCE)
    assert.deepEqual(await next(), ['a'])
    const batch = next()
    await turn()
    outlet.report({ event: 'empty', namespace: 'paragon', service: 'zeus' })
    assert.deepEqual(await batch, ['empty'])
  })

  it('gives what it holds when it is closed, and ends', async () => {
    const { outlet, next, clock } = start()
    await outlet.accept(SOURCE, lines('a'))
    const batch = next()
    await turn()
    outlet.close()
    assert.deepEqual(await batch, ['a'])
    assert.deepEqual(await next(), ['ledger'])
    assert.equal(await next(), undefined)
    assert.equal(clock.pending, 0)
  })

  it('gives what it holds before it fails, and fails with the first error', async () => {
    const { outlet, next } = start()
    await outlet.accept(SOURCE, lines('a'))
    outlet.fail(new Error('first'))
    outlet.fail(new Error('second'))
    assert.deepEqual(await next(), ['a'])
    assert.deepEqual(await next(), ['ledger'])
    await assert.rejects(next(), /first/)
  })

  it('makes a reader wait until its lines are fetched', async () => {
    const { outlet, next, clock } = start()
    const long = 'x'.repeat(1024 * 1024)
    const waits = Array.from({ length: 10 }, () => outlet.accept(SOURCE, lines(long)))
    assert.equal(waits[0], undefined)
    const wait = waits.at(-1)
    assert.ok(wait !== undefined)
    let proceeded = false
    void wait.then(() => {
      proceeded = true
    })
    await turn()
    assert.ok(!proceeded)
    clock.advance(REORDER_WINDOW)
    await next()
    const rest = next()
    await turn()
    assert.ok(proceeded)
    outlet.close()
    await rest
  })

  for (const [what, tail, accepts] of [
    ['are beyond the tail', 3, undefined],
    ['nobody wants', undefined, (text: string) => text.startsWith('last')],
  ] as const)
    it(`lets a reader go on when its lines were taken and ${what}`, async () => {
      const clock = new ManualClock()
      const outlet = new LogOutlet(new LogFunnel<LogSource>([SOURCE], tail, { accepts }), clock)
      const given: string[] = []
      const reading = (async () => {
        for await (const batch of outlet.batches()) given.push(...batch.map(describeEvent))
      })()
      // More than one source may be ahead of the others.
      await outlet.accept(SOURCE, lines(...Array<string>(400).fill('x'.repeat(1024))))
      await outlet.accept(SOURCE, lines('last 1', 'last 2', 'last 3'))
      outlet.endHistory(SOURCE)
      outlet.close()
      await reading
      assert.deepEqual(given, ['last 1', 'last 2', 'last 3', 'ledger'])
    })

  it('ends with the ledger, also where it fails', async () => {
    const { outlet, batches, next } = start([SOURCE])
    outlet.opened()
    await outlet.accept(SOURCE, lines('a', 'b'))
    outlet.report({ event: 'resumed', source: SOURCE, seam: { kind: 'whole' } })
    outlet.fail(new Error('the way is gone'))
    assert.deepEqual(await next(), ['resumed', 'a', 'b'])
    assert.deepEqual((await batches.next()).value, [
      {
        event: 'ledger',
        summary: {
          streams: 1,
          lines: 2,
          hidden: 0,
          reconnects: 1,
          unchecked: 0,
          holeCount: 0,
          holes: [],
        },
      },
    ])
    await assert.rejects(next(), /the way is gone/)
  })

  it('makes nobody wait for a consumer who has gone', async () => {
    const { outlet, batches, next } = start()
    outlet.report({ event: 'empty', namespace: 'paragon', service: 'zeus' })
    await next()
    const long = 'x'.repeat(1024 * 1024)
    const waits = Array.from({ length: 10 }, () => outlet.accept(SOURCE, lines(long)))
    await batches.return(undefined)
    await Promise.all(waits)
    assert.equal(outlet.accept(SOURCE, lines(long)), undefined)
  })
})
