import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { proxyEnvironment, proxyUrls } from '#core/tunnel/proxy/environment.ts'
import type { ProxyHandshake, ProxyStep } from '#core/tunnel/proxy/handshake.ts'
import { HttpHandshake } from '#core/tunnel/proxy/http-connect.ts'
import { judgeDestination, type ProxyScope, parseAddresses } from '#core/tunnel/proxy/scope.ts'
import { Socks5Handshake } from '#core/tunnel/proxy/socks5.ts'
import { boxed } from '../../support/boxed.ts'

const RIGHT = { user: 'pgctl', password: 'a:b ü' }

/** All that a handshake does with these bytes, cut into pieces of this size, up to where it is over. */
function talk(
  handshake: ProxyHandshake,
  bytes: Uint8Array,
  size: number,
): { steps: ProxyStep[]; rest: Buffer } {
  const steps: ProxyStep[] = []
  for (let at = 0; at < bytes.length; at += size) {
    steps.push(...handshake.push(bytes.subarray(at, at + size)))
    const last = steps.at(-1)
    if (last !== undefined && last.do !== 'answer')
      return { steps, rest: Buffer.from(bytes.subarray(at + size)) }
  }
  return { steps, rest: Buffer.alloc(0) }
}

const said = (steps: readonly ProxyStep[]) =>
  Buffer.concat(steps.flatMap((step) => (step.do === 'answer' ? [step.bytes] : [])))

/** What a handshake comes to in the end, whatever its size of pieces. */
function outcome({ steps, rest }: ReturnType<typeof talk>): unknown {
  const last = steps.at(-1)
  if (last?.do === 'connect')
    return {
      to: last.to,
      first: Buffer.concat([last.first, rest]).toString('latin1'),
      said: said(steps).toString('hex'),
    }
  return { end: last?.do, said: said(steps).toString('hex') }
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.of(bytes.length), bytes])
}

interface Wish {
  readonly methods?: readonly number[]
  readonly user?: string
  readonly password?: string
  readonly command?: number
  readonly address?: Buffer
  readonly port?: number
  readonly after?: string
}

const named = (host: string) => Buffer.concat([Buffer.of(3), counted(host)])

function socks({
  methods = [0, 2],
  user,
  password,
  command = 1,
  address,
  port = 443,
  after = '',
}: Wish): Buffer {
  return Buffer.concat([
    Buffer.of(5, methods.length, ...methods),
    Buffer.of(1),
    counted(user ?? RIGHT.user),
    counted(password ?? RIGHT.password),
    Buffer.of(5, command, 0),
    address ?? named('grafana'),
    Buffer.of(port >> 8, port & 0xff),
    Buffer.from(after),
  ])
}

const throughSocks = (wish: Wish, size = 1_000) =>
  outcome(talk(new Socks5Handshake(RIGHT), socks(wish), size))

describe('a SOCKS5 client', () => {
  it('is connected where it wants to go, however its bytes are cut', () =>
    fc.assert(
      fc.property(
        fc.domain(),
        fc.integer({ min: 1, max: 65_535 }),
        fc.string({ unit: 'binary-ascii' }),
        fc.integer({ min: 1, max: 60 }),
        (host, port, after, size) => {
          const expected = { to: { host: host.toLowerCase(), port }, first: after, said: '05020100' }
          assert.deepEqual(throughSocks({ address: named(host), port, after }, size), expected)
        },
      ),
      boxed(300, 3_000),
    ))

  it('may name an address of either family', () => {
    const v4 = throughSocks({ address: Buffer.of(1, 10, 0, 3, 4) }) as { to: unknown }
    assert.deepEqual(v4.to, { host: '10.0.3.4', port: 443 })
    const v6 = throughSocks({ address: Buffer.from(`04${'20010db8'.padEnd(31, '0')}1`, 'hex') }) as {
      to: unknown
    }
    assert.deepEqual(v6.to, { host: '2001:db8::1', port: 443 })
  })

  const REFUSED: readonly (readonly [string, Wish, string])[] = [
    ['offers no password', { methods: [0] }, '05ff'],
    ['tells a wrong password', { password: 'a:b' }, '05020101'],
    ['tells a wrong user', { user: 'root' }, '05020101'],
    ['tells an empty password', { password: '' }, '05020101'],
    ['wants to listen', { command: 2 }, '0502010005070001000000000000'],
    ['wants UDP', { command: 3 }, '0502010005070001000000000000'],
    ['names no host', { address: named('a b') }, '0502010005080001000000000000'],
    ['names a port that is none', { port: 0 }, '0502010005080001000000000000'],
    [
      'has an address of an unknown kind',
      { address: Buffer.of(9, 1, 2, 3, 4) },
      '0502010005080001000000000000',
    ],
  ]
  for (const [what, wish, answer] of REFUSED)
    it(`that ${what} is told so, and closed`, () =>
      assert.deepEqual(throughSocks(wish), { end: 'close', said: answer }))

  it('is told why it does not get there', () => {
    const { steps } = talk(new Socks5Handshake(RIGHT), socks({}), 1_000)
    const last = steps.at(-1)
    assert.ok(last?.do === 'connect')
    assert.equal(last.refused('not-allowed')[1], 2)
    assert.equal(last.refused('unreachable')[1], 4)
    assert.equal(last.accepted[1], 0)
  })
})

const basic = (user: string, password: string) =>
  `Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n`
const AUTHORIZED = basic(RIGHT.user, RIGHT.password)
const throughHttp = (text: string, size = 10_000) =>
  outcome(talk(new HttpHandshake(RIGHT), Buffer.from(text, 'latin1'), size))
