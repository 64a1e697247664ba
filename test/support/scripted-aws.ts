import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** A request as it arrived, with the name of its operation whatever the protocol. */
export interface AwsRequest {
  readonly operation: string
  readonly body: string
  readonly headers: IncomingMessage['headers']
  readonly path: string
}

export interface AwsAnswer {
  readonly status?: number
  readonly type?: string
  readonly body: string
}

/** An AWS endpoint on loopback that says what a test tells it to, in the services' wire forms. */
export class ScriptedAws implements AsyncDisposable {
  readonly requests: AwsRequest[] = []
  readonly sockets = new Set<Socket>()
  connections = 0
  readonly #server: Server
  readonly #scheme: string

  private constructor(server: Server, scheme: string) {
    this.#server = server
    this.#scheme = scheme
  }

  /** `answer` is asked for each request, and may leave it without one; with `tls` the endpoint speaks HTTPS. */
  static async start(
    answer: (request: AwsRequest, count: number) => AwsAnswer | 'silence',
    tls?: { cert: string; key: string },
  ): Promise<ScriptedAws> {
    const listener: RequestListener = async (message, response) => {
      const body = Buffer.concat(await message.toArray()).toString('utf8')
      const request = {
        operation: operationOf(message, body),
        body,
        headers: message.headers,
        path: message.url ?? '',
      }
      endpoint.requests.push(request)
      const answered = answer(request, endpoint.requests.length)
      if (answered === 'silence') return
      const { status = 200, type = 'application/x-amz-json-1.1', body: text } = answered
      response.writeHead(status, { 'content-type': type, 'x-amzn-requestid': 'request-1' }).end(text)
    }
    const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
    const endpoint = new ScriptedAws(server, tls === undefined ? 'http' : 'https')
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      endpoint.connections++
      endpoint.sockets.add(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return endpoint
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    for (const socket of this.sockets) socket.destroy()
    if (this.#server.listening) await once(this.#server, 'close')
  }
}

/** `X-Amz-Target: AmazonSSM.StartSession`, or `Action=…` in a query body. */
function operationOf(message: IncomingMessage, body: string): string {
  const target = message.headers['x-amz-target']
  if (typeof target === 'string') return target.split('.').at(-1) ?? ''
  return new URLSearchParams(body).get('Action') ?? `${message.method} ${message.url}`
}

/** GetCallerIdentity, answered. */
export function callerIdentity(account = '111122223333'): AwsAnswer {
  return {
    type: 'text/xml',
    body: `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::${account}:user/alex</Arn><UserId>AIDAEXAMPLE</UserId><Account>${account}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
  }
}

/** An error of a service with the query protocol. */
export function queryError(code: string, message: string, status = 400): AwsAnswer {
  return {
    status,
    type: 'text/xml',
    body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>request-1</RequestId></ErrorResponse>`,
  }
}

/** An error of a service with the JSON protocol. */
export function jsonError(code: string, message: string, status = 400): AwsAnswer {
  return { status, body: JSON.stringify({ __type: code, message }) }
}
