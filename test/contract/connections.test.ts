import assert from 'node:assert/strict'
import { createConnection, type Socket } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { joinStreams } from '#core/tunnel/io/join.ts'
import { echo, FarEnd } from '../support/far-end.ts'
import { openBench, roundTrip } from '../support/listener-bench.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { seededBytes } from '../support/random.ts'
import { closed, leaves, readAll, readBytes } from '../support/streams.ts'
import { TcpDialer } from '../support/tcp-dialer.ts'

const TIMEOUT = { timeout: 15_000 }
const MIB = 1024 * 1024

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
