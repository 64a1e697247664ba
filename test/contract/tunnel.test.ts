import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { systemRandom } from '#core/io/system-clock.ts'
import type { Dialer } from '#core/tunnel/dialer.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { listenLocally } from '#core/tunnel/io/listener.ts'
import { runProbe } from '#core/tunnel/io/probe.ts'
import { derivePort } from '#core/tunnel/local-port.ts'
import { savePort } from '#core/tunnel/port-assignments.ts'
import type { Protocol, Target } from '#core/tunnel/resolve-target.ts'
import { openTunnel, type Tunnel, type TunnelOptions } from '#core/tunnel/tunnel.ts'
import { closedPort, FarEnd } from '../support/far-end.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { closed } from '../support/streams.ts'
import { TcpDialer } from '../support/tcp-dialer.ts'

const TIMEOUT = { timeout: 15_000 }
const MINUTE = 60_000
/** A workspace of this process alone, so that its derived ports are free. */
const WORKSPACE = `test-${process.pid}`

const target = (protocol: Protocol, protocolCertain = true): Target => ({
  kind: 'host',
  name: 'far',
  host: 'far.example',
  port: 1,
  instance: undefined,
  protocol,
  protocolCertain,
})
const HTTP = target({ kind: 'http', path: '/health' })

/** A far end that answers every question with one status. */
const http = (status: string) => (socket: Socket) => {
  socket.once('data', () => socket.end(`HTTP/1.1 ${status}\r\n\r\n`))
}

interface Setup {
  readonly options: TunnelOptions
  readonly events: TunnelEvent[]
  readonly clock: ManualClock
  readonly store: MemoryStore
  /** The names of all events so far, those of connections left out. */
  names(): string[]
}

function setUp(dialer: Dialer | (() => Promise<Dialer>), change: Partial<TunnelOptions> = {}): Setup {
  const events: TunnelEvent[] = []
  const clock = new ManualClock()
  const store = new MemoryStore()
  const options: TunnelOptions = {
    target: HTTP,
    plan: { route: 'direct', parameters: {}, why: 'a test' },
    workspace: WORKSPACE,
    dial: async () => (typeof dialer === 'function' ? dialer() : dialer),
    report: (event) => events.push(event),
    shell: { listen: listenLocally, probe: runProbe, clock, random: systemRandom, store },
    ...change,
  }
  return {
    options,
    events,
    clock,
    store,
    names: () => events.map(({ event }) => event).filter((event) => !event.startsWith('connection-')),
  }
}

/** What the remarks among the events are about. */
function remarks(events: readonly TunnelEvent[]): string[] {
  return events.flatMap((event) => ('about' in event ? [event.about] : []))
}

async function connect(tunnel: Tunnel): Promise<Socket> {
  const socket = createConnection({ host: tunnel.ready.address, port: tunnel.ready.port })
  await once(socket, 'connect')
  return socket.on('error', () => {})
}

