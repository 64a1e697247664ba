/**
 * `payload`: a far end whose bytes a client can check. Every answer carries `x-sha256`, the digest of its body (of
 * `/echo` and an interrupted stream it cannot be known ahead, so there it is a trailer).
 *
 *   GET  /random/BYTES[?seed=S]       bytes of chance, the same for the same seed
 *   GET  /text/BYTES                  numbered lines
 *   GET  /slow/BYTES/RATE[?seed=S]    /random, at RATE bytes a second
 *   PUT  /sink                        {"bytes":…,"sha256":…} of what was sent
 *   POST /echo                        what was sent, while it is being sent
 *   POST /half-close                  as /sink, but answered only after the client has ended its side
 *   GET  /echo with "Upgrade: bytes"  101, then every byte comes back; ends when the client ends
 */

import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Duplex, Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Bytes, type Clock, sleep } from '#core/clock.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type RunningService, refuseUpgrade, sendJson, startHttpService, urlOf } from './http-service.ts'
import { type Content, chunksOf, type Digests, rememberDigests } from './payload-content.ts'

const GIB: Bytes = 2 ** 30
/** The most that one answer holds, and the most that one request may send. */
const PAYLOAD_LIMIT: Bytes = 4 * GIB
const SEED_LIMIT = 128
const SLOW_TICK = 50

export interface PayloadOptions {
  readonly port?: number
  /** Paces `/slow`. */
  readonly clock?: Clock
}

/** A request that is the client's mistake: told with its status, in a sentence. */
class RequestError extends Error {
  readonly status: number
  readonly headers: Record<string, string>

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/** Starts `payload` on loopback. */
export async function startPayload(options: PayloadOptions = {}): Promise<RunningService> {
  const ended = new AbortController()
  const context: Context = {
    clock: options.clock ?? systemClock,
    digests: rememberDigests(ended.signal),
    ended: ended.signal,
  }
  const service = await startHttpService({
    port: options.port,
    handle: (request, response) => handle(context, request, response),
    upgrade,
  })
  return {
    port: service.port,
    async [Symbol.asyncDispose]() {
      ended.abort(new Error('payload has ended'))
      await service[Symbol.asyncDispose]()
    },
  }
}

interface Context {
  readonly clock: Clock
  readonly digests: Digests
  readonly ended: AbortSignal
}

async function handle(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await route(context, request, response)
  } catch (error) {
    if (!(error instanceof RequestError)) {
      if (response.destroyed || request.destroyed) return
      throw error
    }
    sendJson(response, error.status, { error: error.message }, error.headers)
  }
}

async function route(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = urlOf(request)
  const [, endpoint, ...parameters] = url.pathname.split('/')
  switch (endpoint) {
    case 'random':
    case 'text':
      allow(request, 'GET', 'HEAD')
      expectParameters(parameters, 'BYTES')
      return sendContent(context, contentOf(endpoint, parameters[0], url), request, response)
    case 'slow':
      allow(request, 'GET', 'HEAD')
      expectParameters(parameters, 'BYTES/RATE')
      return sendContent(
        context,
        contentOf('random', parameters[0], url),
        request,
        response,
        count(parameters[1], 'RATE', 1),
      )
    case 'sink':
      allow(request, 'PUT', 'POST')
      return sendCount(await countBody(request), response)
    case 'half-close': {
      allow(request, 'PUT', 'POST', 'GET')
      const counted = await countBody(request)
      await endOfInput(request)
      return sendCount(counted, response)
    }
    case 'echo':
      allow(request, 'PUT', 'POST')
      return echo(request, response)
    default:
      throw new RequestError(404, 'payload has /random, /text, /slow, /sink, /echo and /half-close')
  }
}

function allow(request: IncomingMessage, ...methods: string[]): void {
  if (methods.includes(request.method ?? '')) return
  throw new RequestError(405, `use ${methods.join(' or ')}`, { allow: methods.join(', ') })
}

function expectParameters(parameters: readonly string[], form: string): void {
  if (parameters.length !== form.split('/').length) throw new RequestError(404, `the path ends in /${form}`)
}

