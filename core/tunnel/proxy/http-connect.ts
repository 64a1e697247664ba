import { parseHost, parsePort } from '#core/tunnel/host-port.ts'
import {
  type Credentials,
  type Destination,
  isRight,
  type ProxyHandshake,
  type ProxyStep,
  type Refusal,
} from '#core/tunnel/proxy/handshake.ts'

/*
 *     CONNECT HOST:PORT HTTP/1.1                 ► HTTP/1.1 200 …, and then bytes
 *     GET http://HOST[:PORT]/PATH HTTP/1.1       ► goes to HOST as GET /PATH, one request a connection
 *
 * Both with `Proxy-Authorization: Basic …`, which goes no further. (RFC 9110 9.3.6, RFC 9112 3.2.2)
 */

const LONGEST_HEAD = 32 * 1024
const REQUEST = /^([A-Z]{1,20}) (\S+) HTTP\/1\.[01]$/
const FIELD = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/
/** What is between a client and its proxy. */
const OF_THE_HOP = /^(proxy-.*|connection|keep-alive)$/i

/** An HTTP client that must tell its password. */
export class HttpHandshake implements ProxyHandshake {
  readonly #expected: Credentials
  #held: Buffer = Buffer.alloc(0)

  constructor(expected: Credentials) {
    this.#expected = expected
  }

  push(bytes: Uint8Array): ProxyStep[] {
    this.#held = Buffer.concat([this.#held, bytes])
    const end = this.#held.indexOf('\r\n\r\n')
    if (end === -1) return this.#held.length > LONGEST_HEAD ? refusal(431, 'its request is too long') : []
    const [line = '', ...fields] = this.#held.subarray(0, end).toString('latin1').split('\r\n')
    const rest = this.#held.subarray(end + 4)
    const [, method, target] = REQUEST.exec(line) ?? []
    if (method === undefined || target === undefined || !fields.every((field) => FIELD.test(field)))
      return refusal(400, 'it does not speak HTTP')
    if (!this.#isAuthorized(fields)) return refusal(407, 'its password is wrong, or it tells none')
    return method === 'CONNECT' ? connect(target, rest) : forward(method, target, fields, rest)
  }

  #isAuthorized(fields: readonly string[]): boolean {
    for (const field of fields) {
      const [, name = '', value = ''] = FIELD.exec(field) ?? []
      if (name.toLowerCase() !== 'proxy-authorization') continue
      const [, encoded = ''] = /^basic +([A-Za-z0-9+/=]+)$/i.exec(value) ?? []
      const [, user = '', password = ''] =
        /^([^:]*):([\s\S]*)$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
      return isRight(this.#expected, user, password)
    }
    return false
  }
}

function connect(target: string, rest: Uint8Array): ProxyStep[] {
  const to = authorityOf(target, undefined)
  if (to === undefined) return refusal(400, 'its address is none')
  const accepted = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n')
  return [{ do: 'connect', to, accepted, refused, first: rest }]
}

function forward(method: string, target: string, fields: readonly string[], rest: Uint8Array): ProxyStep[] {
  const [, authority = '', path = ''] = /^http:\/\/([^/?#]*)([^#]*)/i.exec(target) ?? []
  const to = authorityOf(authority, 80)
  if (to === undefined) return refusal(400, 'it asks for no address of another host')
  const kept = fields.filter((field) => !OF_THE_HOP.test(FIELD.exec(field)?.[1] ?? ''))
  const head = [
    `${method} ${path.startsWith('/') ? path : `/${path}`} HTTP/1.1`,
    ...kept,
    // The next request may be for another host.
    'Connection: close',
  ].join('\r\n')
  const first = Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), rest])
  return [{ do: 'connect', to, accepted: new Uint8Array(0), refused, first }]
}

function authorityOf(text: string, fallback: number | undefined): Destination | undefined {
  const [, name = '', digits] = /^(\[[^\]]+\]|[^:@]+)(?::(\d+))?$/.exec(text) ?? []
  const host = parseHost(name)
  const port = digits === undefined ? fallback : parsePort(digits)
  return host === undefined || port === undefined ? undefined : { host, port }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  407: 'Proxy Authentication Required',
  431: 'Request Header Fields Too Large',
  502: 'Bad Gateway',
}

function refused(why: Refusal): Uint8Array {
  return why === 'not-allowed'
    ? response(403, 'pgctl proxy leads to the installation only; pgctl proxy --any leads anywhere')
    : response(502, 'the bastion could not connect to it')
}

function refusal(status: number, why: string): ProxyStep[] {
  return [
    { do: 'answer', bytes: response(status, why) },
    { do: 'close', why },
  ]
}

function response(status: number, text: string): Uint8Array {
  const body = `${text}\n`
  const challenge = status === 407 ? 'Proxy-Authenticate: Basic realm="pgctl"\r\n' : ''
  return Buffer.from(
    `HTTP/1.1 ${status} ${REASONS[status]}\r\n${challenge}Content-Type: text/plain\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
}
