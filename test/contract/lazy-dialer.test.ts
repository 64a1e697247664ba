import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { PgctlError } from '#core/errors.ts'
import type { DialerEvent } from '#core/tunnel/dialer.ts'
import { LazyDialer } from '#core/tunnel/lazy-dialer.ts'
import { describeDialer } from '../support/describe-dialer.ts'
import { echo, FarEnd } from '../support/far-end.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { closed, exchange } from '../support/streams.ts'
import { TcpDialer } from '../support/tcp-dialer.ts'

const IDLE = 60_000
const LATER = 'the end of its way is not the end of a lazy route: the next connection opens another'

describeDialer({
  name: 'lazy, over plain TCP',
  async make(to) {
    let way: TcpDialer | undefined
    const dialer = new LazyDialer({
      route: 'direct',
      idle: IDLE,
      clock: new ManualClock(),
      open: async () => {
        way = new TcpDialer(to)
        return way
      },
    })
    return {
      dialer,
      endRoute: (error) => way?.end(error),
      [Symbol.asyncDispose]: () => dialer[Symbol.asyncDispose](),
    }
  },
  skip: {
    'ends every connection, and every later one, with the error of the route': LATER,
  },
})

/** A socket counts as closed before it says so. */
async function end(stream: Duplex): Promise<void> {
  const gone = once(stream, 'close')
  stream.destroy()
  await gone
}

describe('a lazy route', { timeout: 20_000 }, () => {
  class Scene implements AsyncDisposable {
    readonly clock = new ManualClock()
    readonly ways: TcpDialer[] = []
    readonly events: DialerEvent[] = []
    readonly far: FarEnd
    readonly lazy: LazyDialer
    refuse: PgctlError | undefined

    constructor(far: FarEnd) {
      this.far = far
      this.lazy = new LazyDialer({
        route: 'direct',
        idle: IDLE,
        clock: this.clock,
        open: async () => {
          if (this.refuse !== undefined) throw this.refuse
          const way = new TcpDialer(far)
          this.ways.push(way)
          return way
        },
      })
      this.lazy.events.subscribe((event) => this.events.push(event))
    }

    async [Symbol.asyncDispose](): Promise<void> {
      await this.lazy[Symbol.asyncDispose]()
      await this.far[Symbol.asyncDispose]()
    }
  }
  const open = async () => new Scene(await FarEnd.start(echo))
  const asleep = ({ events }: Scene) => events.filter(({ event }) => event === 'asleep')

  it('opens nothing until there is a connection, and one way for many of them', async () => {
    await using scene = await open()
    assert.equal(scene.ways.length, 0)
    const streams = await Promise.all([scene.lazy.connect(), scene.lazy.connect()])
    for (const stream of streams) assert.equal(String(await exchange(stream, Buffer.from('hello'))), 'hello')
    assert.equal(scene.ways.length, 1)
  })

  it('falls asleep only when no connection has been open for the whole span', async () => {
    await using scene = await open()
    const [first, second] = await Promise.all([scene.lazy.connect(), scene.lazy.connect()])
    await end(first)
    scene.clock.advance(10 * IDLE)
    assert.deepEqual(asleep(scene), [], 'one is open still')
    await end(second)
    scene.clock.advance(IDLE - 1)
    assert.deepEqual(asleep(scene), [])
    scene.clock.advance(1)
    assert.deepEqual(asleep(scene), [{ event: 'asleep', after: IDLE, error: undefined }])
    assert.equal(scene.lazy.isAwake, false)
  })

  it('a connection within the span starts it anew', async () => {
    await using scene = await open()
    const first = await scene.lazy.connect()
    await end(first)
    scene.clock.advance(IDLE - 1)
    const second = await scene.lazy.connect()
    scene.clock.advance(IDLE)
    assert.deepEqual(asleep(scene), [])
    await end(second)
    scene.clock.advance(IDLE)
    assert.equal(asleep(scene).length, 1)
    assert.equal(scene.ways.length, 1)
  })

  it('opens another way after it has slept, and after its way was ended by the service', async () => {
    await using scene = await open()
    const error = new PgctlError('session-ended', 'the maximum was reached')
    const stream = await scene.lazy.connect()
    stream.on('error', () => {})
    scene.ways[0]?.end(error)
    await closed(stream)
    assert.deepEqual(asleep(scene), [{ event: 'asleep', after: undefined, error }])
    assert.equal(String(await exchange(await scene.lazy.connect(), Buffer.from('again'))), 'again')
    assert.equal(scene.ways.length, 2)
  })

  it('tells each connection why there is no way, and tries again with the next', async () => {
    await using scene = await open()
    scene.refuse = new PgctlError('bastion-missing', 'there is no bastion')
    await assert.rejects(scene.lazy.connect(), scene.refuse)
    await assert.rejects(scene.lazy.wake(), scene.refuse)
    scene.refuse = undefined
    await scene.lazy.wake()
    assert.equal(scene.lazy.isAwake, true)
  })

  it('that was woken and is not used falls asleep like any other', async () => {
    await using scene = await open()
    await scene.lazy.wake()
    scene.clock.advance(IDLE)
    assert.equal(asleep(scene).length, 1)
    assert.equal(scene.clock.pending, 0)
  })
})