describe('opening a tunnel', TIMEOUT, () => {
  it('is ready once the far end has answered, and says where', async () => {
    await using far = await FarEnd.start(http('200 OK'))
    const { options, events, store, names } = setUp(new TcpDialer(far))
    await using tunnel = await openTunnel(options)
    assert.deepEqual(names(), ['starting', 'ready'])
    const port = derivePort(WORKSPACE, 'far')
    const ready = events.find(({ event }) => event === 'ready')
    assert.deepEqual(ready, {
      event: 'ready',
      target: 'far',
      address: '127.0.0.1',
      port,
      url: `http://127.0.0.1:${port}`,
      route: 'direct',
      probe: 'answered',
      detail: 'GET /health: 200',
      addresses: ['127.0.0.1', '::1'],
    })
    assert.equal(tunnel.ready.port, port)
    assert.deepEqual((await store.read('tunnel-ports'))?.value, { [`${WORKSPACE}/far`]: port })
  })

  it('says so when the far end is there and not well', async () => {
    await using far = await FarEnd.start(http('503 Service Unavailable'))
    const { options, events, names } = setUp(new TcpDialer(far))
    await using _tunnel = await openTunnel(options)
    assert.deepEqual(names(), ['starting', 'ready', 'degraded'])
    assert.match(JSON.stringify(events.at(-1)), /GET \/health with 503/)
  })

  it('is ready unanswered where nothing need answer', async () => {
    await using far = await FarEnd.start()
    const { options, clock } = setUp(new TcpDialer(far), { target: target({ kind: 'unknown' }, false) })
    const opening = openTunnel(options)
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(1_000)
    await using tunnel = await opening
    assert.equal(tunnel.ready.probe, 'unanswered')
    assert.equal(tunnel.ready.url, undefined)
  })

  it('takes the saved port, and keeps to an exact one without remembering it', async () => {
    await using far = await FarEnd.start(http('200 OK'))
    const [saved, exact] = [await closedPort(), await closedPort()]
    const first = setUp(new TcpDialer(far))
    await savePort(first.store, WORKSPACE, 'far', saved)
    await using tunnel = await openTunnel(first.options)
    assert.equal(tunnel.ready.port, saved)

    const second = setUp(new TcpDialer(far), { port: exact })
    await using other = await openTunnel(second.options)
    assert.equal(other.ready.port, exact)
    assert.equal(second.store.documents.size, 0)
  })

  it('is at home again after a second tunnel of the same target had to move', async () => {
    await using far = await FarEnd.start(http('200 OK'))
    const home = derivePort(WORKSPACE, 'far')
    const first = setUp(new TcpDialer(far))
    const { store } = first
    const beside = setUp(new TcpDialer(far), { shell: { ...first.options.shell, store } })
    {
      await using atHome = await openTunnel(first.options)
      await using moved = await openTunnel(beside.options)
      assert.equal(atHome.ready.port, home)
      assert.notEqual(moved.ready.port, home)
      assert.deepEqual(remarks(beside.events), ['port-moved'])
    }
    const later = setUp(new TcpDialer(far), { shell: { ...first.options.shell, store } })
    await using again = await openTunnel(later.options)
    assert.equal(again.ready.port, home)
    assert.deepEqual(remarks(later.events), [])
  })

  it('remembers no port that was moved, even where none is known yet', async () => {
    await using far = await FarEnd.start(http('200 OK'))
    await using holder = await openTunnel(setUp(new TcpDialer(far)).options)
    const { options, store, events } = setUp(new TcpDialer(far))
    await using moved = await openTunnel(options)
    assert.notEqual(moved.ready.port, holder.ready.port)
    assert.deepEqual(remarks(events), ['port-moved'])
    assert.equal(store.documents.size, 0)
  })

  it('takes its derived port where the saved ones cannot be read, says so once, and leaves them alone', async () => {
    await using far = await FarEnd.start(http('200 OK'))
    const { options, store, events } = setUp(new TcpDialer(far))
    await store.write('tunnel-ports', 'nonsense')
    await using tunnel = await openTunnel(options)
    assert.equal(tunnel.ready.port, derivePort(WORKSPACE, 'far'))
    assert.deepEqual(remarks(events), ['port-not-read'])
    const warning = events.find(({ event }) => event === 'warning')
    assert.match(JSON.stringify(warning), /tunnel-ports\.json.*"next":"remove tunnel-ports\.json/)
    assert.equal((await store.read('tunnel-ports'))?.value, 'nonsense')
  })

  it('does not look at saved ports where one is asked for', async () => {
    await using far = await FarEnd.start(http('200 OK'))
    const { options, store, names } = setUp(new TcpDialer(far), { port: 0 })
    store.read = () => assert.fail('the saved ports were read')
    await using _tunnel = await openTunnel(options)
    assert.deepEqual(names(), ['starting', 'ready'])
  })

  it('works on when its port cannot be remembered', async () => {
    await using far = await FarEnd.start(http('200 OK'))
    const { options, store, names } = setUp(new TcpDialer(far))
    store.write = async () => {
      throw new PgctlError('state-invalid', 'the disk is full')
    }
    await using tunnel = await openTunnel(options)
    assert.deepEqual(names(), ['starting', 'ready', 'warning'])
    assert.ok(tunnel.ready.port)
  })

  it('lets a client wait that comes before the route is there', async () => {
    await using far = await FarEnd.start(http('200 OK'))
    const { promise, resolve } = Promise.withResolvers<Dialer>()
    const asked = Promise.withResolvers<void>()
    const { options } = setUp(() => {
      asked.resolve()
      return promise
    })
    const opening = openTunnel(options)
    await asked.promise
    const socket = createConnection({ host: '127.0.0.1', port: derivePort(WORKSPACE, 'far') })
    socket.write('GET / HTTP/1.1\r\n\r\n')
    resolve(new TcpDialer(far))
    await using _tunnel = await opening
    assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 200/)
    socket.destroy()
  })
})

