import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { KubeConfig } from '@kubernetes/client-node'
import { WebSocket } from 'ws'
import { createAuthority } from '#sandbox/certificates.ts'
import {
  type KubernetesOptions,
  type SandboxKubernetes,
  startKubernetes,
} from '#sandbox/kubernetes/api-server.ts'
import { WORLD } from '#sandbox/world.ts'

const authority = createAuthority()
const certificate = authority.then((issuer) => issuer.issue({ names: [WORLD.cluster.host] }))

export const PODS = `/api/v1/namespaces/${WORLD.namespace}/pods`
export const HERMES = [
  'hermes-7d9c5b6f48-4kzlp',
  'hermes-7d9c5b6f48-9m2fw',
  'hermes-7d9c5b6f48-tq6vd',
] as const
export const FIRST_HERMES = HERMES[0]
export const KILLED_HERMES = HERMES[1]
export const TOKEN = 'k8s-aws-v1.operator'

/** A response whose body has been read. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: the tests read documents of many shapes
  readonly json: any
}

export interface TestApi extends AsyncDisposable {
  readonly api: SandboxKubernetes
  /** Everything that a client needs to trust the server, whose certificate carries the cluster's real name. */
  readonly trust: { readonly ca: string; readonly servername: string }
  get(path: string, headers?: Record<string, string>, method?: string): Promise<Answer>
  /** A response whose body has not been read. */
  open(path: string): Promise<IncomingMessage>
}

/** Starts an API whose containers write nothing by themselves. */
export async function startApi(options: Partial<KubernetesOptions> = {}): Promise<TestApi> {
  const api = await startKubernetes({
    ...(await certificate),
    authenticate: async (token) => (token === TOKEN ? { user: 'operator', groups: [] } : undefined),
    ports: { kubernetes: 1, grafana: 1, payload: 1, product: 1 },
    lineInterval: 0,
    ...options,
  })
  const trust = { ca: (await authority).certificate, servername: WORLD.cluster.host }
  const send = async (path: string, headers: Record<string, string>, method = 'GET') => {
    const sent = request({
      ...trust,
      host: '127.0.0.1',
      port: api.port,
      path,
      headers,
      method,
      agent: false,
    }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return response
  }
  return {
    api,
    trust,
    async get(path, headers = {}, method = 'GET') {
      const response = await send(path, { authorization: `Bearer ${TOKEN}`, ...headers }, method)
      const text = await textOf(response)
      const isJson = response.headers['content-type'] === 'application/json'
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
        json: isJson ? JSON.parse(text) : undefined,
      }
    },
    open: (path) => send(path, { authorization: `Bearer ${TOKEN}` }),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  }
}

export async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
}

/** Reads a response line by line, as it comes. */
export function linesOf(response: IncomingMessage): { next(): Promise<string>; rest(): Promise<string[]> } {
  const lines = createInterface({ input: response })[Symbol.asyncIterator]()
  return {
    async next() {
      const { value, done } = await lines.next()
      assert.ok(!done, 'the stream has ended')
      return value
    },
    async rest() {
      const rest: string[] = []
      for (;;) {
        const { value, done } = await lines.next()
        if (done) return rest
        rest.push(value)
      }
    },
  }
}

/** The configuration of the Kubernetes project's client. */
export function configOf(world: TestApi): KubeConfig {
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    {
      name: 'sandbox',
      server: `https://127.0.0.1:${world.api.port}`,
      caData: Buffer.from(world.trust.ca).toString('base64'),
      tlsServerName: WORLD.cluster.host,
      skipTLSVerify: false,
    },
    { name: 'operator', token: TOKEN },
  )
  return config
}

/** A writable that keeps what it is given. */
export class Collected extends Writable {
  readonly chunks: Buffer[] = []

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk)
    this.emit('collected')
    done()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  async until(enough: (bytes: Buffer) => boolean): Promise<Buffer> {
    while (!enough(this.bytes)) await once(this, 'collected')
    return this.bytes
  }
}

/** A WebSocket of our own making, for what the library cannot be made to ask. */
export function dial(
  world: TestApi,
  path: string,
  protocols: string | string[],
  headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` },
): WebSocket {
  return new WebSocket(`wss://127.0.0.1:${world.api.port}${path}`, protocols, {
    ca: world.trust.ca,
    // @ts-expect-error the option is tls.connect's, which the types of ws leave out
    servername: world.trust.servername,
    headers,
  })
}

/** The status and the message that a server answers in place of an upgrade. */
export async function refusalOf(socket: WebSocket): Promise<{ status: number; message: string }> {
  const [, response] = await once(socket, 'unexpected-response')
  let text = ''
  for await (const chunk of response) text += chunk
  const body = JSON.parse(text)
  return { status: response.statusCode, message: body.message ?? body.error }
}
