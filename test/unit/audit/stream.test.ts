import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AuditStream, streamAudit } from '#core/audit/io/stream.ts'
import type { Line } from '#core/audit/lines.ts'
import type { Place } from '#core/audit/places.ts'
import type { AuditSink } from '#core/audit/sink.ts'
import type { StreamStatus } from '#core/audit/status.ts'
import type { Clock, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { execEvent } from './log-lines.ts'

/** What the stream does when something does not work, on a clock that is at the end of every wait at once. */

const START = Date.UTC(2026, 10, 23, 10)
const refusal = (code: 'permission-denied' | 'throttled') =>
  new PgctlError(code, `no: ${code}`, { next: 'ask' })

class Bench {
  mono = 0
  readonly waits: Ms[] = []
  readonly said: string[] = []
  readonly told: StreamStatus[] = []
  readonly carried: string[] = []
  readonly remembered: Place[] = []
  readonly unread: (Line[] | Error)[] = []
  put: AuditSink['put'] = async () => ({ tooOld: 0, tooNew: 0 })
  remember: (place: Place) => Promise<void> = async () => {}
  readonly stop = new AbortController()
  #serial = 0

  readonly clock: Clock = {
    now: () => ({ mono: this.mono, wall: START + this.mono }),
    after: (delay, wake) => {
      const timer = { at: this.mono + delay, wake }
      this.#timers.add(timer)
      setImmediate(() => this.#turn())
      return () => void this.#timers.delete(timer)
    },
  }
  readonly #timers = new Set<{ readonly at: Ms; readonly wake: () => void }>()

  /** Goes on to the first that waits. */
  #turn(): void {
    const [first] = [...this.#timers].sort((one, other) => one.at - other.at)
    if (first === undefined) return
    this.#timers.delete(first)
    this.waits.push(first.at - this.mono)
    this.mono = Math.max(this.mono, first.at)
    first.wake()
  }
  readonly stream = new AuditStream(this.shell)

  get shell() {
    return {
      ...{ clock: this.clock, chance: () => 1, say: (text: string) => void this.said.push(text) },
      reader: {
        next: async () => {
          const lines = this.unread.shift() ?? []
          if (lines instanceof Error) throw lines
          return lines
        },
      },
      sink: {
        put: async (events, signal) => {
          const refused = await this.put(events, signal)
          this.carried.push(...events.map(({ message }) => message))
          return refused
        },
      } satisfies AuditSink,
      remember: async (place: Place) => {
        await this.remember(place)
        this.remembered.push(place)
      },
      tell: async (status: StreamStatus) => void this.told.push(status),
    }
  }

  /** One event more, at the time that it is. */
  happens(ends = true): string {
    const time = ((START + this.mono) / 1_000).toFixed(3)
    this.#serial += 1
    const { lines } = execEvent(time, this.#serial, 'ls', ends)
    this.unread.push(lines.map((text) => ({ text, end: { head: 'h', offset: this.#serial } })))
    return lines.join('\n')
  }
  carry() {
    return this.stream.carry(this.stop.signal)
  }
  /** Fails so many times, and works from then on. */
  fail(times: number, error: Error): void {
    let left = times
    this.put = async () => {
      left -= 1
      if (left >= 0) throw error
      return { tooOld: 0, tooNew: 0 }
    }
  }
}

describe('a stream that does not go on', () => {
  it('tries again, more and more slowly, says so once, and tells how far behind it is meanwhile', async () => {
    const bench = new Bench()
    const event = bench.happens()
    bench.fail(12, refusal('permission-denied'))
    await bench.carry()
    assert.deepEqual(bench.carried, [event])
    assert.deepEqual(
      bench.waits.slice(0, 8),
      [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1_000),
    )
    assert.deepEqual(bench.said, [
      'it does not go on, and tries again: no: permission-denied: next: ask',
      'it goes on',
    ])
    const [first, last] = [bench.told[0], bench.told.at(-1)]
    assert.deepEqual([first?.trouble, first?.oldest], ['permission-denied', START])
    assert.deepEqual([last?.trouble, last?.oldest, last?.shipped], [null, null, 1])
  })

  it('says what comes and goes once in a while, and another trouble at once', async () => {
    const bench = new Bench()
    const round = async (code: 'permission-denied' | 'throttled') => {
      bench.happens()
      bench.fail(1, refusal(code))
      await bench.carry()
    }
    for (let time = 0; time < 5; time += 1) await round('throttled')
    assert.equal(bench.said.length, 2)
    await round('permission-denied')
    assert.equal(bench.said.length, 4)
    bench.mono += 10 * 60_000
    await round('permission-denied')
    assert.equal(bench.said.length, 6)
  })

  it('reads again what could not be read', async () => {
    const bench = new Bench()
    bench.unread.push(Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'open' }))
    const event = bench.happens()
    await bench.carry()
    assert.deepEqual(bench.carried, [event])
    assert.match(bench.said[0] ?? '', /EACCES/)
  })

  it('is behind since it cannot read, although it does not know of what', async () => {
    const bench = new Bench()
    const refusal = () => Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'open' })
    bench.unread.push(refusal(), refusal(), refusal())
    bench.mono = 10_000
    await bench.carry()
    const stuck = bench.told.filter(({ trouble }) => trouble === 'EACCES')
    assert.deepEqual(
      stuck.map(({ oldest }) => oldest),
      [START + 10_000, START + 10_000, START + 10_000],
    )
    bench.mono += 60_000
    await bench.carry()
    const { trouble, oldest } = bench.told.at(-1) as StreamStatus
    assert.deepEqual([trouble, oldest], [null, null])
  })

  it('carries on where it cannot write down how far it is', async () => {
    const bench = new Bench()
    bench.remember = async () => {
      throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'write' })
    }
    const events = [bench.happens()]
    await bench.carry()
    events.push(bench.happens())
    await bench.carry()
    assert.deepEqual(bench.carried, events)
    assert.deepEqual(bench.said, ['how far it is cannot be written down: ENOSPC: no space left'])
  })

  it('counts what the log refuses for its time, and says so', async () => {
    const bench = new Bench()
    bench.put = async () => ({ tooOld: 1, tooNew: 0 })
    bench.happens()
    await bench.carry()
    const { shipped, refused } = bench.told.at(-1) as StreamStatus
    assert.deepEqual([shipped, refused], [0, 1])
    assert.match(bench.said[0] ?? '', /refused 1 events for their times \(1 too old, 0 too far ahead\)/)
    assert.equal(bench.remembered.length, 1)
  })

  it('ends with what is no trouble of others but a mistake of ours', async () => {
    const bench = new Bench()
    bench.happens()
    bench.fail(1, new TypeError('a mistake'))
    await assert.rejects(bench.carry(), TypeError)
  })
})

describe('a stream that is told to end', () => {
  it('says nothing of the request that is broken off, and takes with it what is at hand, whole or not', async () => {
    const bench = new Bench()
    const events = [bench.happens(), bench.happens(false)]
    bench.put = async (_, signal) => {
      bench.put = async () => ({ tooOld: 0, tooNew: 0 })
      bench.stop.abort(new PgctlError('interrupted', 'interrupted by SIGTERM'))
      throw signal.reason
    }
    await streamAudit(bench.shell, bench.stop.signal)
    assert.deepEqual(bench.carried, events)
    assert.deepEqual(bench.said, [])
  })

  it('leaves what nobody takes after three tries', async () => {
    const bench = new Bench()
    bench.happens()
    bench.fail(Infinity, refusal('throttled'))
    bench.stop.abort()
    await streamAudit(bench.shell, bench.stop.signal)
    assert.deepEqual([bench.carried, bench.remembered], [[], []])
    assert.match(bench.said.at(-1) ?? '', /what is left is carried away after the next start: no: throttled/)
  })
})
