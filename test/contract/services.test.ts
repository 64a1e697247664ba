/** The sandbox's HTTP services, met by clients that we did not write: fetch, node:http and plain sockets. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { startGrafana } from '#sandbox/services/grafana.ts'
import { type PayloadOptions, startPayload } from '#sandbox/services/payload.ts'
import { startProduct } from '#sandbox/services/product.ts'
import { ManualClock } from '../support/manual-clock.ts'

const limits = { timeout: 20_000 }

function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex')
}

/** Sends `lines` as a raw request and, when told so, a FIN; answers all that comes back. */
async function exchange(port: number, lines: string, end: boolean): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.write(lines)
  if (end) socket.end()
  return readAll(socket)
}

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  socket.destroy()
  return Buffer.concat(chunks).toString('latin1')
}

/** The status of a GET with headers that fetch would not let us set. */
async function statusWith(port: number, path: string, headers: Record<string, string>): Promise<number> {
  const sent = request({ host: '127.0.0.1', port, path, headers, agent: false }).end()
  const [response] = await once(sent, 'response')
  response.resume()
  await once(response, 'close')
  return response.statusCode
}

describe('payload', limits, () => {
  async function start(options?: PayloadOptions) {
    const service = await startPayload(options)
    return { service, url: `http://127.0.0.1:${service.port}` }
  }

  for (const [path, length] of [
    ['/random/0', 0],
    ['/random/1', 1],
    ['/random/262143', 262_143],
    ['/random/262145?seed=b', 262_145],
    ['/text/64', 64],
    ['/text/1000000', 1_000_000],
    ['/slow/3000/100000', 3000],
  ] as const)
    it(`${path} has the length and the digest that its headers tell`, limits, async () => {
      const { service, url } = await start()
      await using _ = service
      const response = await fetch(url + path)
      const body = new Uint8Array(await response.arrayBuffer())
      assert.equal(body.length, length)
      assert.equal(response.headers.get('content-length'), String(length))
      assert.equal(response.headers.get('x-sha256'), sha256(body))
    })

  it(
    'gives the same bytes for a seed and others for another, never twice the same block',
    limits,
    async () => {
      const { service, url } = await start()
      await using _ = service
      const get = async (path: string) => Buffer.from(await (await fetch(url + path)).arrayBuffer())
      const first = await get('/random/524288?seed=1')
      assert.ok(first.equals(await get('/random/524288?seed=1')))
      assert.ok(!first.equals(await get('/random/524288?seed=2')))
      assert.ok(!first.subarray(0, 262_144).equals(first.subarray(262_144)))
      assert.ok(first.subarray(0, 1000).equals(await get('/random/1000?seed=1')))
    },
  )

  it('numbers the lines of /text', limits, async () => {
    const { service, url } = await start()
    await using _ = service
    const lines = (await (await fetch(`${url}/text/640000`)).text()).split('\n')
    assert.equal(lines.length, 10_001)
    assert.match(lines[9999] ?? '', /^00009999 /)
  })

  it('sends /slow in pieces as time goes on, and no faster', limits, async () => {
    const clock = new ManualClock()
    const { service, url } = await start({ clock })
    await using _ = service
    const response = await fetch(`${url}/slow/1000/2000`)
    const reader = response.body?.getReader()
    const first = await reader?.read()
    assert.equal(first?.value?.length, 100)
    while (clock.pending === 0) await new Promise(setImmediate)
    clock.advance(50)
    assert.equal((await reader?.read())?.value?.length, 100)
    await reader?.cancel()
  })

  it('counts and digests what /sink is sent', limits, async () => {
    const { service, url } = await start()
    await using _ = service
    const body = Buffer.alloc(3_000_000, 'sink')
    const response = await fetch(`${url}/sink`, { method: 'PUT', body })
    const text = await response.text()
    assert.deepEqual(JSON.parse(text), { bytes: body.length, sha256: sha256(body) })
    assert.equal(response.headers.get('x-sha256'), sha256(text))
  })

  it('echoes a body with its digest as a trailer', limits, async () => {
    const { service } = await start()
    await using _ = service
    const sent = request({
      host: '127.0.0.1',
      port: service.port,
      path: '/echo',
      method: 'POST',
      agent: false,
    })
    sent.end('there and back')
    const [response] = await once(sent, 'response')
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk)
    assert.equal(Buffer.concat(chunks).toString(), 'there and back')
    assert.equal(response.trailers['x-sha256'], sha256('there and back'))
  })

  it('echoes plain bytes after an upgrade, and ends when the client does', limits, async () => {
    const { service } = await start()
    await using _ = service
    const head = 'GET /echo HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: bytes\r\n\r\n'
    const answer = await exchange(service.port, `${head}early and late`, true)
    assert.match(answer, /^HTTP\/1.1 101 /)
    assert.ok(answer.endsWith('\r\n\r\nearly and late'))
  })

  it('answers /half-close only after the FIN of the client', limits, async () => {
    const { service } = await start()
    await using _ = service
    const socket = connect({ port: service.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.write('POST /half-close HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello')
    // Another connection's whole exchange lies between, so an early answer would be here by now.
    await exchange(service.port, 'GET /text/1 HTTP/1.1\r\nhost: localhost\r\n\r\n', true)
    assert.equal(socket.bytesRead, 0)
    socket.end()
    const answer = await readAll(socket)
    assert.match(answer, /^HTTP\/1.1 200 /)
    assert.ok(answer.includes(`{"bytes":5,"sha256":"${sha256('hello')}"}`))
  })

  it('still answers a client that has ended its side after the request', limits, async () => {
    const { service } = await start()
    await using _ = service
    const answer = await exchange(service.port, 'GET /text/640 HTTP/1.1\r\nhost: localhost\r\n\r\n', true)
    assert.match(answer, /00000009 A slow ferry/)
  })

  for (const [why, method, path, status] of [
    ['a size that is no number', 'GET', '/random/many', 400],
    ['a negative size', 'GET', '/random/-1', 400],
    ['a size over the limit', 'GET', '/text/4294967297', 400],
    ['a rate of nothing', 'GET', '/slow/10/0', 400],
    ['a missing rate', 'GET', '/slow/10', 404],
    ['a seed without end', 'GET', `/random/1?seed=${'s'.repeat(129)}`, 400],
    ['a method that does not fit', 'POST', '/random/1', 405],
    ['an unknown path', 'GET', '/etc', 404],
  ] as const)
    it(`refuses ${why}`, limits, async () => {
      const { service, url } = await start()
      await using _ = service
      const response = await fetch(url + path, { method })
      assert.equal(response.status, status)
      assert.match(((await response.json()) as { error: string }).error, /./)
    })

  for (const [why, headers, status] of [
    ['the loopback name', { host: 'localhost:9999' }, 200],
    ['a name under .localhost', { host: 'a.localhost' }, 200],
    ['the address of a pod', { host: '10.0.32.40:8080' }, 200],
    ['the name of a service', { host: 'payload.paragon.svc.cluster.local:8080' }, 200],
    ['its name in the private zone', { host: 'payload.internal.acme.example:8080' }, 200],
    ['a page of its own', { host: '127.0.0.1:1', origin: 'http://127.0.0.1:1' }, 200],
    ['a foreign name', { host: 'rebound.example' }, 403],
    ['a name that ends like ours', { host: 'evillocalhost' }, 403],
    ['an odd authority', { host: 'localhost@evil.example' }, 403],
    ['a foreign page', { host: 'localhost', origin: 'https://evil.example' }, 403],
    ['a page of another local port', { host: 'localhost:1', origin: 'http://localhost:2' }, 403],
    ['a page without an origin', { host: 'localhost', origin: 'null' }, 403],
  ] as const)
    it(`answers ${status} to ${why}`, limits, async () => {
      const { service } = await start()
      await using _ = service
      assert.equal(await statusWith(service.port, '/text/1', headers), status)
    })

  it('refuses an upgrade for a foreign page', limits, async () => {
    const { service } = await start()
    await using _ = service
    const head = 'GET /echo HTTP/1.1\r\nhost: localhost\r\norigin: http://evil.example\r\n'
    const answer = await exchange(service.port, `${head}connection: upgrade\r\nupgrade: bytes\r\n\r\n`, false)
    assert.match(answer, /^HTTP\/1.1 403 /)
  })

  it('ends with transfers under way', limits, async () => {
    const { service, url } = await start()
    const response = await fetch(`${url}/slow/100000/10`)
    await service[Symbol.asyncDispose]()
    await assert.rejects(response.arrayBuffer())
  })
})

describe('grafana', limits, () => {
  const signIn = (url: string, password: string) =>
    fetch(`${url}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user: 'admin', password }),
    })

  const cookieOf = (response: Response) => response.headers.get('set-cookie')?.split(';')[0] ?? ''

  async function start() {
    const service = await startGrafana()
    return { service, url: `http://127.0.0.1:${service.port}` }
  }

  it('is healthy for everyone', limits, async () => {
    const { service, url } = await start()
    await using _ = service
    const health = (await (await fetch(`${url}/api/health`)).json()) as Record<string, string>
    assert.equal(health['database'], 'ok')
    assert.match(health['version'] ?? '', /^\d+\.\d+\.\d+$/)
  })

  it('sends strangers to the login page', limits, async () => {
    const { service, url } = await start()
    await using _ = service
    for (const path of ['/', '/d/overview/overview']) {
      const response = await fetch(url + path, { redirect: 'manual' })
      assert.equal(response.status, 302)
      assert.equal(response.headers.get('location'), '/login')
    }
    const login = await (await fetch(url)).text()
    assert.match(login, /<form method="post" action="\/login">/)
    assert.equal((await fetch(`${url}/api/user`)).status, 401)
  })

  it('lets in who knows the password, by JSON and by form', limits, async () => {
    const { service, url } = await start()
    await using _ = service
    assert.equal((await signIn(url, 'wrong')).status, 401)
    const answer = await signIn(url, 'admin')
    assert.deepEqual(await answer.json(), { message: 'Logged in', redirectUrl: '/' })
    const cookie = cookieOf(answer)
    const home = await fetch(url, { headers: { cookie }, redirect: 'manual' })
    assert.equal(home.headers.get('location'), '/d/overview/overview')
    const form = await fetch(`${url}/login`, {
      method: 'POST',
      body: new URLSearchParams({ user: 'admin', password: 'admin' }),
      redirect: 'manual',
    })
    assert.equal(form.status, 302)
    assert.equal((await fetch(`${url}/login`, { method: 'POST', body: 'x' })).status, 400)
    await fetch(`${url}/logout`, { headers: { cookie }, redirect: 'manual' })
    assert.equal((await fetch(`${url}/api/user`, { headers: { cookie } })).status, 401)
  })

  it('has a page of many assets, typed and cacheable', limits, async () => {
    const { service, url } = await start()
    await using _ = service
    const cookie = cookieOf(await signIn(url, 'admin'))
    const page = await (await fetch(`${url}/d/overview/overview`, { headers: { cookie } })).text()
    const paths = [...page.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1])
    assert.ok(paths.length >= 60, `${paths.length} assets`)
    const sizes = await Promise.all(
      paths.map(async (path) => {
        const response = await fetch(`${url}${path}`)
        assert.equal(response.status, 200, path)
        assert.match(response.headers.get('content-type') ?? '', /javascript|css|svg/)
        assert.match(response.headers.get('cache-control') ?? '', /immutable/)
        return (await response.arrayBuffer()).byteLength
      }),
    )
    assert.ok(Math.min(...sizes) < 1000 && Math.max(...sizes) > 250_000)
    const etag = (await fetch(`${url}${paths[0]}`)).headers.get('etag') ?? ''
    assert.equal((await fetch(`${url}${paths[0]}`, { headers: { 'if-none-match': etag } })).status, 304)
  })

  it('pushes figures to those who signed in, history first', limits, async () => {
    const clock = new ManualClock()
    await using service = await startGrafana({ clock })
    const url = `http://127.0.0.1:${service.port}`
    const cookie = cookieOf(await signIn(url, 'admin'))
    const live = `${url.replace('http', 'ws')}/api/live/ws`
    const socket = new WebSocket(live, { headers: { cookie } })
    const [history] = await once(socket, 'message')
    clock.advance(1000)
    const [update] = await once(socket, 'message')
    assert.equal(JSON.parse(String(history)).updates.length, 120)
    const { type, updates } = JSON.parse(String(update))
    assert.equal(type, 'update')
    assert.equal(typeof updates[0].values['hermes.rate'], 'number')
    socket.terminate()

    for (const [headers, status] of [
      [{}, 401],
      [{ cookie, origin: 'http://evil.example' }, 403],
    ] as const) {
      const [, response] = await once(new WebSocket(live, { headers }), 'unexpected-response')
      assert.equal(response.statusCode, status)
      response.destroy()
    }
  })

  it('ends with somebody watching', limits, async () => {
    const { service, url } = await start()
    const cookie = cookieOf(await signIn(url, 'admin'))
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/live/ws`, { headers: { cookie } })
    await once(socket, 'open')
    const closed = once(socket, 'close')
    await service[Symbol.asyncDispose]()
    await closed
  })
})

describe('product', limits, () => {
  it('is healthy, and names the service that it is called by', limits, async () => {
    await using service = await startProduct()
    const ask = async (path: string, host: string) => {
      const sent = request({
        port: service.port,
        host: '127.0.0.1',
        path,
        headers: { host },
        agent: false,
      }).end()
      const [response] = await once(sent, 'response')
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      return JSON.parse(text)
    }
    assert.deepEqual(await ask('/healthz', '127.0.0.1:1702'), {
      status: 'ok',
      services: ['hermes', 'cerberus'],
    })
    assert.deepEqual((await ask('/', 'cerberus:1700')).services, ['cerberus'])
    assert.deepEqual((await ask('/', 'hermes.paragon.svc:1702')).services, ['hermes'])
    assert.deepEqual((await ask('/', '10.0.33.31:1700')).services, ['cerberus'])
    assert.match((await ask('/else', 'localhost')).error, /not found/)
  })
})
