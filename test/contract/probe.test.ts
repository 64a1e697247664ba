import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import type { Clock } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { runProbe } from '#core/tunnel/io/probe.ts'
import { planProbe } from '#core/tunnel/probe.ts'
import type { Protocol, Target } from '#core/tunnel/resolve-target.ts'
import { createAuthority } from '#sandbox/certificates.ts'
import { FarEnd } from '../support/far-end.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { TcpDialer } from '../support/tcp-dialer.ts'

const TIMEOUT = { timeout: 10_000 }
const API: Target = { kind: 'cluster', name: 'cluster', protocol: { kind: 'tls' }, protocolCertain: true }

function speaking(protocol: Protocol): Target {
  return {
    kind: 'host',
    name: 'far',
    host: 'far.example',
    port: 1,
    instance: undefined,
    protocol,
    protocolCertain: true,
  }
}

async function probe(port: number, target: Target, clock: Clock = systemClock) {
  await using dialer = new TcpDialer({ host: '127.0.0.1', port })
  const plan = planProbe(target, { clusterHost: 'api.example', roundTrip: undefined, random: systemRandom })
  const signal = new AbortController().signal
  const stream = await dialer.connect()
  const result = await runProbe(stream, plan, { clock, signal })
  assert.ok(stream.destroyed)
  return result
}

async function listening(server: Server): Promise<{ port: number } & AsyncDisposable> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

describe('runProbe against servers of other hands', TIMEOUT, () => {
  it('is answered by an HTTP server', async () => {
    const asked: string[] = []
    await using server = await listening(
      createHttpServer((request, response) => {
        asked.push(`${request.method} ${request.url} ${request.headers.host}`)
        response.writeHead(503).end('starting')
      }),
    )
    const result = await probe(server.port, speaking({ kind: 'http', path: '/api/health' }))
    assert.deepEqual(result, {
      result: 'answered',
      detail: 'GET /api/health: 503',
      concern: 'it answers GET /api/health with 503',
    })
    assert.deepEqual(asked, ['GET /api/health far.example:1'])
  })

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    it(`is answered by a server of ${version}, which sees the name that it was asked for`, async () => {
      const { certificate: cert, key } = await (await createAuthority()).issue({ names: ['api.example'] })
      const names: string[] = []
      const tls = createTlsServer({
        cert,
        key,
        minVersion: version,
        maxVersion: version,
        SNICallback: (name, done) => {
          names.push(name)
          done(null)
        },
      })
      // The probe leaves in the middle of the handshake.
      tls.on('tlsClientError', () => {})
      await using server = await listening(tls)
      const result = await probe(server.port, API)
      assert.deepEqual(result, { result: 'answered', detail: 'it speaks TLS', concern: undefined })
      if (version === 'TLSv1.2') assert.deepEqual(names, ['api.example'])
    })
})

describe('runProbe', TIMEOUT, () => {
  const unknown = speaking({ kind: 'unknown' })
  const serving = (serve: (socket: Socket) => void) => FarEnd.start(serve)

  it('puts an answer together that comes in pieces', async () => {
    await using far = await serving(async (socket) => {
      for (const piece of ['H', 'TTP/1', '.1 2', '00 OK']) {
        socket.write(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const result = await probe(far.port, speaking({ kind: 'http', path: '/' }))
    assert.deepEqual(result, { result: 'answered', detail: 'GET /: 200', concern: undefined })
  })

  it('reads no more of a flood than it needs', async () => {
    await using far = await serving((socket) => void socket.write(Buffer.alloc(1024 * 1024, 'H')))
    assert.equal((await probe(far.port, speaking({ kind: 'http', path: '/' }))).result, 'answered')
  })

  it('is refused by a far end that closes', async () => {
    await using far = await serving((socket) => socket.end())
    assert.equal((await probe(far.port, unknown)).result, 'refused')
  })

  it('takes the refusal that a stream breaks with for an answer', async () => {
    const stream = new PassThrough()
    const plan = planProbe(unknown, { clusterHost: undefined, roundTrip: undefined, random: systemRandom })
    const running = runProbe(stream, plan, { clock: systemClock, signal: new AbortController().signal })
    stream.destroy(new PgctlError('far-end-refused', 'no', { why: 'a closed port' }))
    assert.deepEqual(await running, { result: 'refused', detail: 'a closed port' })
  })

  for (const [thrown, code] of [
    [new PgctlError('session-ended', 'over'), 'session-ended'],
    [new Error('reset'), 'session-lost'],
  ] as const)
    it(`passes on what else broke the stream: ${code}`, async () => {
      const stream = new PassThrough()
      const plan = planProbe(unknown, { clusterHost: undefined, roundTrip: undefined, random: systemRandom })
      const running = runProbe(stream, plan, { clock: systemClock, signal: new AbortController().signal })
      stream.destroy(thrown)
      await assert.rejects(running, (error) => isPgctlError(error, code))
    })

  it('is unanswered when nothing comes in its time, not a moment earlier', async () => {
    const clock = new ManualClock()
    const plan = planProbe(unknown, { clusterHost: undefined, roundTrip: 500, random: systemRandom })
    const stream = new PassThrough()
    let settled = false
    const running = runProbe(stream, plan, { clock, signal: new AbortController().signal })
    void running.then(() => {
      settled = true
    })
    clock.advance(1_499)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(settled, false)
    clock.advance(1)
    assert.deepEqual(await running, {
      result: 'unanswered',
      detail: 'not refused within 1.5 s; what it speaks is not known',
    })
    assert.ok(stream.destroyed)
  })

  it('judges half an answer when its time is over', async () => {
    const clock = new ManualClock()
    const plan = planProbe(speaking({ kind: 'http', path: '/' }), {
      clusterHost: undefined,
      roundTrip: undefined,
      random: systemRandom,
    })
    const stream = new PassThrough()
    const running = runProbe(
      stream,
      { ...plan, request: new Uint8Array() },
      { clock, signal: new AbortController().signal },
    )
    stream.write('HTT')
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(10_000)
    assert.equal((await running).result, 'answered')
  })

  for (const when of ['before', 'during'] as const)
    it(`ends with the signal's reason when that aborts ${when} it, and leaves nothing`, async () => {
      const clock = new ManualClock()
      const stream = new PassThrough()
      const abort = new AbortController()
      const reason = new Error('enough')
      const plan = planProbe(unknown, { clusterHost: undefined, roundTrip: undefined, random: systemRandom })
      if (when === 'before') abort.abort(reason)
      const running = runProbe(stream, plan, { clock, signal: abort.signal })
      abort.abort(reason)
      await assert.rejects(running, (error) => error === reason)
      assert.ok(stream.destroyed)
      assert.equal(clock.pending, 0)
    })
})
