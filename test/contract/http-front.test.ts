import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { guardOf } from '#core/tunnel/http-guard.ts'
import { httpFront } from '#core/tunnel/io/http-front.ts'
import { type Bench, openBench } from '../support/listener-bench.ts'
import { closed, readAll, readBytes } from '../support/streams.ts'

/** A web service behind a tunnel's front: what passes is as it was, and what is refused never gets there. */

const TIMEOUT = { timeout: 20_000 }
const HOST = 'grafana.acme.localhost'

interface FrontBench extends AsyncDisposable {
  readonly bench: Bench
  readonly port: number
  readonly refusals: string[]
  /** How many connections the far end has taken. */
  readonly farConnections: () => number
}

async function openFront(
  serve: RequestListener | ((socket: Socket) => void),
  raw = false,
): Promise<FrontBench> {
  const refusals: string[] = []
  let count = 0
  const server = createServer(serve as RequestListener)
  Object.assign(server, { httpAllowHalfOpen: true, requestTimeout: 0, keepAliveTimeout: 0 })
  const bench = await openBench(
    (socket) => {
      count += 1
      if (raw) (serve as (socket: Socket) => void)(socket)
      else server.emit('connection', socket)
    },
    {
      front: httpFront({
        guard: guardOf({ target: 'grafana', installation: 'acme', bind: undefined }),
        host: HOST,
        onRefused: (why) => refusals.push(why),
      }),
    },
  )
  return {
    bench,
    port: bench.listener.port,
    refusals,
    farConnections: () => count,
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  }
}

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function ask(
  { port }: FrontBench,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const outgoing = request({
    ...{ host: '127.0.0.1', port, path, method: options.method ?? 'GET', agent: false },
    headers: { host: `${HOST}:${port}`, ...options.headers },
  })
  outgoing.end(options.body)
  // What breaks behind the head of an answer is for whoever reads its body.
  outgoing.once('response', () => outgoing.on('error', () => {}))
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
}

const echoHead: RequestListener = (incoming, response) => {
  response.setHeader('x-far', 'yes')
  response.end(JSON.stringify({ method: incoming.method, url: incoming.url, headers: incoming.rawHeaders }))
}

