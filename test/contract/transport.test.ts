import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { describe, it } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { isPgctlError } from '#core/errors.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { openTransport, type Transport } from '#core/ssm/io/transport.ts'
import { eventually } from '../support/eventually.ts'
import { closedPort } from '../support/far-end.ts'
import { HurriedClock } from '../support/hurried-clock.ts'

/** One WebSocket to a gateway of the test's own, which does what no decent gateway would. */

const TIMEOUT = { timeout: 10_000 }

interface Seen {
  readonly frames: string[]
  readonly downs: string[]
  drains: number
  writables: number
}

/** A gateway that answers pings only if it is told to, and the client's side of it. */
async function startGateway(options: { autoPong?: boolean; status?: number; silent?: boolean } = {}) {
  const stack = new AsyncDisposableStack()
  const server = createServer()
  const sockets: WebSocket[] = []
  const requests: IncomingMessage[] = []
  const texts: string[] = []
  const webSockets = new WebSocketServer({ noServer: true, autoPong: options.autoPong ?? true })
  server.on('upgrade', (request, socket, head) => {
    requests.push(request)
    socket.on('error', () => {})
    stack.defer(() => void socket.destroy())
    if (options.silent) return
    if (options.status !== undefined)
      socket.end(`HTTP/1.1 ${options.status} No\r\nlocation: ws://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n`)
    else
      webSockets.handleUpgrade(request, socket, head, (accepted) => {
        accepted.on('message', (data, isBinary) => {
          if (!isBinary) texts.push(String(data))
        })
        sockets.push(accepted)
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => void server.close())
  const agents = createOutboundAgents({})
  stack.defer(() => agents.close())
  const clock = new HurriedClock()
  const seen: Seen = { frames: [], downs: [], drains: 0, writables: 0 }
  const { port } = server.address() as AddressInfo
  const open = (signal?: AbortSignal, at = port): Promise<Transport> =>
    openTransport({
      url: new URL(`ws://127.0.0.1:${at}/v1/data-channel/s?role=publish_subscribe`),
      openFrame: '{"TokenValue":"the token"}',
      agents,
      clock,
      signal,
      handler: {
        frame: (bytes) => seen.frames.push(Buffer.from(bytes).toString('latin1')),
        drained: () => seen.drains++,
        writable: () => seen.writables++,
        down: (reason) => seen.downs.push(reason),
      },
    })
  const accepted = async (): Promise<WebSocket> => {
    await eventually(() => sockets.length > 0)
    return sockets[0] as WebSocket
  }
  return {
    open,
    accepted,
    clock,
    seen,
    requests,
    texts,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

describe('transport', { timeout: 60_000 }, () => {
  describe('opening', () => {
    it('sends the opening frame as text, and no extension, subprotocol or origin', TIMEOUT, async () => {
      await using gateway = await startGateway()
      const transport = await gateway.open()
      await eventually(() => gateway.texts.length > 0)
      assert.deepEqual(gateway.texts, ['{"TokenValue":"the token"}'])
      const { headers } = gateway.requests[0] as IncomingMessage
      for (const name of ['sec-websocket-extensions', 'sec-websocket-protocol', 'origin', 'authorization'])
        assert.equal(headers[name], undefined)
      transport.close()
    })

    for (const [what, options, why] of [
      ['an HTTP error', { status: 503 }, /HTTP 503/],
      ['a redirect, which is not followed', { status: 302 }, /HTTP 302/],
    ] as const)
      it(`fails at ${what}`, TIMEOUT, async () => {
        await using gateway = await startGateway(options)
        await assert.rejects(gateway.open(), (error) => {
          assert.ok(isPgctlError(error, 'endpoint-unreachable'))
          assert.match(error.why ?? '', why)
          return true
        })
        assert.deepEqual(gateway.seen.downs, [], 'what was never open cannot go down')
      })

    it('fails where nothing listens', TIMEOUT, async () => {
      await using gateway = await startGateway()
      const port = await closedPort()
      await assert.rejects(gateway.open(undefined, port), (error) =>
        isPgctlError(error, 'endpoint-unreachable'),
      )
    })

    it('fails at something that speaks no HTTP', TIMEOUT, async () => {
      await using gateway = await startGateway()
      const server = createTcpServer((socket) => socket.end('220 mail ready\r\n'))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      await assert.rejects(gateway.open(undefined, port), (error) =>
        isPgctlError(error, 'endpoint-unreachable'),
      )
      server.close()
    })

    it('gives up a gateway that does not answer', TIMEOUT, async () => {
      await using gateway = await startGateway({ silent: true })
      const opening = gateway.open()
      opening.catch(() => {})
      await eventually(() => gateway.requests.length > 0)
      gateway.clock.skip(15_000)
      await assert.rejects(opening, /cannot open the session's data channel/)
    })

    it('rejects with the reason of its signal, before and during', TIMEOUT, async () => {
      await using gateway = await startGateway({ silent: true })
      const reason = new Error('enough')
      await assert.rejects(gateway.open(AbortSignal.abort(reason)), reason)
      assert.equal(gateway.requests.length, 0)
      const abort = new AbortController()
      const opening = gateway.open(abort.signal)
      opening.catch(() => {})
      await eventually(() => gateway.requests.length > 0)
      abort.abort(reason)
      await assert.rejects(opening, reason)
    })

    it('does not care about its signal once it is open', TIMEOUT, async () => {
      await using gateway = await startGateway()
      const abort = new AbortController()
      const transport = await gateway.open(abort.signal)
      abort.abort(new Error('too late'))
      const socket = await gateway.accepted()
      socket.send(Buffer.from('still there'))
      await eventually(() => gateway.seen.frames.length === 1)
      transport.close()
    })
  })

  describe('open', () => {
    it('delivers binary frames in order, and ignores text', TIMEOUT, async () => {
      await using gateway = await startGateway()
      const transport = await gateway.open()
      const socket = await gateway.accepted()
      for (const frame of ['a', 'b', 'c']) socket.send(Buffer.from(frame))
      socket.send('a text frame')
      socket.send(Buffer.from('d'))
      await eventually(() => gateway.seen.frames.length === 4)
      assert.deepEqual(gateway.seen.frames, ['a', 'b', 'c', 'd'])
      assert.ok(gateway.seen.drains >= 1 && gateway.seen.drains <= 4)
      transport.close()
    })

    it('tells once why it is gone, and nothing afterwards', TIMEOUT, async () => {
      await using gateway = await startGateway()
      const transport = await gateway.open()
      const socket = await gateway.accepted()
      socket.close(1000, 'see you')
      await eventually(() => gateway.seen.downs.length > 0)
      transport.send(Buffer.from('nobody'))
      transport.pause()
      transport.resume()
      transport.close()
      transport.close()
      assert.equal(transport.room, 0)
      assert.deepEqual(gateway.seen.downs, ['closed with code 1000: see you'])
    })

    it('says that a connection was lost when it was', TIMEOUT, async () => {
      await using gateway = await startGateway()
      await gateway.open()
      ;(await gateway.accepted()).terminate()
      await eventually(() => gateway.seen.downs.length > 0)
      assert.deepEqual(gateway.seen.downs, ['the connection was lost'])
    })

    it('goes down at a frame that no gateway sends', TIMEOUT, async () => {
      await using gateway = await startGateway()
      await gateway.open()
      const socket = await gateway.accepted()
      // More than 16 MiB in one message.
      socket.send(Buffer.alloc(16 * 1024 * 1024 + 1))
      await eventually(() => gateway.seen.downs.length > 0)
      assert.match(gateway.seen.downs[0] ?? '', /[Mm]ax payload/)
      assert.equal(gateway.seen.frames.length, 0)
    })

    it('says nothing once it was closed from here', TIMEOUT, async () => {
      await using gateway = await startGateway()
      const transport = await gateway.open()
      const socket = await gateway.accepted()
      const closed = once(socket, 'close')
      transport.close()
      assert.equal((await closed)[0], 1000)
      assert.deepEqual(gateway.seen.downs, [])
    })

    it('tells its room, and when there is room again', TIMEOUT, async () => {
      await using gateway = await startGateway()
      const transport = await gateway.open()
      const socket = await gateway.accepted()
      socket.pause()
      const whole = transport.room
      const frame = Buffer.alloc(64 * 1024)
      let sent = 0
      while (transport.room > 0) {
        transport.corked(() => transport.send(frame))
        sent++
        assert.ok(sent < 1_000, 'a socket that nobody reads takes everything')
        await new Promise((resolve) => setImmediate(resolve))
      }
      const whenFull = gateway.seen.writables
      let received = 0
      socket.on('message', (_data, isBinary) => {
        if (isBinary) received++
      })
      socket.resume()
      await eventually(() => gateway.seen.writables > whenFull && received === sent)
      assert.equal(transport.room, whole)
      transport.close()
    })
  })

  describe('pings', () => {
    it('are answered, and everything goes on', TIMEOUT, async () => {
      await using gateway = await startGateway()
      const transport = await gateway.open()
      const socket = await gateway.accepted()
      let pings = 0
      socket.on('ping', () => pings++)
      for (const round of [1, 2, 3]) {
        gateway.clock.skip(25_000)
        await eventually(() => pings === round)
      }
      // What a pong cancelled would have been due by now.
      socket.send(Buffer.from('here'))
      await eventually(() => gateway.seen.frames.length === 1)
      assert.deepEqual(gateway.seen.downs, [])
      transport.close()
    })

    it('that are not answered within 10 s end it', TIMEOUT, async () => {
      await using gateway = await startGateway({ autoPong: false })
      await gateway.open()
      const pinged = once(await gateway.accepted(), 'ping')
      gateway.clock.skip(25_000)
      await pinged
      assert.deepEqual(gateway.seen.downs, [])
      gateway.clock.skip(10_000)
      await eventually(() => gateway.seen.downs.length > 0)
      assert.deepEqual(gateway.seen.downs, ['no answer to a ping within 10 s'])
    })

    it('follow the sleep of the computer at once, and are waited for shortly', TIMEOUT, async () => {
      await using gateway = await startGateway({ autoPong: false })
      await gateway.open()
      const pinged = once(await gateway.accepted(), 'ping')
      gateway.clock.sleepThrough(60_000)
      gateway.clock.skip(5_000)
      await pinged
      gateway.clock.skip(3_000)
      await eventually(() => gateway.seen.downs.length > 0)
      assert.deepEqual(gateway.seen.downs, ['no answer to a ping within 3 s'])
    })

    it('are not waited for while nothing is read', TIMEOUT, async () => {
      await using gateway = await startGateway({ autoPong: false })
      const transport = await gateway.open()
      const pinged = once(await gateway.accepted(), 'ping')
      transport.pause()
      gateway.clock.skip(25_000)
      await pinged
      gateway.clock.skip(11_000)
      await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(gateway.seen.downs, [])
      transport.close()
    })
  })
})
