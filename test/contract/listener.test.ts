import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import type { TunnelHappening } from '#core/tunnel/events.ts'
import { joinStreams } from '#core/tunnel/io/join.ts'
import { listenLocally } from '#core/tunnel/io/listener.ts'
import type { ListenRequest, LocalListener } from '#core/tunnel/listener.ts'
import { echo, FarEnd } from '../support/far-end.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { seededBytes } from '../support/random.ts'
import { closed, leaves, readAll, readBytes } from '../support/streams.ts'
import { TcpDialer } from '../support/tcp-dialer.ts'

const TIMEOUT = { timeout: 15_000 }
const MIB = 1024 * 1024

interface Bench extends AsyncDisposable {
  readonly far: FarEnd
  readonly listener: LocalListener
  readonly events: TunnelHappening[]
  /** A client's connection, to 127.0.0.1 unless another address is given. */
  client(host?: string): Promise<Socket>
  /** A connection that does not last: how it broke. */
  refused(): Promise<NodeJS.ErrnoException | undefined>
  /** Resolves with the next event of that name, one that has happened already included. */
  event<Name extends TunnelHappening['event']>(name: Name): Promise<Extract<TunnelHappening, { event: Name }>>
}

/** A listener in front of a far end. Every client may break without failing the test. */
async function openBench(
  serve?: (socket: Socket) => void,
  change: Partial<ListenRequest> = {},
  loopbacks?: readonly [string, string],
): Promise<Bench> {
  await using stack = new AsyncDisposableStack()
  const far = stack.use(await FarEnd.start(serve))
  const dialer = stack.use(new TcpDialer(far))
  const events: TunnelHappening[] = []
  const waiting: Array<() => void> = []
  const listener = await listenLocally(
    {
      plan: { kind: 'any' },
      clock: systemClock,
      connect: (signal) => dialer.connect(signal),
      report: (happening) => {
        events.push(happening)
        for (const wake of waiting.splice(0)) wake()
      },
      ...change,
    },
    loopbacks,
  )
  stack.use(listener)
  const open = stack.move()
  return {
    far,
    listener,
    events,
    async client(host = '127.0.0.1') {
      const socket = createConnection({ host, port: listener.port, allowHalfOpen: true })
      open.defer(() => void socket.destroy())
      await once(socket, 'connect')
      return socket.on('error', () => {})
    },
    async refused() {
      const socket = createConnection({ host: '127.0.0.1', port: listener.port }).resume()
      return closed(socket)
    },
    async event(name) {
      for (;;) {
        const found = events.find((happening) => happening.event === name)
        if (found !== undefined) return found as Extract<TunnelHappening, { event: typeof name }>
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/** Holds a port of one address for as long as it is not disposed. */
async function hold(host: string, port = 0): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer().listen({ host, port, ipv6Only: true })
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

/** Whether anything listens there. */
async function listens(host: string, port: number): Promise<boolean> {
  const socket = createConnection({ host, port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function roundTrip(socket: Socket, text: string): Promise<void> {
  socket.write(text)
  assert.equal((await readBytes(socket, text.length)).toString(), text)
}

describe('the local port', TIMEOUT, () => {
  it('listens on both loopbacks, on one port', async () => {
    await using bench = await openBench(echo)
    assert.deepEqual(bench.listener.addresses, ['127.0.0.1', '::1'])
    assert.equal(bench.listener.address, '127.0.0.1')
    for (const host of ['127.0.0.1', '::1']) await roundTrip(await bench.client(host), `hello by ${host}`)
    assert.deepEqual(
      bench.events.filter(({ event }) => event === 'notice' || event === 'warning'),
      [],
    )
  })

  for (const family of ['127.0.0.1', '::1'])
    it(`gives a port up that is taken on ${family} alone, and takes the next on both`, async () => {
      await using taken = await hold(family)
      const candidates = [taken.port, taken.port + 1, taken.port + 2, taken.port + 3]
      await using bench = await openBench(echo, { plan: { kind: 'preferred', home: taken.port, candidates } })
      assert.notEqual(bench.listener.port, taken.port)
      assert.deepEqual(bench.listener.addresses, ['127.0.0.1', '::1'])
      const other = family === '::1' ? '127.0.0.1' : '::1'
      assert.equal(await listens(other, taken.port), false)
      const notice = await bench.event('notice')
      assert.equal(notice.about, 'port-moved')
      assert.match(notice.message, new RegExp(`${taken.port} is taken: listening on ${bench.listener.port}`))
    })

  for (const family of ['127.0.0.1', '::1'])
    it(`refuses an exact port that is taken on ${family}, and leaves the other address alone`, async () => {
      await using taken = await hold(family)
      await assert.rejects(
        openBench(echo, { plan: { kind: 'exact', candidates: [taken.port] } }),
        (error) => {
          assert.ok(isPgctlError(error, 'port-taken'))
          assert.ok(error.message.includes(`port ${taken.port} of ${family}`))
          assert.match(error.next ?? '', new RegExp(`lsof .*:${taken.port} .*--port 0`))
          return true
        },
      )
      assert.equal(await listens(family === '::1' ? '127.0.0.1' : '::1', taken.port), false)
    })

  it('says when no port of the plan is free', async () => {
    await using taken = await hold('127.0.0.1')
    const plan = { kind: 'preferred', home: taken.port, candidates: [taken.port, taken.port] } as const
    await assert.rejects(openBench(echo, { plan }), (error) => {
      return isPgctlError(error, 'port-taken') && /none of 2 ports/.test(error.message)
    })
  })

  it('goes on with one loopback where the computer lacks the other, and says so', async () => {
    // The discard-only prefix of RFC 6666 is nobody's address.
    await using bench = await openBench(echo, {}, ['127.0.0.1', '100::1'])
    assert.deepEqual(bench.listener.addresses, ['127.0.0.1'])
    assert.equal((await bench.event('notice')).about, 'no-ipv6')
    await roundTrip(await bench.client(), 'hello')
  })

  it('listens on one loopback alone where that is asked for, without a warning', async () => {
    await using bench = await openBench(echo, { bind: '::1' })
    assert.deepEqual(bench.listener.addresses, ['::1'])
    await roundTrip(await bench.client('::1'), 'hello')
    assert.deepEqual(
      bench.events.filter(({ event }) => event === 'warning'),
      [],
    )
  })

  it('takes localhost for both loopbacks', async () => {
    await using bench = await openBench(echo, { bind: 'localhost' })
    assert.deepEqual(bench.listener.addresses, ['127.0.0.1', '::1'])
  })

  for (const bind of ['example.com', '127.1', '', '127.0.0.1:80'])
    it(`refuses to listen on ${JSON.stringify(bind)}, and looks nothing up`, async () => {
      await assert.rejects(openBench(echo, { bind }), (error) => {
        return isPgctlError(error, 'usage') && error.message.includes(JSON.stringify(bind))
      })
    })

  it("refuses an address that is not this computer's", async () => {
    await assert.rejects(openBench(echo, { bind: '100::1' }), (error) => {
      return isPgctlError(error, 'usage') && /100::1/.test(error.message)
    })
  })
})

describe('a connection', TIMEOUT, () => {
  it('is reported from its start to its end, with its bytes', async () => {
    await using bench = await openBench((socket) => {
      void readBytes(socket, 4).then(() => socket.end('a longer answer'))
    })
    const client = await bench.client()
    client.write('ping')
    await bench.event('connection-opened')
    assert.equal((await readAll(client)).toString(), 'a longer answer')
    client.end()
    assert.deepEqual(await bench.event('connection-closed'), {
      event: 'connection-closed',
      connection: 1,
      open: 0,
      sent: 4,
      received: 15,
      cause: undefined,
    })
    assert.deepEqual(bench.listener.connections(), [])
    assert.ok(bench.listener.lastActivity() !== undefined)
  })

  it('is listed while it is open, as a picture that does not change', async () => {
    await using bench = await openBench(echo)
    assert.equal(bench.listener.lastActivity(), undefined)
    const client = await bench.client()
    await roundTrip(client, 'hello')
    const [open] = bench.listener.connections()
    assert.ok(open)
    assert.deepEqual([open.connection, open.sent, open.received], [1, 5, 5])
    assert.ok(open.openedAt <= Date.now())
    await roundTrip(client, 'more')
    assert.equal(open.sent, 5)
  })

  it('carries a half-close of the client: the answer comes after the end of the question', async () => {
    await using bench = await openBench((socket) => {
      void readAll(socket).then((question) => socket.end(`${question.length} bytes`))
    })
    const client = await bench.client()
    client.end(Buffer.alloc(100_000))
    assert.equal((await readAll(client)).toString(), '100000 bytes')
    assert.equal((await bench.event('connection-closed')).cause, undefined)
  })

  it('carries a half-close of the far end: the client may go on', async () => {
    await using bench = await openBench()
    const client = await bench.client()
    const socket = await bench.far.accept()
    socket.end('bye')
    assert.equal((await readAll(client)).toString(), 'bye')
    client.end('late words')
    assert.equal((await readAll(socket)).toString(), 'late words')
    assert.equal((await bench.event('connection-closed')).cause, undefined)
  })

  it('keeps what a client says before the far end is there', async () => {
    const dialer = Promise.withResolvers<TcpDialer>()
    await using bench = await openBench(echo, {
      connect: async (signal) => (await dialer.promise).connect(signal),
    })
    const client = await bench.client()
    client.end('early')
    await bench.event('connection-opened')
    dialer.resolve(new TcpDialer(bench.far))
    assert.equal((await readAll(client)).toString(), 'early')
  })

  it('is reset by the listener when the far end breaks, so that half an answer is not taken for a whole one', async () => {
    const remote = new PassThrough()
    await using bench = await openBench(echo, { connect: async () => remote })
    const client = await bench.client()
    remote.push('half an ans')
    await readBytes(client, 11)
    remote.destroy(new PgctlError('session-lost', 'the way is cut'))
    const error = await closed(client)
    assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
    assert.equal((await bench.event('connection-closed')).cause?.code, 'session-lost')
  })

  it('is reset when the far end cannot be opened, and the cause is told', async () => {
    const refusal = new PgctlError('far-end-refused', 'nobody there', { why: 'a closed port' })
    await using bench = await openBench(echo, { connect: () => Promise.reject(refusal) })
    assert.equal((await bench.refused())?.code, 'ECONNRESET')
    const { cause } = await bench.event('connection-closed')
    assert.deepEqual([cause?.code, cause?.why], ['far-end-refused', 'a closed port'])
  })

  it('counts a throw of the route as a failure of that connection alone', async () => {
    let calls = 0
    const far = await FarEnd.start(echo)
    await using _far = far
    await using dialer = new TcpDialer(far)
    await using bench = await openBench(echo, {
      connect: (signal) => {
        if (calls++ === 0) throw new TypeError('a bug')
        return dialer.connect(signal)
      },
    })
    await bench.refused()
    assert.equal((await bench.event('connection-closed')).cause?.code, 'internal')
    await roundTrip(await bench.client(), 'still works')
  })

  it('takes the far end with it when the client resets it', async () => {
    await using bench = await openBench()
    const client = await bench.client()
    client.write('x')
    const socket = await bench.far.accept()
    await readBytes(socket, 1)
    client.resetAndDestroy()
    await leaves(socket)
    const { cause } = await bench.event('connection-closed')
    assert.equal(cause?.code, 'failed')
    assert.match(cause?.message ?? '', /local client/)
  })

  it('gives up a far end that is still being opened when its client resets', async () => {
    const asked = Promise.withResolvers<AbortSignal>()
    await using bench = await openBench(echo, {
      connect: (signal) => {
        asked.resolve(signal)
        return new Promise(() => {})
      },
    })
    const client = await bench.client()
    const signal = await asked.promise
    client.resetAndDestroy()
    await bench.event('connection-closed')
    assert.equal(signal.aborted, true)
  })

  it('destroys a far end that comes when nobody waits any more', async () => {
    const late = Promise.withResolvers<Duplex>()
    await using bench = await openBench(echo, { connect: () => late.promise })
    await bench.client()
    await bench.event('connection-opened')
    await bench.listener.abort(new PgctlError('interrupted', 'enough'))
    const remote = new PassThrough()
    late.resolve(remote)
    await closed(remote)
    remote.emit('error', new Error('too late to matter'))
    assert.equal((await bench.event('connection-closed')).cause?.code, 'interrupted')
  })

  it('is cut when its route closes without an end', async () => {
    const remote = new PassThrough()
    await using bench = await openBench(echo, { connect: async () => remote })
    const client = await bench.client()
    remote.push('x')
    await readBytes(client, 1)
    remote.destroy()
    await closed(client)
    assert.equal((await bench.event('connection-closed')).cause?.code, 'session-lost')
  })

  it('ends in order when its route closes after the end, as one without half-close does', async () => {
    const remote = new Duplex({
      read() {},
      write(_chunk, _encoding, done) {
        done()
      },
    })
    remote.once('end', () => remote.destroy())
    await using bench = await openBench(echo, { connect: async () => remote })
    const client = await bench.client()
    client.write('question')
    const answer = Buffer.alloc(2 * MIB, 5)
    remote.push(answer)
    remote.push(null)
    await closed(remote)
    client.write('a late word that nobody takes')
    assert.ok((await readAll(client)).equals(answer))
    client.end()
    assert.equal((await bench.event('connection-closed')).cause, undefined)
  })

  it('ends in order when its route breaks after the end: the answer is whole', async () => {
    const remote = new PassThrough()
    await using bench = await openBench(echo, { connect: async () => remote })
    const client = await bench.client()
    remote.push('the answer')
    remote.push(null)
    assert.equal((await readAll(client)).toString(), 'the answer')
    remote.destroy(new PgctlError('session-lost', 'late'))
    client.end()
    assert.equal((await bench.event('connection-closed')).cause?.code, 'session-lost')
    assert.equal(await closed(client), undefined)
  })

  for (const state of ['behind bytes that the client does not read', 'nowhere, in the same moment'] as const)
    it(`can be cut while its end waits ${state}`, async () => {
      await using far = await FarEnd.start()
      const client = createConnection({ host: far.host, port: far.port }).pause()
      client.on('error', () => {})
      const local = await far.accept()
      const remote = new PassThrough()
      const abort = new AbortController()
      const traffic = { sent: 0, received: 0 }
      const options = {
        local,
        remote,
        traffic,
        clock: systemClock,
        onPassage: () => {},
        signal: abort.signal,
      }
      const joined = joinStreams(options)
      if (state.startsWith('behind'))
        // Until the system's buffers are full and the first bytes wait in ours.
        while (local.writableLength === 0) {
          remote.write(Buffer.alloc(4_096))
          await new Promise((resolve) => setImmediate(resolve))
        }
      const enough = new PgctlError('session-ended', 'enough')
      remote.once('end', () => process.nextTick(() => abort.abort(enough)))
      remote.end()
      assert.equal(await joined, enough)
      client.destroy()
      await far[Symbol.asyncDispose]()
      // A socket that was forgotten would be open for ever.
      while (process.getActiveResourcesInfo().includes('TCPSocketWrap'))
        await new Promise((resolve) => setImmediate(resolve))
    })

  it('waits a while for a client to hang up after its far end, and no longer', async () => {
    const clock = new ManualClock()
    const remote = new PassThrough()
    remote.once('end', () => remote.destroy())
    await using bench = await openBench(echo, { clock, connect: async () => remote })
    const client = await bench.client()
    remote.end('bye')
    assert.equal((await readAll(client)).toString(), 'bye')
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(bench.listener.connections().length, 1)
    clock.advance(5_000)
    assert.equal((await bench.event('connection-closed')).cause, undefined)
  })

  it('is over when its route had broken before it was joined', async () => {
    const remote = new PassThrough()
    remote.on('error', () => {})
    remote.destroy(new Error('early'))
    await closed(remote)
    await using bench = await openBench(echo, { connect: async () => remote })
    await bench.refused()
    assert.equal((await bench.event('connection-closed')).cause?.code, 'session-lost')
  })
})

describe('many connections', TIMEOUT, () => {
  it('carries 200 at once, each with its own bytes', async () => {
    await using bench = await openBench(echo)
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const client = await bench.client(index % 2 === 0 ? '127.0.0.1' : '::1')
        const bytes = Buffer.alloc(20_000 + index, seededBytes(index)(61))
        client.end(bytes)
        assert.ok((await readAll(client)).equals(bytes))
      }),
    )
    const closings = bench.events.filter(({ event }) => event === 'connection-closed')
    assert.equal(new Set(bench.events.flatMap((e) => ('connection' in e ? [e.connection] : []))).size, 200)
    assert.ok(closings.every((closing) => !('cause' in closing) || closing.cause === undefined))
  })

  it('lets a client that reads nothing hold up only itself, and holds little for it', async () => {
    let written = 0
    const flood = (socket: Socket) => {
      while (written < 256 * MIB) {
        written += MIB
        if (!socket.write(Buffer.alloc(MIB))) return void socket.once('drain', () => flood(socket))
      }
    }
    await using bench = await openBench()
    const stalled = (await bench.client()).pause()
    flood(await bench.far.accept())
    const other = await bench.client()
    echo(await bench.far.accept())
    for (let round = 0; round < 50; round++) await roundTrip(other, `round ${round}`)
    assert.ok(written < 64 * MIB, `${written} bytes were taken for a client that reads nothing`)
    stalled.destroy()
  })
})

describe('closing', TIMEOUT, () => {
  it('lets what is under way end, and takes nothing new', async () => {
    await using bench = await openBench()
    const client = await bench.client()
    client.write('x')
    const socket = await bench.far.accept()
    const closing = bench.listener.close(10_000)
    assert.equal(await listens('127.0.0.1', bench.listener.port), false)
    assert.equal(await listens('::1', bench.listener.port), false)
    socket.end('the answer')
    assert.equal((await readAll(client)).toString(), 'the answer')
    client.end()
    await closing
    assert.equal((await bench.event('connection-closed')).cause, undefined)
  })

  it('cuts what does not end within its time', async () => {
    await using bench = await openBench()
    const client = await bench.client()
    await bench.event('connection-opened')
    await bench.listener.close(5)
    assert.equal((await bench.event('connection-closed')).cause?.code, 'interrupted')
    assert.equal(((await closed(client)) as NodeJS.ErrnoException).code, 'ECONNRESET')
  })

  it('leaves no timer behind', async () => {
    let pending = 0
    const clock: typeof systemClock = {
      ...systemClock,
      after: (_delay, _wake) => {
        pending++
        return () => void pending--
      },
    }
    await using bench = await openBench(echo, { clock })
    await bench.listener.close(60_000)
    assert.equal(pending, 0)
  })

  it('cuts everything at once by abort, with the cause, and may be asked again in every way', async () => {
    await using bench = await openBench(echo)
    const clients = await Promise.all([bench.client(), bench.client('::1'), bench.client()])
    for (const client of clients) await roundTrip(client, 'x')
    await bench.listener.abort(new PgctlError('session-ended', 'by the account'))
    for (const client of clients)
      assert.equal(((await closed(client)) as NodeJS.ErrnoException).code, 'ECONNRESET')
    const causes = bench.events.flatMap((event) =>
      event.event === 'connection-closed' ? [event.cause?.code] : [],
    )
    assert.deepEqual(causes, ['session-ended', 'session-ended', 'session-ended'])
    await bench.listener.abort(new PgctlError('failed', 'again'))
    await bench.listener.close(0)
    await bench.listener[Symbol.asyncDispose]()
  })
})
