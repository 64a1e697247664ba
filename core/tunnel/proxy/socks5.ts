import { parseAddress, parseHost } from '#core/tunnel/host-port.ts'
import {
  type Credentials,
  type Destination,
  isRight,
  type ProxyHandshake,
  type ProxyStep,
  type Refusal,
} from '#core/tunnel/proxy/handshake.ts'

/*
 * RFC 1928 and 1929, the client's bytes on the left:
 *
 *     05 n METHOD*n                        ► 05 02 (FF: none will do)
 *     01 n USER*n n PASSWORD*n             ► 01 00 (01: wrong)
 *     05 01 00 TYPE ADDRESS PORT           ► 05 CODE 00 01 00 00 00 00 00 00
 *              01: 4 bytes, 03: n NAME*n, 04: 16 bytes; the port big-endian
 */

const VERSION = 5
const PASSWORD_METHOD = 2
const NO_METHOD = 0xff
const CONNECT = 1
const IPV4 = 1
const NAME = 3
const IPV6 = 4

const REPLIES = {
  done: 0,
  'not-allowed': 2,
  unreachable: 4,
  'wrong-command': 7,
  'wrong-address': 8,
} as const

/** What a decoder found at the beginning of what has come: something whole, nothing yet, or nothing that can be. */
type Found<Value> = { readonly value: Value; readonly length: number } | 'more' | 'broken'

/** A SOCKS5 client that must tell its password. */
export class Socks5Handshake implements ProxyHandshake {
  readonly #expected: Credentials
  #phase: 'methods' | 'password' | 'request' = 'methods'
  #held: Uint8Array = new Uint8Array(0)

  constructor(expected: Credentials) {
    this.#expected = expected
  }

  push(bytes: Uint8Array): ProxyStep[] {
    this.#held = Buffer.concat([this.#held, bytes])
    const steps: ProxyStep[] = []
    for (;;) {
      const step = this.#next()
      if (step === undefined) return steps
      steps.push(...step)
      if (step.some(({ do: what }) => what !== 'answer')) return steps
    }
  }

  #next(): ProxyStep[] | undefined {
    switch (this.#phase) {
      case 'methods':
        return this.#take(decodeMethods(this.#held), (methods) => {
          if (!methods.includes(PASSWORD_METHOD)) return refusal([VERSION, NO_METHOD], 'it tells no password')
          this.#phase = 'password'
          return [answer([VERSION, PASSWORD_METHOD])]
        })
      case 'password':
        return this.#take(decodePassword(this.#held), ({ user, password }) => {
          if (!isRight(this.#expected, user, password)) return refusal([1, 1], 'its password is wrong')
          this.#phase = 'request'
          return [answer([1, 0])]
        })
      case 'request':
        return this.#take(decodeRequest(this.#held), (request) => {
          if (request.command !== CONNECT) return refusal(reply('wrong-command'), 'it asks for no connection')
          if (request.to === undefined) return refusal(reply('wrong-address'), 'its address is none')
          const step: ProxyStep = {
            do: 'connect',
            to: request.to,
            accepted: Uint8Array.from(reply('done')),
            refused: (why: Refusal) => Uint8Array.from(reply(why)),
            first: this.#held,
          }
          return [step]
        })
    }
  }

  #take<Value>(found: Found<Value>, act: (value: Value) => ProxyStep[]): ProxyStep[] | undefined {
    if (found === 'more') return undefined
    if (found === 'broken') return [{ do: 'close', why: 'it does not speak SOCKS5' }]
    this.#held = this.#held.subarray(found.length)
    return act(found.value)
  }
}

function decodeMethods(bytes: Uint8Array): Found<readonly number[]> {
  if (bytes.length > 0 && bytes[0] !== VERSION) return 'broken'
  const length = 2 + (bytes[1] ?? 0)
  if (bytes.length < 2 || bytes.length < length) return 'more'
  return { value: [...bytes.subarray(2, length)], length }
}

function decodePassword(bytes: Uint8Array): Found<Credentials> {
  if (bytes.length > 0 && bytes[0] !== 1) return 'broken'
  const userEnd = 2 + (bytes[1] ?? 0)
  const length = userEnd + 1 + (bytes[userEnd] ?? 0)
  if (bytes.length < 2 || bytes.length <= userEnd || bytes.length < length) return 'more'
  const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString('utf8')
  return { value: { user: text(2, userEnd), password: text(userEnd + 1, length) }, length }
}

interface Request {
  readonly command: number
  /** Undefined where it is no address. */
  readonly to: Destination | undefined
}

function decodeRequest(bytes: Uint8Array): Found<Request> {
  if (bytes.length > 0 && bytes[0] !== VERSION) return 'broken'
  if (bytes.length < 5) return 'more'
  const type = bytes[3]
  const size = type === IPV4 ? 4 : type === IPV6 ? 16 : type === NAME ? 1 + (bytes[4] ?? 0) : undefined
  const command = bytes[1] ?? 0
  // What comes behind an address of an unknown kind cannot be found.
  if (size === undefined) return { value: { command, to: undefined }, length: bytes.length }
  const length = 4 + size + 2
  if (bytes.length < length) return 'more'
  const host = hostOf(type ?? 0, bytes.subarray(4, 4 + size))
  const port = ((bytes[length - 2] ?? 0) << 8) | (bytes[length - 1] ?? 0)
  return { value: { command, to: host === undefined || port === 0 ? undefined : { host, port } }, length }
}

function hostOf(type: number, bytes: Uint8Array): string | undefined {
  if (type === IPV4) return bytes.join('.')
  if (type === NAME) return parseHost(Buffer.from(bytes.subarray(1)).toString('latin1'))
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  )
  return parseAddress(groups.join(':'))
}

function reply(code: keyof typeof REPLIES): number[] {
  return [VERSION, REPLIES[code], 0, IPV4, 0, 0, 0, 0, 0, 0]
}

function answer(bytes: readonly number[]): ProxyStep {
  return { do: 'answer', bytes: Uint8Array.from(bytes) }
}

function refusal(bytes: readonly number[], why: string): ProxyStep[] {
  return [answer(bytes), { do: 'close', why }]
}
