import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { after, describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { Dialer, DialerEvent } from '#core/tunnel/dialer.ts'
import { closedPort, echo, FarEnd } from './far-end.ts'
import { seededBytes } from './random.ts'
import { closed, exchange, leaves, readAll, readBytes } from './streams.ts'

/** A dialer to test, and the means to break its route. */
export interface DialerUnderTest extends AsyncDisposable {
  readonly dialer: Dialer
  /** Ends the route for good, from the other side. */
  endRoute(error: PgctlError): Promise<void> | void
}

export interface DialerSuite {
  readonly name: string
  /** A dialer whose connections end at a port of the loopback. */
  make(to: { readonly host: string; readonly port: number }): Promise<DialerUnderTest>
  /** Bytes of the largest transfer; a route that is slow by nature takes less. */
  readonly bulk?: number
  /** Tests that do not hold for this dialer, by their title, each with the reason. */
  readonly skip?: Readonly<Record<string, string>>
}

const TIMEOUT = { timeout: 10_000 }
const SUITE_TIMEOUT = { timeout: 60_000 }
const MIB = 1024 * 1024

/** What every implementation of {@link Dialer} keeps; see there for the contract in words. */
export function describeDialer({ name, make, bulk = 8 * MIB, skip = {} }: DialerSuite): void {
  const titles = new Set<string>()
  const check = (title: string, body: (open: Open) => Promise<void>) => {
    titles.add(title)
    it(title, { ...TIMEOUT, skip: skip[title] ?? false }, async () => {
      await using stack = new AsyncDisposableStack()
      await body(async (serve) => {
        const far = stack.use(await FarEnd.start(serve))
        const under = stack.use(await make(far))
        const connect = async (signal?: AbortSignal) => {
          const stream = await under.dialer.connect(signal)
          // The end of a test breaks what is still open, and that is no news.
          return stream.on('error', () => {})
        }
        return { far, dialer: under.dialer, connect, endRoute: (error) => under.endRoute(error) }
      })
    })
  }

  describe(`dialer: ${name}`, SUITE_TIMEOUT, () => {
    describeStreams(check, bulk)
    describeLife(check, make)
    after(() => {
      const stale = Object.keys(skip).filter((title) => !titles.has(title))
      assert.deepEqual(stale, [], 'skipped tests that do not exist')
    })
  })
}

type Open = (serve?: Parameters<typeof FarEnd.start>[0]) => Promise<{
  far: FarEnd
  dialer: Dialer
  connect: Dialer['connect']
  endRoute: DialerUnderTest['endRoute']
}>
type Check = (title: string, body: (open: Open) => Promise<void>) => void

/** The bytes, both ends of input, and the pace. */
function describeStreams(check: Check, bulk: number): void {
  check('carries every byte both ways, at sizes around every boundary', async (open) => {
    const { connect } = await open(echo)
    for (const size of [0, 1, 1_023, 1_024, 1_025, 32_767, 32_768, 32_769, 65_535, 65_536, 200_001]) {
      const bytes = seededBytes(size)(size)
      assert.deepEqual(await exchange(await connect(), bytes), Buffer.from(bytes), `${size} bytes`)
    }
  })

  check('carries what the far end says first', async (open) => {
    const { far, connect } = await open()
    const stream = await connect()
    ;(await far.accept()).write('220 ready')
    assert.equal((await readBytes(stream, 9)).toString(), '220 ready')
    stream.destroy()
  })

  check('keeps connections apart', async (open) => {
    const { connect } = await open(echo)
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const bytes = Buffer.alloc(10_000 + index, index)
        assert.deepEqual(await exchange(await connect(), bytes), bytes)
      }),
    )
  })

  check('carries a bulk in both directions at once', async (open) => {
    const { connect } = await open(echo)
    const bytes = Buffer.alloc(bulk, seededBytes(7)(4_093))
    assert.ok((await exchange(await connect(), bytes)).equals(bytes))
  })

  check('delivers the whole answer after our end of input, and closes when both have ended', async (open) => {
    const { far, connect } = await open()
    const stream = await connect()
    stream.end('request')
    const socket = await far.accept()
    await readBytes(socket, 7)
    socket.end(Buffer.alloc(300_000, 1))
    assert.equal((await readAll(stream)).length, 300_000)
    assert.equal(await closed(stream), undefined)
  })

  check('tells the far end of our end of input, in time where the route can', async (open) => {
    const { far, dialer, connect } = await open()
    const stream = await connect()
    stream.end('request')
    const socket = await far.accept()
    if (dialer.halfClose) {
      assert.equal((await readAll(socket)).toString(), 'request')
      socket.end('answer')
    } else {
      await readBytes(socket, 7)
      socket.end('answer')
      socket.resume()
      await once(socket, 'close')
    }
    assert.equal((await readAll(stream)).toString(), 'answer')
  })

  check("tells of the far end's end, and still takes our bytes where the route can", async (open) => {
    const { far, dialer, connect } = await open()
    const stream = await connect()
    stream.write('hello')
    const socket = await far.accept()
    socket.end('bye')
    assert.equal((await readAll(stream)).toString(), 'bye')
    if (dialer.halfClose) {
      stream.end(' and more')
      assert.equal((await readAll(socket)).toString(), 'hello and more')
    }
    await closed(stream.end())
  })

  check('lets a connection that nobody reads slow no other, and loses nothing of it', async (open) => {
    const { far, connect } = await open()
    const [stalled, other] = [await connect(), await connect()]
    stalled.write('s')
    const first = await far.accept()
    other.write('o')
    const second = await far.accept()
    const bySize = await Promise.all(
      [first, second].map(async (socket) => [(await readBytes(socket, 1)).toString(), socket] as const),
    )
    const sockets = Object.fromEntries(bySize)
    const held = Buffer.alloc(Math.min(bulk, 4 * MIB), seededBytes(3)(4_093))
    sockets['s']?.end(held)
    for (let round = 0; round < 20; round++) {
      sockets['o']?.write(Buffer.alloc(10_000, round))
      assert.deepEqual(await readBytes(other, 10_000), Buffer.alloc(10_000, round))
    }
    assert.ok((await readAll(stalled)).equals(held))
    other.destroy()
  })

  check('makes a writer wait for a far end that never reads', async (open) => {
    const { far, connect } = await open()
    const stream = await connect()
    const chunk = Buffer.alloc(MIB)
    stream.write('first')
    const socket = await far.accept()
    socket.pause()
    let pending = 0
    for (let count = 0; count < 128 && pending < 8; count++) {
      pending++
      stream.write(chunk, () => pending--)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(pending >= 8, 'the stream took 128 MiB that nobody has read')
    stream.destroy()
    await closed(stream)
  })
}

