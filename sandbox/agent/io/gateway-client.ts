import { randomUUID } from 'node:crypto'
import { type ClientRequestArgs, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import { PgctlError } from '#core/errors.ts'
import { type AgentCredentials, type RequestToSign, signHeaders } from '#sandbox/agent/io/signed-request.ts'

/** A WebSocket with the socket below it, whose writes the agent gathers. */
export interface Channel {
  readonly webSocket: WebSocket
  readonly socket: Socket
}

export interface GatewayClientOptions {
  /** Where the message gateway listens: `https://127.0.0.1:PORT`, or plain http on the loopback. */
  readonly gateway: string
  /** Where KMS answers. */
  readonly kms: string
  readonly region: string
  readonly credentials: AgentCredentials
  /** The authority that the endpoints' certificates are checked against, in PEM. */
  readonly ca?: string | undefined
}

const REQUEST_TIMEOUT = 10_000
/** Above what any client sends in one message. */
const MAX_PAYLOAD = 16 * 1024 * 1024

/** Requests of an agent, signed: a token for a channel, the channel itself, a data key from KMS. */
export class GatewayClient {
  readonly #options: GatewayClientOptions

  constructor(options: GatewayClientOptions) {
    this.#options = options
  }

  /** Opens the control channel of an instance. @throws PgctlError when the gateway does not want it. */
  async openControlChannel(instanceId: string, agentVersion: string): Promise<Channel> {
    const path = `/v1/control-channel/${instanceId}`
    const tokenValue = await this.#createChannel(path, {})
    return this.#connect(`${path}?role=subscribe&stream=input`, {
      MessageSchemaVersion: '1.0',
      RequestId: randomUUID(),
      TokenValue: tokenValue,
      AgentVersion: agentVersion,
      PlatformType: 'Linux',
    })
  }

  /** Opens the data channel of a session, for the first time or again, with a token of its own. */
  async openDataChannel(sessionId: string, instanceId: string, clientId: string): Promise<Channel> {
    const path = `/v1/data-channel/${sessionId}`
    const tokenValue = await this.#createChannel(path, { ClientId: clientId })
    return this.#connect(`${path}?role=publish_subscribe`, {
      MessageSchemaVersion: '1.0',
      RequestId: randomUUID(),
      TokenValue: tokenValue,
      ClientInstanceId: instanceId,
      ClientId: clientId,
    })
  }

  /** KMS Decrypt of a session's data key. */
  async decryptDataKey(
    ciphertext: Uint8Array,
    context: Readonly<Record<string, string>>,
  ): Promise<Uint8Array> {
    const body = JSON.stringify({
      CiphertextBlob: Buffer.from(ciphertext).toString('base64'),
      EncryptionContext: context,
    })
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.Decrypt' }
    const url = new URL('/', this.#options.kms)
    const answer = await this.#send({ method: 'POST', url, headers, body, service: 'kms' })
    if (answer.status !== 200) throw refused('KMS Decrypt', answer.status, answer.body)
    const { Plaintext } = JSON.parse(answer.body) as { Plaintext?: unknown }
    if (typeof Plaintext !== 'string') throw refused('KMS Decrypt', answer.status, 'the answer holds no key')
    return Buffer.from(Plaintext, 'base64')
  }

  /** Asks for a channel; the answer is XML that holds its token. */
  async #createChannel(path: string, fields: Readonly<Record<string, string>>): Promise<string> {
    const body = JSON.stringify({ MessageSchemaVersion: '1.0', RequestId: randomUUID(), ...fields })
    const headers = { 'content-type': 'application/json' }
    const url = new URL(path, this.#options.gateway)
    const answer = await this.#send({ method: 'POST', url, headers, body, service: 'ssmmessages' })
    const token = /<TokenValue>([^<]+)<\/TokenValue>/.exec(answer.body)?.[1]
    if (answer.status !== 201 || token === undefined)
      throw refused(`POST ${path}`, answer.status, answer.body)
    return unescapeXml(token)
  }

  async #send(request: RequestToSign): Promise<{ status: number; body: string }> {
    const headers = await signHeaders(request, this.#options.region, this.#options.credentials)
    const send = request.url.protocol === 'https:' ? httpsRequest : httpRequest
    const length = Buffer.byteLength(request.body ?? '')
    return new Promise((resolve, reject) => {
      const outgoing = send(
        request.url,
        {
          method: request.method,
          headers: { ...headers, 'content-length': length },
          ca: this.#options.ca,
          agent: false,
          signal: AbortSignal.timeout(REQUEST_TIMEOUT),
        },
        (response) => {
          const parts: Buffer[] = []
          response.on('data', (part: Buffer) => parts.push(part))
          response.on('error', reject)
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
          )
        },
      )
      outgoing.on('error', reject)
      outgoing.end(request.body)
    })
  }

  /** A signed WebSocket whose first frame is the JSON `opening`. */
  async #connect(path: string, opening: object): Promise<Channel> {
    const url = new URL(path, this.#options.gateway)
    const headers = await signHeaders(
      { method: 'GET', url, headers: {}, service: 'ssmmessages' },
      this.#options.region,
      this.#options.credentials,
    )
    const { host: _, ...rest } = headers
    let socket: Socket | undefined
    const { ca } = this.#options
    const webSocket = new WebSocket(url.href.replace(/^http/, 'ws'), {
      headers: rest,
      perMessageDeflate: false,
      maxPayload: MAX_PAYLOAD,
      // A mask is for proxies on the way. Inside one process there is none, and it costs a fifth of all that a relay does.
      ...(url.protocol === 'http:' ? { generateMask: noMask } : {}),
      handshakeTimeout: REQUEST_TIMEOUT,
      createConnection: (options: ClientRequestArgs) => {
        const where = { host: String(options.host), port: Number(options.port) }
        socket = url.protocol === 'https:' ? connectTls({ ...where, ca, servername: '' }) : connectTcp(where)
        socket.setNoDelay(true)
        return socket
      },
    })
    await new Promise<void>((resolve, reject) => {
      webSocket.once('open', resolve)
      webSocket.once('error', reject)
    })
    webSocket.send(JSON.stringify(opening))
    return { webSocket, socket: socket as unknown as Socket }
  }
}

/** The gateway, or KMS, said no; `why` starts with the status. */
function refused(what: string, status: number, body: string): PgctlError {
  return new PgctlError('session-refused', `the sandbox's agent got no answer from ${what}`, {
    why: `${status} ${body.slice(0, 200)}`,
  })
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
}

/** Masking with zeros changes nothing, and is left out on both sides. */
function noMask(mask: Buffer): void {
  mask.fill(0)
}
