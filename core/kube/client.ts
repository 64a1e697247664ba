import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { createSecureContext } from 'node:tls'
import type * as z from 'zod'
import type { Bytes, Clock, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type ApiSubject, connectionError, isPassing, KubeApiError } from '#core/kube/api-error.ts'
import type { ClusterAccess } from '#core/kube/cluster-access.ts'
import type { ClusterToken } from '#core/kube/credentials.ts'
import { clusterTls } from '#core/kube/tls.ts'
import { retry } from '#core/retry.ts'

/** A request for something in a namespace. Those that read may be repeated; one with a patch is sent once. */
export interface ApiRequest extends ApiSubject {
  /** What to change, as a JSON merge patch (RFC 7396). */
  readonly patch?: object | undefined
  /** What to make, as the API takes it. */
  readonly body?: object | undefined
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined
}

/** How long TCP and TLS may take. A tunnel's first connection opens a session on the way. */
const CONNECT_LIMIT: Ms = 30_000
/** How long a document may be silent before it has come in whole. */
const SILENCE_LIMIT: Ms = 30_000
const DOCUMENT_LIMIT: Bytes = 64 * 1024 * 1024
const ERROR_BODY_LIMIT: Bytes = 64 * 1024
/** What a connection reads that nobody asks for; with hundreds of logs, little adds up. */
const READ_AHEAD: Bytes = 16 * 1024

/**
 * One cluster's API over HTTP/1.1 with connections that are kept.
 *
 * It stands on Node's own `https`: HTTP/1.1 gives each log stream a flow control of its own (in one HTTP/2
 * connection through a tunnel, streams share a window), and a command that reads logs should not wait for a client
 * library to load. Failures are `PgctlError`s; an abort throws the signal's reason.
 */
export class KubeClient implements AsyncDisposable {
  /** The cluster's real name, for messages. */
  readonly cluster: string
  readonly #access: ClusterAccess
  readonly #clock: Clock
  readonly #chance: () => number
  readonly #agent: Agent

  constructor(access: ClusterAccess, clock: Clock = systemClock, chance: () => number = Math.random) {
    this.cluster = access.tlsServerName
    this.#access = access
    this.#clock = clock
    this.#chance = chance
    const { ca, minVersion, ...tls } = clusterTls(access)
    this.#agent = new Agent({
      ...tls,
      // One for all connections: hundreds of logs are opened at once, and each would read the certificate anew.
      secureContext: createSecureContext({ ca, minVersion }),
      // The types leave it out; Node gives it to each connection.
      ...{ highWaterMark: READ_AHEAD },
      keepAlive: true,
      maxFreeSockets: 16,
    })
  }

  /**
   * Reads one document. What passes by itself (429, 5xx, a broken connection) is tried again a few times, after the
   * wait that the server asks for.
   */
  async read<T>(request: ApiRequest, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
    const body = await retry(() => this.#readBody(request, signal), {
      clock: this.#clock,
      chance: this.#chance,
      retryable: isPassing,
      floor: (error) => (error instanceof KubeApiError ? error.retryAfter : undefined),
      signal,
    })
    return this.#parse(request, body, schema)
  }

  /** Changes one document, and gives it as it is then. Tried once: nobody knows what became of a change that broke off. */
  async change<T>(
    request: ApiRequest & { readonly verb: 'patch'; readonly patch: object },
    schema: z.ZodType<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#parse(request, await this.#readBody(request, signal), schema)
  }

  /** Makes one document that nothing is kept of, such as a review; tried again as a read is. */
  async create<T>(
    request: ApiRequest & { readonly verb: 'create'; readonly body: object },
    schema: z.ZodType<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return await this.read(request, schema, signal)
  }

  /**
   * Opens a stream: resolves with a successful answer's body, which ends in order or fails with a
   * `cluster-unreachable` error when the connection breaks. It may be silent for as long as it likes, before its
   * first byte too: a kubelet sends no header before the first line of a log. Tried once, apart from a token that
   * was refused and a kept connection that had died meanwhile.
   */
  async open(request: ApiRequest, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.#chunks(await this.#answer(request, { signal }), signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
  }

  async #readBody(request: ApiRequest, signal: AbortSignal | undefined): Promise<string> {
    const response = await this.#answer(request, { signal, silence: SILENCE_LIMIT })
    const parts: Uint8Array[] = []
    let size = 0
    for await (const chunk of this.#chunks(response, signal)) {
      size += chunk.length
      if (size > DOCUMENT_LIMIT)
        throw new PgctlError('protocol-violation', `the answer of ${this.cluster} does not end`, {
          why: `more than ${DOCUMENT_LIMIT} bytes came for ${request.resource} in namespace ${request.namespace}`,
        })
      parts.push(chunk)
    }
    return Buffer.concat(parts, size).toString('utf8')
  }

  #parse<T>(request: ApiRequest, body: string, schema: z.ZodType<T>): T {
    let document: unknown
    try {
      document = JSON.parse(body)
    } catch (error) {
      throw this.#malformed(request, 'the answer is not JSON', error)
    }
    const result = schema.safeParse(document)
    if (result.success) return result.data
    const [issue] = result.error.issues
    throw this.#malformed(request, `${issue?.path.join('.')}: ${issue?.message}`, result.error)
  }

  #malformed(request: ApiRequest, why: string, cause: unknown): PgctlError {
    const what = `${request.resource} in namespace ${request.namespace}`
    return new PgctlError('protocol-violation', `cannot understand what ${this.cluster} says of ${what}`, {
      why,
      cause,
    })
  }

  /** The answer, once it is a good one; a refused token is renewed once. */
  async #answer(request: ApiRequest, limits: Limits): Promise<IncomingMessage> {
    const token = await this.#access.token({ signal: limits.signal })
    const response = await this.#sendFresh(request, token, limits)
    if (response.statusCode !== 401) return await this.#accept(request, response)
    response.resume()
    const renewed = await this.#access.token({ refused: token, signal: limits.signal })
    return await this.#accept(request, await this.#sendFresh(request, renewed, limits))
  }

  async #accept(request: ApiRequest, response: IncomingMessage): Promise<IncomingMessage> {
    if (response.statusCode === 200 || response.statusCode === 201) return response
    throw await answerError(request, this.cluster, response)
  }

  /** Sends; a kept connection that turns out to be dead is no failure, and another one is taken. */
  async #sendFresh(request: ApiRequest, token: ClusterToken, limits: Limits): Promise<IncomingMessage> {
    for (;;) {
      const sent = this.#send(request, token, limits.signal)
      try {
        return await responseTo(sent, this.#clock, limits)
      } catch (error) {
        limits.signal?.throwIfAborted()
        const isDead = sent.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET'
        if (isDead && request.patch === undefined) continue
        throw connectionError(this.cluster, error)
      }
    }
  }

  #send(request: ApiRequest, token: ClusterToken, signal: AbortSignal | undefined): ClientRequest {
    signal?.throwIfAborted()
    const given = request.patch ?? request.body
    const body = given === undefined ? undefined : JSON.stringify(given)
    const method = request.patch === undefined ? 'POST' : 'PATCH'
    const type = request.patch === undefined ? 'application/json' : 'application/merge-patch+json'
    const sent = httpsRequest(new URL(pathOf(request), this.#access.server), {
      agent: this.#agent,
      ...(body === undefined ? {} : { method }),
      headers: {
        authorization: `Bearer ${token.value}`,
        accept: 'application/json',
        'user-agent': 'pgctl',
        ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
      },
      ...(signal === undefined ? {} : { signal }),
    })
    sent.end(body)
    return sent
  }

  /** The body's chunks; what the reader does not take is not read from the socket. */
  async *#chunks(response: IncomingMessage, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of response) yield chunk as Uint8Array
    } catch (error) {
      signal?.throwIfAborted()
      throw connectionError(this.cluster, error)
    }
  }
}