describe('what a front lets through', TIMEOUT, () => {
  it('is the request as it came, its host included', async () => {
    await using front = await openFront(echoHead)
    const { status, body, headers } = await ask(front, '/d/x?y=%20z', {
      headers: { cookie: 'a=1', 'x-Two': '2' },
    })
    assert.equal(status, 200)
    assert.equal(headers['x-far'], 'yes')
    const seen = JSON.parse(body)
    assert.equal(seen.url, '/d/x?y=%20z')
    assert.deepEqual(seen.headers.slice(0, 6), [
      'host',
      `${HOST}:${front.port}`,
      'cookie',
      'a=1',
      'x-Two',
      '2',
    ])
  })

  it('goes over one connection after the other request, and ends with it', async () => {
    await using front = await openFront(echoHead)
    const client = await front.bench.client()
    for (let i = 0; i < 3; i++) {
      client.write(`GET /${i} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      const [chunk] = (await once(client, 'data')) as [Buffer]
      assert.match(chunk.toString(), /^HTTP\/1\.1 200 OK\r\n/)
    }
    assert.equal(front.farConnections(), 1)
    client.end()
    await front.bench.event('connection-closed')
  })

  it('takes requests that do not wait for answers, and answers them in order', async () => {
    await using front = await openFront((incoming, response) => {
      setImmediate(() => response.end(`<${incoming.url}>`))
    })
    const client = await front.bench.client()
    client.end([1, 2, 3, 4].map((i) => `GET /${i} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''))
    const said = (await readAll(client)).toString()
    assert.deepEqual(said.match(/<[^>]*>/g), ['</1>', '</2>', '</3>', '</4>'])
  })

  it('gives the whole answer to a client that has ended its side', async () => {
    await using front = await openFront((_incoming, response) => {
      response.write('first ')
      setTimeout(() => response.end('last'), 20)
    })
    const client = await front.bench.client()
    client.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    assert.match((await readAll(client)).toString(), /first [\s\S]*last/)
    const { cause } = await front.bench.event('connection-closed')
    assert.equal(cause, undefined)
  })

  it('is a large body either way, byte for byte, of which no more waits than the other side takes', async () => {
    const bytes = randomBytes(8 * 1024 * 1024)
    const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')
    await using front = await openFront(async (incoming, response) => {
      const received = await readAll(incoming)
      response.setHeader('x-received', digest(received))
      response.end(bytes)
    })
    for (const framing of [{ 'content-length': String(bytes.length) }, { 'transfer-encoding': 'chunked' }]) {
      const outgoing = request({
        ...{ host: '127.0.0.1', port: front.port, method: 'PUT', path: '/', agent: false },
        headers: { host: 'localhost', ...framing },
      })
      outgoing.end(bytes)
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
      assert.equal(answer.headers['x-received'], digest(bytes))
      assert.equal(digest(await readAll(answer)), digest(bytes))
    }
  })

  it('holds a far end back whose answer nobody reads', async () => {
    let written = 0
    await using front = await openFront((_incoming, response) => {
      const block = Buffer.alloc(256 * 1024)
      const more = () => {
        while (written < 512 * 1024 * 1024) {
          written += block.length
          if (!response.write(block)) return void response.once('drain', more)
        }
      }
      more()
    })
    const client = await front.bench.client()
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(client, 'readable')
    let before = -1
    while (written !== before) {
      before = written
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.ok(written < 64 * 1024 * 1024, `${written} bytes were taken from the far end`)
    client.destroy()
  })

  it('comes piece by piece while it is being made, as events do', async () => {
    let answer: ServerResponse | undefined
    await using front = await openFront((_incoming, response) => {
      answer = response
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
    })
    const outgoing = request({ host: '127.0.0.1', port: front.port, agent: false }).end()
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      answer?.write(event)
      assert.equal((await readBytes(incoming, event.length)).toString(), event)
    }
    outgoing.destroy()
  })

  it('asks before it sends a body, where the client does', async () => {
    await using front = await openFront(async (incoming, response) =>
      response.end(`got ${await text(incoming)}`),
    )
    const outgoing = request({
      ...{ host: '127.0.0.1', port: front.port, method: 'POST', agent: false },
      headers: { expect: '100-continue', 'content-length': '5' },
    })
    outgoing.flushHeaders()
    await once(outgoing, 'continue')
    outgoing.end('hello')
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    assert.equal(await text(answer), 'got hello')
  })

  it('has no body where there is none, and the status in its own words', async () => {
    await using front = await openFront((incoming, response) => {
      if (incoming.method === 'HEAD') response.writeHead(200, { 'content-length': '42' }).end()
      else if (incoming.url === '/same') response.writeHead(304, 'As It Was', { etag: '"x"' }).end()
      else response.writeHead(204).end()
    })
    assert.equal((await ask(front, '/', { method: 'HEAD' })).headers['content-length'], '42')
    assert.equal((await ask(front, '/same')).status, 304)
    assert.equal((await ask(front, '/')).status, 204)
  })

  it('keeps trailers, and a far end that ends its answer by hanging up', async () => {
    await using front = await openFront((socket: Socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end'))
    }, true)
    assert.equal((await ask(front, '/')).body, 'until the end')
    await using chunked = await openFront((socket: Socket) => {
      const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n'
      socket.once('data', () => socket.write(`${head}2\r\nab\r\n0\r\nX-Sum: 9\r\n\r\n`))
    }, true)
    const outgoing = request({ host: '127.0.0.1', port: chunked.port, agent: false }).end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    assert.equal(await text(answer), 'ab')
    assert.deepEqual(answer.trailers, { 'x-sum': '9' })
  })

  it('keeps cookies to the host that was asked', async () => {
    await using front = await openFront((_incoming, response) => {
      response.setHeader('set-cookie', ['a=1; Domain=customer.example; Path=/', 'b=2; Path=/'])
      response.end()
    })
    assert.deepEqual((await ask(front, '/')).headers['set-cookie'], ['a=1; Path=/', 'b=2; Path=/'])
  })
})

describe('an end that comes too soon', TIMEOUT, () => {
  it('of the far end before it answers is an end for the client', async () => {
    await using front = await openFront(
      (socket: Socket) => void socket.once('data', () => socket.end()),
      true,
    )
    await assert.rejects(ask(front, '/'), /socket hang up|ECONNRESET/)
  })

  it('of the far end in the middle of an answer is no whole answer', async () => {
    await using front = await openFront((socket: Socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
        setTimeout(() => socket.resetAndDestroy(), 20)
      })
    }, true)
    await assert.rejects(ask(front, '/'), /aborted|ECONNRESET/)
    const { cause } = await front.bench.event('connection-closed')
    assert.ok(cause !== undefined)
  })

  it('of the far end while nothing is asked is told to the client', async () => {
    let socketOfFar: Socket | undefined
    await using front = await openFront((incoming, response) => {
      socketOfFar = incoming.socket
      response.end('one')
    })
    const client = await front.bench.client()
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(client, 'data')
    const ended = once(client.resume(), 'end')
    socketOfFar?.end()
    await ended
    client.end()
    assert.equal((await front.bench.event('connection-closed')).cause, undefined)
  })

  it('of the client is one for the far end', async () => {
    const gone = Promise.withResolvers<void>()
    await using front = await openFront((incoming, response) => {
      response.write('begun')
      incoming.socket.once('end', () => gone.resolve())
    })
    const client = await front.bench.client()
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(client, 'data')
    client.resetAndDestroy()
    await gone.promise
  })

  it('of words that are no HTTP is told in words', async () => {
    await using front = await openFront(echoHead)
    const client = await front.bench.client()
    client.write('\x16\x03\x01\x02\x00')
    assert.match((await readAll(client)).toString(), /^HTTP\/1\.1 400 Bad Request[\s\S]*this is no HTTP/)
    assert.equal(front.farConnections(), 1)
  })
})