function count(text: string | undefined, name: string, least: number): number {
  const value = /^\d{1,15}$/.test(text ?? '') ? Number(text) : Number.NaN
  if (value >= least && value <= PAYLOAD_LIMIT) return value
  throw new RequestError(400, `${name} is a whole number from ${least} to ${PAYLOAD_LIMIT}`)
}

function contentOf(kind: Content['kind'], bytes: string | undefined, url: URL): Content {
  const seed = url.searchParams.get('seed') ?? ''
  if (seed.length > SEED_LIMIT) throw new RequestError(400, `seed is at most ${SEED_LIMIT} characters`)
  return { kind, seed: kind === 'text' ? '' : seed, bytes: count(bytes, 'BYTES', 0) }
}

async function sendContent(
  context: Context,
  content: Content,
  request: IncomingMessage,
  response: ServerResponse,
  rate?: number,
): Promise<void> {
  response.writeHead(200, {
    'content-type': content.kind === 'text' ? 'text/plain; charset=utf-8' : 'application/octet-stream',
    'content-length': content.bytes,
    'x-sha256': await context.digests(content),
  })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const chunks = rate === undefined ? chunksOf(content) : paced(chunksOf(content), rate, context)
  await pipeline(Readable.from(chunks, { objectMode: false, highWaterMark: 1 }), response)
}

/** Passes on as many bytes as `rate` allows since the start, so that a late timer is made up for. */
async function* paced(chunks: Iterable<Buffer>, rate: number, context: Context): AsyncGenerator<Buffer> {
  const start = context.clock.now().mono
  let sent = 0
  for (const chunk of chunks)
    for (let offset = 0; offset < chunk.length; ) {
      const due = Math.floor(((context.clock.now().mono - start + SLOW_TICK) * rate) / 1000) - sent
      const piece = chunk.subarray(offset, offset + Math.max(0, due))
      if (piece.length > 0) yield piece
      offset += piece.length
      sent += piece.length
      if (piece.length < due || offset === chunk.length) continue
      await sleep(context.clock, SLOW_TICK, context.ended)
    }
}

interface Counted {
  readonly bytes: Bytes
  readonly sha256: string
}

async function countBody(request: IncomingMessage): Promise<Counted> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > PAYLOAD_LIMIT)
      throw new RequestError(413, `a body is at most ${PAYLOAD_LIMIT} bytes`, { connection: 'close' })
    hash.update(chunk)
  }
  return { bytes, sha256: hash.digest('hex') }
}

function sendCount(counted: Counted, response: ServerResponse): void {
  const digest = createHash('sha256')
    .update(`${JSON.stringify(counted)}\n`)
    .digest('hex')
  sendJson(response, 200, counted, { 'x-sha256': digest })
}

/** Resolves when the client has ended its side of the connection. */
function endOfInput(request: IncomingMessage): Promise<void> {
  const { socket } = request
  if (socket.readableEnded) return Promise.resolve()
  return new Promise((resolve, reject) => {
    socket.once('end', resolve)
    socket.once('close', () => reject(new Error('the connection closed')))
  })
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256')
  response.writeHead(200, {
    'content-type': request.headers['content-type'] ?? 'application/octet-stream',
    trailer: 'x-sha256',
  })
  response.flushHeaders()
  const digest = new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
    flush(done) {
      response.addTrailers({ 'x-sha256': hash.digest('hex') })
      done()
    },
  })
  await pipeline(request, digest, response)
}

/** Turns a connection into plain bytes that come back; the client's FIN is answered with ours, after all of them. */
function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  if (urlOf(request).pathname !== '/echo' || request.headers.upgrade?.toLowerCase() !== 'bytes')
    refuseUpgrade(socket, 400, { error: 'only /echo can be upgraded, to "bytes"' })
  else startEcho(socket, head)
}

function startEcho(socket: Duplex, head: Buffer): void {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: bytes\r\n\r\n')
  if (head.length > 0) socket.unshift(head)
  socket.pipe(socket)
}