interface Limits {
  readonly signal?: AbortSignal | undefined
  /** How long the connection may be silent; undefined lets it be silent for ever. */
  readonly silence?: Ms | undefined
}

/** The API's path and query of a request. */
export function pathOf({ group, resource, namespace, name, query = {} }: ApiRequest): string {
  const [kind = '', subresource] = resource.split('/')
  const place = namespace === undefined ? [] : ['namespaces', namespace]
  const root = group === undefined ? ['api', 'v1'] : ['apis', group, 'v1']
  const parts = [...root, ...place, kind, name, subresource]
  const path = parts
    .filter((part) => part !== undefined)
    .map(encodeURIComponent)
    .join('/')
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value))
  return search.size === 0 ? `/${path}` : `/${path}?${search}`
}

/** The error of an answer that is not a success; reads what it says, as far as that is reasonable. */
export async function answerError(
  subject: ApiSubject,
  cluster: string,
  response: IncomingMessage,
): Promise<KubeApiError> {
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of response) {
      parts.push(chunk as Uint8Array)
      size += (chunk as Uint8Array).length
      if (size > ERROR_BODY_LIMIT) break
    }
  } catch {
    // The status alone says what happened.
  }
  return new KubeApiError(subject, cluster, {
    status: response.statusCode ?? 0,
    body: Buffer.concat(parts).toString('utf8'),
    requestId: headerOf(response, 'audit-id'),
    retryAfter: retryAfterOf(headerOf(response, 'retry-after')),
  })
}

function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** The API gives seconds; a date would be a proxy's, and our own back-off serves as well. */
function retryAfterOf(header: string | undefined): Ms | undefined {
  return header !== undefined && /^\d{1,4}$/.test(header) ? Number(header) * 1_000 : undefined
}

function responseTo(sent: ClientRequest, clock: Clock, limits: Limits): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let cancelLimit = () => {}
    sent.once('socket', (socket) => {
      if (!socket.connecting) return
      cancelLimit = clock.after(CONNECT_LIMIT, () =>
        sent.destroy(new Error(`no connection within ${CONNECT_LIMIT} ms`)),
      )
      socket.once('secureConnect', cancelLimit)
    })
    const { silence } = limits
    if (silence !== undefined)
      sent.setTimeout(silence, () =>
        sent.destroy(new PgctlError('timed-out', `the Kubernetes API was silent for ${silence} ms`)),
      )
    sent.once('response', (response) => {
      cancelLimit()
      resolve(response)
    })
    sent.on('error', (error) => {
      cancelLimit()
      reject(error)
    })
  })
}