describe('a tunnel that cannot be opened', TIMEOUT, () => {
  /** Opens, expects `code`, and that the last event says so and nothing is left open. */
  const fails = async ({ options, events, clock }: Setup, code: string) => {
    const error = await openTunnel(options).then(
      () => assert.fail('it opened'),
      (error: unknown) => error,
    )
    const last = events.at(-1)
    assert.ok(last?.event === 'ended')
    assert.equal(last.cause.code, code)
    assert.equal(clock.pending, 0)
    const probe = createConnection({ host: '127.0.0.1', port: derivePort(WORKSPACE, 'far') })
    assert.ok(await closed(probe.resume()), 'something still listens')
    return error
  }

  it('starts no session when its port is taken', async () => {
    await using far = await FarEnd.start()
    const setup = setUp(() => assert.fail('the route was opened'), { port: far.port })
    assert.ok(isPgctlError(await fails(setup, 'port-taken'), 'port-taken'))
  })

  it('gives the port up when the route fails', async () => {
    const refusal = new PgctlError('bastion-stopped', 'asleep')
    assert.equal(
      await fails(
        setUp(() => Promise.reject(refusal)),
        'bastion-stopped',
      ),
      refusal,
    )
  })

  it('closes the route when the far end refuses', async () => {
    const dialer = new TcpDialer({ host: '127.0.0.1', port: await closedPort() })
    await fails(setUp(dialer), 'far-end-refused')
    await assert.rejects(dialer.connect(), (error) => isPgctlError(error, 'session-ended'))
  })

  it('closes the route when the far end hangs up before a byte', async () => {
    await using far = await FarEnd.start((socket) => socket.end())
    const error = await fails(setUp(new TcpDialer(far)), 'far-end-refused')
    assert.match((error as PgctlError).why ?? '', /closed before a byte/)
  })

  it('closes the route when the far end keeps silent that must answer', async () => {
    await using far = await FarEnd.start()
    const setup = setUp(new TcpDialer(far))
    const failing = fails(setup, 'timed-out')
    while (setup.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve))
    setup.clock.advance(10_000)
    await failing
  })

  it('ends with the error of a route that ends meanwhile', async () => {
    await using far = await FarEnd.start()
    const dialer = new TcpDialer(far)
    const ended = new PgctlError('session-ended', 'by the account')
    const failing = fails(setUp(dialer), 'session-ended')
    await far.accept()
    dialer.end(ended)
    assert.equal(await failing, ended)
  })

  it('calls what is no error of ours a bug, and shows its text alone', async () => {
    const error = await fails(
      setUp(() => Promise.reject(new TypeError('undefined is not'))),
      'internal',
    )
    assert.ok(error instanceof TypeError)
  })

  it('ends with its signal, while it dials and while it probes', async () => {
    const dialing = new AbortController()
    const first = setUp(
      () => {
        setImmediate(() => dialing.abort())
        return new Promise((_, reject) =>
          dialing.signal.addEventListener('abort', () => reject(dialing.signal.reason)),
        )
      },
      { signal: dialing.signal },
    )
    await fails(first, 'interrupted')

    await using far = await FarEnd.start()
    const probing = new AbortController()
    const reason = new PgctlError('interrupted', 'Ctrl-C')
    const also = fails(setUp(new TcpDialer(far), { signal: probing.signal }), 'interrupted')
    await far.accept()
    probing.abort(reason)
    assert.equal(await also, reason)
  })

  it('starts no session when its signal aborts while it takes the port', async () => {
    const abort = new AbortController()
    const setup = setUp(() => assert.fail('the route was opened'), { signal: abort.signal })
    const failing = fails(setup, 'interrupted')
    abort.abort()
    await failing
  })

  it('does not start at all with a signal that has aborted', async () => {
    const { options, events } = setUp(() => assert.fail('the route was opened'), {
      signal: AbortSignal.abort('no'),
    })
    await assert.rejects(openTunnel(options), (error) => error === 'no')
    assert.deepEqual(events, [])
  })
})