const statusOf = (result: unknown) =>
  /^HTTP\/1\.1 (\d+)/.exec(Buffer.from((result as { said: string }).said, 'hex').toString())?.[1]

describe('an HTTP client', () => {
  it('is connected by CONNECT, however its bytes are cut', () =>
    fc.assert(
      fc.property(
        fc.domain(),
        fc.integer({ min: 1, max: 65_535 }),
        fc.string({ unit: 'binary-ascii' }),
        fc.integer({ min: 1, max: 300 }),
        (host, port, after, size) => {
          const text = `CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n${AUTHORIZED}\r\n${after}`
          const expected = { to: { host: host.toLowerCase(), port }, first: after, said: '' }
          assert.deepEqual(throughHttp(text, size), expected)
        },
      ),
      boxed(300, 3_000),
    ))

  it('reaches a plain page too, and its password goes no further', () => {
    const text = `GET http://grafana:4500/a?b=c HTTP/1.1\r\nHost: grafana:4500\r\n${AUTHORIZED}Connection: keep-alive\r\nX: y\r\n\r\nrest`
    assert.deepEqual(throughHttp(text), {
      to: { host: 'grafana', port: 4500 },
      first: 'GET /a?b=c HTTP/1.1\r\nHost: grafana:4500\r\nX: y\r\nConnection: close\r\n\r\nrest',
      said: '',
    })
  })

  const REFUSED = [
    ['without a password', 'CONNECT a:1 HTTP/1.1\r\n\r\n', '407'],
    ['with a wrong one', `CONNECT a:1 HTTP/1.1\r\n${basic('pgctl', 'x')}\r\n`, '407'],
    ['with another scheme', 'CONNECT a:1 HTTP/1.1\r\nProxy-Authorization: Bearer x\r\n\r\n', '407'],
    ['without a port', `CONNECT a HTTP/1.1\r\n${AUTHORIZED}\r\n`, '400'],
    ['for itself', `GET / HTTP/1.1\r\n${AUTHORIZED}\r\n`, '400'],
    ['for https without CONNECT', `GET https://a/ HTTP/1.1\r\n${AUTHORIZED}\r\n`, '400'],
    ['with a user in the address', `CONNECT u@a:1 HTTP/1.1\r\n${AUTHORIZED}\r\n`, '400'],
    ['with a folded field', `CONNECT a:1 HTTP/1.1\r\n${AUTHORIZED} x\r\n\r\n`, '400'],
    ['that is no request', 'hello\r\n\r\n', '400'],
    ['without an end', 'x'.repeat(40_000), '431'],
  ] as const
  for (const [what, text, status] of REFUSED)
    it(`${what} is refused with ${status}`, () => assert.equal(statusOf(throughHttp(text)), status))

  it('never makes either parser throw', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 50 }), (bytes, size) => {
        talk(new HttpHandshake(RIGHT), bytes, size)
        talk(new Socks5Handshake(RIGHT), bytes, size)
      }),
      boxed(500, 3_000),
    ))
})

describe('where a proxy leads', () => {
  const scope: ProxyScope = {
    endpoints: [{ host: 'Db.abc.rds.amazonaws.com', port: 5432 }],
    namespace: 'paragon',
    any: false,
  }
  const verdict = (host: string, port: number, any = false) => {
    const { allowed, ...rest } = judgeDestination({ host, port }, { ...scope, any })
    return allowed === true && 'word' in rest ? rest.word.kind : allowed
  }
  const ROWS = [
    ['grafana', 4500, 'service', 'a Service of the cluster'],
    ['hermes.paragon.svc.cluster.local', 1702, 'service', 'its full name'],
    ['hermes.paragon.svc', 1702, 'service', 'its shorter name'],
    ['hermes.kube-system.svc', 1702, false, 'a Service of another namespace'],
    ['db.abc.rds.amazonaws.com', 5432, 'host', 'a datastore, in whatever letters'],
    ['db.abc.rds.amazonaws.com', 22, false, 'another port of it'],
    ['10.0.3.4', 5432, 'if-endpoint', 'an address that may be its own'],
    ['10.0.3.4', 80, false, 'an address on a port of no datastore'],
    ['example.com', 443, false, 'a host of somebody else'],
    ['localhost', 22, false, 'the bastion itself'],
    ['127.0.0.1', 5432, false, 'the bastion itself'],
  ] as const
  for (const [host, port, want, reason] of ROWS)
    it(`${host}:${port} is ${want}: ${reason}`, () => assert.equal(verdict(host, port), want))

  it('is anywhere with --any', () => {
    for (const [host, port] of [
      ['example.com', 443],
      ['10.0.3.4', 80],
      ['127.0.0.1', 22],
    ] as const)
      assert.equal(verdict(host, port, true), 'host')
  })

  it('the addresses of names are as getent tells them', () =>
    assert.deepEqual(
      parseAddresses('10.0.1.5        STREAM db\n10.0.1.5        DGRAM\nfd00::1 STREAM x\n\nnonsense\n'),
      ['10.0.1.5', 'fd00::1'],
    ))

  it('is told by variables that hold the password, with names left to the far side', () => {
    const urls = proxyUrls('::1', 20_001, { user: 'pgctl', password: 'p' })
    assert.equal(urls.socks, 'socks5h://pgctl:p@[::1]:20001')
    const variables = proxyEnvironment(urls)
    assert.equal(variables['http_proxy'], 'http://pgctl:p@[::1]:20001')
    assert.equal(variables['NO_PROXY'], '')
  })
})