/** Refusal, giving up, and the route's own end. */
function describeLife(check: Check, make: DialerSuite['make']): void {
  check('gives a connection up at once when it is destroyed', async (open) => {
    const { far, connect } = await open()
    const stream = await connect()
    stream.write('x')
    const socket = await far.accept()
    stream.destroy()
    await leaves(socket)
  })

  check('closes a connection that the far end resets', async (open) => {
    const { far, connect } = await open()
    const stream = await connect()
    stream.write('x')
    const socket = await far.accept()
    await readBytes(socket, 1)
    socket.resetAndDestroy()
    stream.resume()
    stream.once('end', () => stream.end())
    const error = await closed(stream)
    assert.ok(error === undefined || error instanceof Error)
  })

  check('says that a far end refuses', async () => {
    await using under = await make({ host: '127.0.0.1', port: await closedPort() })
    let stream: Duplex | undefined
    try {
      stream = await under.dialer.connect()
      stream.on('error', () => {})
      stream.write('x')
      stream.resume()
    } catch (error) {
      assert.ok(isPgctlError(error, 'far-end-refused'), String(error))
    }
    if (stream !== undefined) {
      const error = await closed(stream)
      assert.ok(isPgctlError(error, 'far-end-refused'), String(error))
    }
  })

  check('does not connect when it is told not to, and forgets the signal afterwards', async (open) => {
    const { far, connect } = await open(echo)
    const reason = new Error('changed my mind')
    await assert.rejects(connect(AbortSignal.abort(reason)), (error) => error === reason)
    assert.equal(far.sockets.size, 0)

    const later = new AbortController()
    const stream = await connect(later.signal)
    later.abort(reason)
    assert.equal((await exchange(stream, Buffer.from('still here'))).toString(), 'still here')
  })

  check('leaves nothing behind when it is told to stop while it connects', async (open) => {
    const { far, connect } = await open()
    const reason = new Error('changed my mind')
    const abort = new AbortController()
    const connecting = connect(abort.signal)
    abort.abort(reason)
    // A route that connects at once may have been faster.
    await connecting.then(
      (stream) => closed(stream.destroy()),
      (error) => assert.equal(error, reason),
    )
    const probe = await connect()
    probe.write('p')
    let socket = await far.accept()
    while (
      (await Promise.race([readBytes(socket, 1).catch(() => undefined), once(socket, 'close')])) === undefined
    )
      socket = await far.accept()
    probe.destroy()
  })

  check('ends every connection, and every later one, with the error of the route', async (open) => {
    const { far, dialer, connect, endRoute } = await open()
    const events: DialerEvent[] = []
    dialer.events.subscribe((event) => events.push(event))
    const stream = await connect()
    stream.write('x')
    await far.accept()
    const breaking = closed(stream)
    stream.resume()
    await endRoute(new PgctlError('session-ended', 'by the account'))
    const error = await breaking
    assert.ok(isPgctlError(error, 'session-ended'), String(error))
    const ends = events.filter((event) => event.event === 'ended')
    assert.equal(ends.length, 1)
    assert.equal(ends[0]?.error.code, error.code)
    for (let again = 0; again < 2; again++)
      await assert.rejects(connect(), (refusal) => refusal === ends[0]?.error)
  })

  check(
    'takes its connections with it when it is disposed, says nothing of it, and bears it twice',
    async (open) => {
      const { far, dialer, connect } = await open()
      const stream = await connect()
      stream.write('x')
      const socket = await far.accept()
      const events: DialerEvent[] = []
      dialer.events.subscribe((event) => events.push(event))
      const known = events.length
      await dialer[Symbol.asyncDispose]()
      await dialer[Symbol.asyncDispose]()
      assert.ok(stream.destroyed)
      await leaves(socket)
      assert.deepEqual(events.slice(known), [])
      await assert.rejects(connect(), (error) => error instanceof PgctlError)
    },
  )
}