describe('the life of a tunnel', TIMEOUT, () => {
  const open = async (serve = http('200 OK')) => {
    const far = await FarEnd.start(serve)
    const dialer = new TcpDialer(far)
    const setup = setUp(dialer)
    const tunnel = await openTunnel(setup.options)
    return {
      ...setup,
      far,
      dialer,
      tunnel,
      async [Symbol.asyncDispose]() {
        await tunnel[Symbol.asyncDispose]()
        await far[Symbol.asyncDispose]()
      },
    }
  }

  it('carries connections and lists them', async () => {
    await using life = await open()
    const socket = await connect(life.tunnel)
    socket.write('GET / HTTP/1.1\r\n\r\n')
    await once(socket, 'data')
    assert.equal(life.tunnel.connections().length, 1)
    assert.ok((life.tunnel.connections()[0]?.received ?? 0) > 0)
    socket.destroy()
  })

  it('passes on what its route tells', async () => {
    await using life = await open()
    const lost = new PgctlError('session-lost', 'cut')
    life.dialer.events.emit({ event: 'reconnecting', error: lost })
    life.dialer.events.emit({ event: 'resumed', downFor: 40 })
    assert.deepEqual(life.names().slice(2), ['reconnecting', 'resumed'])
  })

  it("ends with its route, once, telling the clients' connections and then itself why", async () => {
    await using life = await open()
    const socket = await connect(life.tunnel)
    while (life.tunnel.connections().length === 0) await new Promise((resolve) => setImmediate(resolve))
    const error = new PgctlError('session-ended', 'its maximum length')
    life.dialer.end(error)
    assert.equal(await life.tunnel.ended, error)
    assert.ok(await closed(socket.resume()))
    const [connection, last] = life.events.slice(-2)
    assert.ok(connection?.event === 'connection-closed' && connection.cause?.code === 'session-ended')
    assert.deepEqual(last, {
      event: 'ended',
      target: 'far',
      cause: {
        code: 'session-ended',
        message: 'its maximum length',
        why: undefined,
        next: undefined,
        requestId: undefined,
      },
    })
    life.dialer.events.emit({ event: 'resumed', downFor: 1 })
    await life.tunnel.close(0)
    assert.equal(life.events.at(-1), last)
  })

  it('closes by wish: the route is given back, and the end has no error', async () => {
    await using life = await open()
    await life.tunnel.close(1_000)
    assert.equal(await life.tunnel.ended, undefined)
    assert.deepEqual(life.names(), ['starting', 'ready', 'ended'])
    const last = life.events.at(-1)
    assert.ok(last?.event === 'ended' && last.cause.code === 'closed')
    await assert.rejects(life.dialer.connect(), (error) => isPgctlError(error, 'session-ended'))
    assert.equal(life.clock.pending, 0)
  })

  it('says when the route could not be closed', async () => {
    await using far = await FarEnd.start(http('200 OK'))
    const dialer = new TcpDialer(far)
    dialer[Symbol.asyncDispose] = () =>
      Promise.reject(new PgctlError('permission-denied', 'cannot terminate'))
    const { options, names } = setUp(dialer)
    const tunnel = await openTunnel(options)
    await tunnel.close(0)
    assert.deepEqual(names(), ['starting', 'ready', 'warning', 'ended'])
  })

  it("warns before the account's policy ends the session, idle time counted from the last byte", async () => {
    await using life = await open()
    const limits = { idle: 20 * MINUTE, maximum: 60 * MINUTE }
    life.dialer.events.emit({ event: 'session', sessionId: 's', instance: 'i', limits })
    const warnings = () => life.events.flatMap((event) => (event.event === 'warning' ? [event.about] : []))
    life.clock.advance(10 * MINUTE)
    const socket = await connect(life.tunnel)
    socket.write('GET / HTTP/1.1\r\n\r\n')
    await once(socket, 'data')
    socket.destroy()
    life.clock.advance(17 * MINUTE)
    assert.deepEqual(warnings(), [])
    life.clock.advance(1 * MINUTE)
    assert.deepEqual(warnings(), ['idle-ends-soon'])
    life.clock.advance(27 * MINUTE)
    assert.deepEqual(warnings(), ['idle-ends-soon', 'session-ends-soon'])
    await life.tunnel.close(0)
    assert.equal(life.clock.pending, 0)
  })
})
