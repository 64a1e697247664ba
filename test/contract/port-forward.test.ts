/** TCP connections into pods through the cluster's API, against the sandbox's. */

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { describe, it } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { isPgctlError, type PgctlError } from '#core/errors.ts'
import type { ClusterAccess } from '#core/kube/cluster-access.ts'
import { openPortForward } from '#core/kube/port-forward.ts'
import { createAuthority } from '#sandbox/certificates.ts'
import type { KubernetesOptions } from '#sandbox/kubernetes/api-server.ts'
import { WORLD } from '#sandbox/world.ts'
import { FastClock } from '../support/fast-clock.ts'
import { FIRST_HERMES, startApi, TOKEN } from './kubernetes-support.ts'

const limits = { timeout: 20_000 }
const TARGET = { namespace: WORLD.namespace, pod: FIRST_HERMES, port: 1702 }

/** An API whose hermes pods listen with `serve`. */
async function start(serve: (socket: Socket) => void, options: Partial<KubernetesOptions> = {}) {
  const pod = await listen(serve)
  const world = await startApi({
    ports: { kubernetes: 1, grafana: 1, payload: 1, product: pod.port },
    ...options,
  })
  const access: ClusterAccess = {
    server: `https://127.0.0.1:${world.api.port}`,
    tlsServerName: WORLD.cluster.host,
    ca: world.trust.ca,
    token: async () => ({ value: TOKEN, expires: Number.POSITIVE_INFINITY }),
  }
  return {
    ...world,
    access,
    pod,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]()
      await pod[Symbol.asyncDispose]()
    },
  }
}

async function listen(serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function failureOf(action: Promise<unknown>): Promise<PgctlError> {
  const error = await action.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  )
  assert.ok(isPgctlError(error), `not ours: ${error}`)
  return error
}

