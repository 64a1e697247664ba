import { randomUUID } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { WebSocket } from 'ws'
import type { MessageType } from '#core/ssm/constants.ts'
import { decodeMessage, encodeMessage, type Message, MessageIds } from '#core/ssm/message.ts'
import type { AccessKey } from '#sandbox/aws/identity.ts'
import { WORLD } from '#sandbox/world.ts'
import { Sha256 } from './sha256.ts'

const ids = new MessageIds((length) => crypto.getRandomValues(new Uint8Array(length)))

/** A stream message with `sequence` as its number and a payload of text. */
export function streamMessage(type: MessageType, sequence: number, text: string): Uint8Array {
  return encodeMessage({
    type,
    createdDate: Date.UTC(2026, 10, 23),
    sequence,
    flags: 0,
    messageId: ids.next(),
    payloadType: type === 'acknowledge' ? 0 : 1,
    payload: Buffer.from(text),
  })
}

/** One raw WebSocket to the gateway, what it received, and who waits for more. */
export class RawEnd {
  readonly socket: WebSocket
  readonly received: Message[] = []
  /** The close code, once it is closed; 1006 where the connection broke. */
  readonly closed: Promise<{ code: number; reason: string }>
  #waiters: Array<() => void> = []

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      this.received.push(decodeMessage(data))
      for (const waiter of this.#waiters.splice(0)) waiter()
    })
    socket.on('error', () => {})
    this.closed = new Promise((resolve) =>
      socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
    )
  }

  send(frame: Uint8Array): void {
    this.socket.send(frame)
  }

  /** The received messages as `type:payload`. */
  get texts(): string[] {
    return this.received.map(({ type, payload }) => `${type}:${Buffer.from(payload).toString()}`)
  }

  /** Resolves with all that was received as soon as there are `count` messages. */
  async until(count: number): Promise<Message[]> {
    while (this.received.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.push(resolve)
      await promise
    }
    return this.received
  }

  /** The first message of that type, now or later. */
  async message(type: string): Promise<Message> {
    for (let at = 0; ; at++) {
      const message = (await this.until(at + 1))[at]
      if (message?.type === type) return message
    }
  }
}

/** Opens the client's end, with the first frame that the vendor's client sends. */
export async function openClient(streamUrl: string, token: string): Promise<RawEnd> {
  const end = await open(streamUrl, {})
  end.socket.send(
    JSON.stringify({
      MessageSchemaVersion: '1.0',
      RequestId: randomUUID(),
      TokenValue: token,
      ClientId: randomUUID(),
      ClientVersion: '1.2.764.0',
    }),
  )
  return end
}

/** An agent by hand: signed requests and WebSockets, as the vendor's agent makes them. */
export class RawAgent {
  readonly #url: string
  readonly #key: AccessKey
  readonly instanceId: string

  constructor(url: string, key: AccessKey, instanceId: string = WORLD.bastion.instanceId) {
    this.#url = url
    this.#key = key
    this.instanceId = instanceId
  }

  /** POST for a token; the status and the XML. */
  async requestToken(path: string): Promise<{ status: number; body: string }> {
    const body = JSON.stringify({
      MessageSchemaVersion: '1.0',
      RequestId: randomUUID(),
      ClientId: randomUUID(),
    })
    const headers = await this.#sign('POST', path, {}, body)
    const response = await fetch(`${this.#url}${path}`, { method: 'POST', headers, body })
    return { status: response.status, body: await response.text() }
  }

  async openControlChannel(): Promise<RawEnd> {
    const path = `/v1/control-channel/${this.instanceId}`
    return this.#open(
      path,
      { role: 'subscribe', stream: 'input' },
      { AgentVersion: '3.3.0.0', PlatformType: 'Linux' },
    )
  }

  async openDataChannel(sessionId: string): Promise<RawEnd> {
    const fields = { ClientInstanceId: this.instanceId, ClientId: randomUUID() }
    return this.#open(`/v1/data-channel/${sessionId}`, { role: 'publish_subscribe' }, fields)
  }

  async #open(path: string, query: Record<string, string>, fields: object): Promise<RawEnd> {
    const { status, body } = await this.requestToken(path)
    const token = /<TokenValue>(.*)<\/TokenValue>/.exec(body)?.[1]
    if (status !== 201 || token === undefined) throw new Error(`no token: ${status} ${body}`)
    const { host: _host, ...headers } = await this.#sign('GET', path, query)
    const end = await open(
      `${this.#url.replace(/^http/, 'ws')}${path}?${new URLSearchParams(query)}`,
      headers,
    )
    end.socket.send(
      JSON.stringify({ MessageSchemaVersion: '1.0', RequestId: randomUUID(), TokenValue: token, ...fields }),
    )
    return end
  }

  /** The headers of a signed upgrade to `url`. */
  async signUpgrade(url: string): Promise<Record<string, string>> {
    const { pathname, searchParams } = new URL(url)
    const { host: _host, ...headers } = await this.#sign('GET', pathname, Object.fromEntries(searchParams))
    return headers
  }

  async #sign(
    method: string,
    path: string,
    query: Record<string, string>,
    body?: string,
  ): Promise<Record<string, string>> {
    const { hostname, port, host } = new URL(this.#url)
    const signer = new SignatureV4({
      credentials: this.#key,
      region: WORLD.region,
      service: 'ssmmessages',
      sha256: Sha256,
      applyChecksum: false,
    })
    const signed = await signer.sign({
      method,
      protocol: 'http:',
      hostname,
      port: Number(port),
      path,
      query,
      headers: { host, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body,
    })
    return signed.headers
  }
}

/** A WebSocket that is open; rejects with the status where the upgrade is refused. */
export async function open(url: string, headers: Record<string, string>): Promise<RawEnd> {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false })
  const end = new RawEnd(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.once('unexpected-response', (_request, response) => {
      response.resume()
      reject(new Error(`refused with ${response.statusCode}`))
      socket.terminate()
    })
    socket.once('error', reject)
  })
  return end
}
