import {
  type Agent,
  createServer,
  type IncomingMessage,
  type RequestOptions,
  request as requestOver,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import type { Duplex } from 'node:stream'
import type { Bytes } from '#core/clock.ts'
import { type HttpAsk, type HttpGuard, type HttpVerdict, judgeRequest } from '#core/tunnel/http-guard.ts'
import { forBrowser, forFarEnd, refusalPage } from '#core/tunnel/http-headers.ts'
import { HttpConnection } from '#core/tunnel/io/http-connection.ts'
import type { Front } from '#core/tunnel/tunnel.ts'

/** Dashboards send large cookies and long queries. */
const LONGEST_HEADERS: Bytes = 64 * 1024

export interface HttpFrontOptions {
  readonly guard: HttpGuard
  /** The name in the tunnel's URL. */
  readonly host: string | undefined
  /** Told of every request that is refused. */
  readonly onRefused: (why: string) => void
}

/**
 * A front that reads HTTP, lets through what its guard allows and answers the rest itself. Each local connection has
 * a connection to the far end for itself, and one ends with the other; bodies, streams and WebSockets pass as they come.
 */
export function httpFront({ guard, host, onRefused }: HttpFrontOptions): Front {
  const connections = new WeakMap<Duplex, HttpConnection>()
  const server = createServer({
    // A client may end its side once it has asked, and a body may take for ever.
    ...{ requestTimeout: 0, keepAliveTimeout: 0, maxHeaderSize: LONGEST_HEADERS },
    // Any other upgrade is an offer that a server may pass over, with a body behind it that is to arrive.
    shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
  })
  Object.assign(server, { httpAllowHalfOpen: true })
  const judge = (request: IncomingMessage): HttpVerdict => {
    const verdict = judgeRequest(askOf(request), guard)
    if (!verdict.allow) onRefused(verdict.why)
    return verdict
  }
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const verdict = judge(request)
    const connection = connections.get(request.socket)
    if (connection === undefined) response.destroy()
    else if (!verdict.allow) refuse(connection, response, verdict)
    // Its answer would come behind that of a refusal, after which the connection ends.
    else if (connection.refused) response.destroy()
    else carry(connection, request, response)
  }
  server.on('request', serve)
  server.on('checkContinue', serve)
  server.on('upgrade', (request, socket, head) => {
    const verdict = judge(request)
    const connection = connections.get(socket)
    if (!verdict.allow) socket.end(refusalText(verdict))
    else if (connection === undefined) socket.destroy()
    else carryUpgrade(connection, request, head)
  })
  // A proxy's business, for which nobody has come here.
  server.on('connect', (_request, socket) =>
    socket.end(refusalText({ status: 400, why: 'this is no proxy' })),
  )
  server.on('clientError', (error, socket) => {
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else socket.end(refusalText({ status: 400, why: 'this is no HTTP' }))
  })
  return {
    host,
    pass(far) {
      const connection = new HttpConnection(far)
      connections.set(connection.inner, connection)
      server.emit('connection', connection.inner)
      return connection.near
    },
  }
}

function askOf({ method = '', url = '', headersDistinct }: IncomingMessage): HttpAsk {
  const first = (name: string) => headersDistinct[name]?.[0]?.toLowerCase()
  return {
    method,
    target: url,
    hosts: headersDistinct['host'] ?? [],
    origins: headersDistinct['origin'] ?? [],
    fetchSite: first('sec-fetch-site'),
    fetchMode: first('sec-fetch-mode'),
    fetchDest: first('sec-fetch-dest'),
  }
}

function carry({ agent, inner }: HttpConnection, request: IncomingMessage, response: ServerResponse): void {
  const outgoing = requestOver(optionsOf(request, agent, 'keep-alive'))
  response.sendDate = false
  outgoing.on('continue', () => response.writeContinue())
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', forBrowser(answer.rawHeaders))
    response.flushHeaders()
    answer.on('error', () => inner.destroy())
    answer.on('end', () => {
      if (answer.rawTrailers.length > 0) response.addTrailers(answer.trailers as Record<string, string>)
    })
    answer.pipe(response)
  })
  outgoing.on('error', () => inner.destroy())
  response.on('close', () => {
    if (!response.writableFinished) outgoing.destroy()
  })
  outgoing.flushHeaders()
  request.pipe(outgoing)
}

/** Once the far end has agreed, bytes pass as they are; where it refuses, its answer does, and the connection ends. */
function carryUpgrade({ agent, inner, far }: HttpConnection, request: IncomingMessage, head: Buffer): void {
  const outgoing = requestOver(optionsOf(request, agent, 'upgrade'))
  outgoing.on('upgrade', (answer, _socket, first) => {
    inner.write(headOf(answer, forBrowser(answer.rawHeaders, 'upgrade')))
    if (first.length > 0) inner.write(first)
    if (head.length > 0) far.write(head)
    inner.pipe(far)
    far.pipe(inner)
  })
  outgoing.on('response', (answer) => {
    inner.write(headOf(answer, forBrowser(answer.rawHeaders, 'close')))
    answer.on('error', () => inner.destroy())
    answer.pipe(inner)
  })
  outgoing.on('error', () => inner.destroy())
  outgoing.end()
}

function optionsOf(
  request: IncomingMessage,
  agent: Agent,
  connection: 'keep-alive' | 'upgrade',
): RequestOptions {
  const { method, url, rawHeaders } = request
  return {
    ...{ agent, method, path: url, setHost: false, maxHeaderSize: LONGEST_HEADERS },
    headers: forFarEnd(rawHeaders, connection),
  }
}

function headOf({ statusCode, statusMessage }: IncomingMessage, headers: readonly string[]): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`]
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

type Refusal = Extract<HttpVerdict, { allow: false }>

function refuse(connection: HttpConnection, response: ServerResponse, refusal: Refusal): void {
  connection.refused = true
  const { headers, body } = refusalPage(refusal)
  response.writeHead(refusal.status, { ...headers, connection: 'close' })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

function refusalText({ status, why }: Pick<Refusal, 'status' | 'why'>): string {
  const { headers, body } = refusalPage({ why, maySayYes: false })
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}