async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('a port-forward', limits, () => {
  it('carries bytes both ways, unchanged', limits, async () => {
    await using world = await start((socket) => socket.pipe(socket))
    const sent = randomBytes(3 * 1024 * 1024 + 17)
    const stream = await openPortForward(world.access, TARGET)
    const received: Buffer[] = []
    let size = 0
    stream.on('data', (chunk: Buffer) => {
      received.push(chunk)
      size += chunk.length
      // An echo has no end of its own: all is back, and we are done.
      if (size === sent.length) stream.destroy()
    })
    stream.write(sent)
    await once(stream, 'close')
    assert.equal(sha256(Buffer.concat(received)), sha256(sent))
  })

  it('ends as the pod ends, with everything before it', limits, async () => {
    const sent = randomBytes(2 * 1024 * 1024)
    await using world = await start((socket) => socket.end(sent))
    const stream = await openPortForward(world.access, TARGET)
    assert.equal(sha256(await readAll(stream)), sha256(sent))
  })

  it('takes writes after the pod has ended, as TCP does, and closes when we end', limits, async () => {
    await using world = await start((socket) => socket.end('bye'))
    const stream = await openPortForward(world.access, TARGET)
    stream.resume()
    await once(stream, 'end')
    await new Promise((resolve) => stream.write('too late', resolve))
    stream.end()
    await finished(stream)
  })

  it('holds our end back, so that the answer still comes', limits, async () => {
    await using world = await start((socket) =>
      socket.once('data', (request) => setImmediate(() => socket.end(`answer to ${request}`))),
    )
    const stream = await openPortForward(world.access, TARGET)
    stream.end('request')
    assert.equal(String(await readAll(stream)), 'answer to request')
  })

  it('closes some time after our end when the pod says nothing', limits, async () => {
    await using world = await start(() => {})
    const stream = await openPortForward(world.access, TARGET, undefined, new FastClock())
    stream.end('request')
    assert.equal(String(await readAll(stream)), '')
  })

  it('does not take its own slow reader for a silent pod', limits, async () => {
    const sent = randomBytes(4 * 1024 * 1024)
    await using world = await start((socket) => socket.once('data', () => socket.end(sent)))
    const clock = new FastClock()
    const stream = await openPortForward(world.access, TARGET, undefined, clock)
    stream.end('request')
    await once(stream, 'readable')
    // Three times the grace of the held end.
    await new Promise<void>((resolve) => clock.after(90_000, resolve))
    assert.equal(sha256(await readAll(stream)), sha256(sent))
  })

  it('holds the pod back while nobody reads', limits, async () => {
    let written = 0
    await using world = await start((socket) => {
      const chunk = Buffer.alloc(256 * 1024)
      const push = () => {
        while (socket.write(chunk)) written += chunk.length
      }
      socket.on('drain', push)
      push()
    })
    const stream = await openPortForward(world.access, TARGET)
    await once(stream, 'readable')
    // Settled when nothing more is written between two looks; the kernel's buffers are what it may take.
    for (let before = -1; before !== written; ) {
      before = written
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.ok(written < 64 * 1024 * 1024, `${written} bytes were taken`)
    assert.ok(stream.readableLength < 1024 * 1024, `${stream.readableLength} bytes are held`)
    stream.destroy()
  })

  it('closes the connection in the pod when it is destroyed', limits, async () => {
    const { promise: connected, resolve } = Promise.withResolvers<Socket>()
    await using world = await start(resolve)
    const stream = await openPortForward(world.access, TARGET)
    const socket = await connected
    stream.destroy()
    socket.resume()
    await once(socket, 'end')
  })
})

describe('a port-forward that fails', limits, () => {
  it("tells a refused port in the kubelet's words", limits, async () => {
    await using world = await start(() => {})
    const stream = await openPortForward(world.access, { ...TARGET, port: 81 })
    const error = await failureOf(readAll(stream))
    assert.equal(error.code, 'far-end-refused')
    assert.match(error.message, /refused port 81/)
    assert.match(error.why ?? '', /connect: connection refused/)
  })

  it('tells a cut connection from an ended one', limits, async () => {
    await using world = await start((socket) => socket.write('half'))
    await using relay = await listen((near) => {
      const far = connect(world.api.port, '127.0.0.1')
      far.on('error', () => {})
      near.on('close', () => far.destroy())
      near.pipe(far).pipe(near)
    })
    const stream = await openPortForward(
      { ...world.access, server: `https://127.0.0.1:${relay.port}` },
      TARGET,
    )
    await once(stream, 'readable')
    for (const socket of relay.sockets) socket.destroy()
    const error = await failureOf(readAll(stream))
    assert.equal(error.code, 'session-lost')
  })

  const refusals: ReadonlyArray<{
    why: string
    code: string
    options?: Partial<KubernetesOptions>
    pod?: string
    next?: RegExp
  }> = [
    { why: 'a pod that is not there', code: 'target-unknown', pod: 'hermes-gone' },
    {
      why: 'no right to create, which WebSockets need since 1.35',
      code: 'permission-denied',
      options: { authorize: (_, asked) => asked.verb !== 'create' },
      next: /verb "create" on "pods\/portforward"/,
    },
    {
      why: 'no right to get',
      code: 'permission-denied',
      options: { authorize: () => false },
      next: /verb "get" on "pods\/portforward"/,
    },
    {
      why: 'an identity that is not accepted',
      code: 'permission-denied',
      options: { authenticate: async () => undefined },
    },
  ]
  for (const { why, code, options, pod = TARGET.pod, next } of refusals)
    it(`refuses ${why}`, limits, async () => {
      await using world = await start(() => {}, options)
      const error = await failureOf(openPortForward(world.access, { ...TARGET, pod }))
      assert.equal(error.code, code)
      if (next) assert.match(error.next ?? '', next)
    })

  it('refuses a pod that does not run', limits, async () => {
    await using world = await start(() => {})
    world.api.faults.stopContainer({ pod: TARGET.pod })
    const error = await failureOf(openPortForward(world.access, TARGET))
    assert.equal(error.code, 'far-end-refused')
    assert.match(error.why ?? '', /not running/)
  })

  it('renews a refused token once', limits, async () => {
    await using world = await start((socket) => socket.end('ok'))
    const token: ClusterAccess['token'] = async (request) => ({
      value: request?.refused === undefined ? 'expired' : TOKEN,
      expires: 0,
    })
    const stream = await openPortForward({ ...world.access, token }, TARGET)
    assert.equal(String(await readAll(stream)), 'ok')
  })

  it('trusts only the real name of the cluster', limits, async () => {
    await using world = await start(() => {})
    const error = await failureOf(
      openPortForward({ ...world.access, tlsServerName: 'another.example' }, TARGET),
    )
    assert.equal(error.code, 'endpoint-unreachable')
  })

  it('stops at a signal, before and while it connects', limits, async () => {
    await using silent = await listen(() => {})
    await using world = await start(() => {})
    const reason = new Error('enough')
    await assert.rejects(openPortForward(world.access, TARGET, AbortSignal.abort(reason)), /enough/)
    const abort = new AbortController()
    const access = { ...world.access, server: `https://127.0.0.1:${silent.port}` }
    const opening = openPortForward(access, TARGET, abort.signal)
    setImmediate(() => abort.abort(reason))
    await assert.rejects(opening, /enough/)
  })
})

describe('a far side that breaks the protocol', limits, () => {
  const PORT = Buffer.from([0xa6, 0x06])
  const rows: ReadonlyArray<{ why: string; send: (socket: WebSocket) => void }> = [
    { why: 'another port than the one asked for', send: (socket) => socket.send(Buffer.from([0, 1, 0])) },
    { why: 'a channel that does not begin with a port', send: (socket) => socket.send(Buffer.from([1, 1])) },
    { why: 'a channel nobody asked for', send: (socket) => socket.send(Buffer.from([2, ...PORT])) },
    { why: 'an empty message', send: (socket) => socket.send(Buffer.alloc(0)) },
    { why: 'text', send: (socket) => socket.send('\u0000hello') },
  ]
  for (const { why, send } of rows)
    it(`is told from a connection: ${why}`, limits, async () => {
      const authority = await createAuthority()
      const { certificate, key } = await authority.issue({ names: [WORLD.cluster.host] })
      const server = createTlsServer({ cert: certificate, key })
      const sockets = new WebSocketServer({ server })
      sockets.on('connection', (socket) => send(socket))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const access: ClusterAccess = {
        server: `https://127.0.0.1:${(server.address() as { port: number }).port}`,
        tlsServerName: WORLD.cluster.host,
        ca: authority.certificate,
        token: async () => ({ value: TOKEN, expires: 0 }),
      }
      try {
        const error = await failureOf(readAll(await openPortForward(access, TARGET)))
        assert.equal(error.code, 'protocol-violation')
      } finally {
        for (const socket of sockets.clients) socket.terminate()
        sockets.close()
        server.closeAllConnections()
        server.close()
        await once(server, 'close')
      }
    })
})