describe('a WebSocket through a front', TIMEOUT, () => {
  async function openSockets(): Promise<FrontBench> {
    const sockets = new WebSocketServer({ noServer: true })
    sockets.on('connection', (socket) =>
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
    )
    const server = createServer((_incoming, response) => response.writeHead(404).end('no page'))
    server.on('upgrade', (incoming, socket, head) => {
      if (incoming.url === '/live')
        sockets.handleUpgrade(incoming, socket, head, (opened) => sockets.emit('connection', opened))
      else socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\nnot yours')
    })
    return await openFront((socket: Socket) => void server.emit('connection', socket), true)
  }
  const url = ({ port }: FrontBench, path: string) => `ws://127.0.0.1:${port}${path}`

  it('is opened, and carries messages both ways until either side ends it', async () => {
    await using front = await openSockets()
    const socket = new WebSocket(url(front, '/live'), { headers: { host: `${HOST}:${front.port}` } })
    await once(socket, 'open')
    for (const size of [1, 70_000, 1_000_000]) {
      const sent = randomBytes(size)
      socket.send(sent)
      const [received] = (await once(socket, 'message')) as [Buffer]
      assert.ok(received.equals(sent))
    }
    socket.close()
    await once(socket, 'close')
    assert.equal((await front.bench.event('connection-closed')).cause, undefined)
  })

  it('that the far end refuses is refused in its own words', async () => {
    await using front = await openSockets()
    const socket = new WebSocket(url(front, '/other'))
    const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
    assert.equal(answer.statusCode, 401)
    assert.equal(await text(answer), 'not yours')
    socket.on('error', () => {}).terminate()
  })

  for (const [what, headers] of [
    ['of a page of another site', { origin: 'http://evil.example' }],
    ['by a name of another', { host: 'rebound.example' }],
    ['of another site, where the browser says so', { 'sec-fetch-site': 'cross-site' }],
  ] as const)
    it(`${what} is refused, and never reaches the far end`, async () => {
      let upgrades = 0
      const server = createServer().on('upgrade', () => {
        upgrades += 1
      })
      await using front = await openFront((socket: Socket) => void server.emit('connection', socket), true)
      const socket = new WebSocket(url(front, '/live'), { headers })
      const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
      assert.equal(answer.statusCode, 403)
      assert.equal(upgrades, 0)
      assert.equal(front.refusals.length, 1)
      socket.on('error', () => {}).terminate()
    })

  it('is no excuse for another protocol: what offers one is served as a request', async () => {
    await using front = await openFront(async (incoming, response) =>
      response.end(`got ${await text(incoming)}`),
    )
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': '',
      'content-length': '3',
    }
    assert.equal((await ask(front, '/', { method: 'POST', headers, body: 'abc' })).body, 'got abc')
  })
})

describe('what a front refuses', TIMEOUT, () => {
  it('never reaches the far end, is told, and ends the connection', async () => {
    let asked = 0
    await using front = await openFront((_incoming, response) => {
      asked += 1
      response.end()
    })
    const { status, body, headers } = await ask(front, '/-/reload', {
      method: 'POST',
      headers: { origin: 'http://evil.example' },
      body: 'x'.repeat(100_000),
    })
    assert.equal(status, 403)
    assert.equal(
      body,
      'pgctl has refused this request: pages of http://evil.example have no business here.\n',
    )
    assert.equal(headers.connection, 'close')
    assert.equal(asked, 0)
    assert.deepEqual(front.refusals, ['pages of http://evil.example have no business here'])
    const client = await front.bench.client()
    client.write('CONNECT x.example:443 HTTP/1.1\r\nHost: x.example:443\r\n\r\n')
    assert.match((await readAll(client)).toString(), /^HTTP\/1\.1 400 [\s\S]*this is no proxy/)
    await closed(client.destroy())
  })

  it('lets nothing through behind it on the same connection', async () => {
    let asked = 0
    await using front = await openFront((_incoming, response) => {
      asked += 1
      response.end()
    })
    const client = await front.bench.client()
    const head = 'HTTP/1.1\r\nHost: localhost\r\n'
    client.end(`GET /a ${head}Origin: http://evil.example\r\n\r\nGET /b ${head}\r\n`)
    const said = (await readAll(client)).toString()
    assert.equal(said.match(/HTTP\/1\.1 \d{3}/g)?.length, 1)
    assert.equal(asked, 0)
  })
})
