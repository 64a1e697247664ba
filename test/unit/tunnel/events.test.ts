import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toJson } from '#cli/render/json.ts'
import { PgctlError } from '#core/errors.ts'
import type { DialerEvent } from '#core/tunnel/dialer.ts'
import { EventChannel } from '#core/tunnel/event-source.ts'
import { causeOf } from '#core/tunnel/events.ts'
import { describeBinding, describeDialerEvent, describeEnd, describeReady } from '#core/tunnel/happenings.ts'
import type { Target } from '#core/tunnel/resolve-target.ts'

const NOON = Date.UTC(2026, 10, 23, 12)
const NOW = { mono: 5, wall: NOON }
const GRAFANA: Target = {
  kind: 'service',
  name: 'grafana',
  service: 'grafana',
  port: 4500,
  protocol: { kind: 'http', path: '/api/health' },
  protocolCertain: true,
}
const LISTENER = { address: '127.0.0.1', port: 24_817, addresses: ['127.0.0.1', '::1'] }
const ANSWERED = { result: 'answered', detail: 'GET /api/health: 200' } as const

describe('the ready event', { timeout: 10_000 }, () => {
  it('starts with the fields that are promised, in their order', () => {
    const { event, ...rest } = describeReady(GRAFANA, 'cluster', LISTENER, ANSWERED)
    const line = toJson({ event, target: 'grafana', ...rest })
    assert.ok(
      line.startsWith(
        '{"event":"ready","target":"grafana","address":"127.0.0.1","port":24817,"url":"http://127.0.0.1:24817","route":"cluster","probe":"answered",',
      ),
      line,
    )
  })

  for (const [why, target, address, url] of [
    ['an IPv6 address in brackets', GRAFANA, '::1', 'http://[::1]:24817'],
    ['all addresses are none to visit', GRAFANA, '0.0.0.0', 'http://127.0.0.1:24817'],
    ['all addresses are none to visit', GRAFANA, '::', 'http://127.0.0.1:24817'],
    [
      'the API of a cluster',
      { kind: 'cluster', name: 'cluster', protocol: { kind: 'tls' }, protocolCertain: true },
      '127.0.0.1',
      'https://127.0.0.1:24817',
    ],
    ['a protocol that is guessed', { ...GRAFANA, protocolCertain: false }, '127.0.0.1', undefined],
    ['a protocol without URLs', { ...GRAFANA, protocol: { kind: 'postgres' } }, '127.0.0.1', undefined],
  ] as const)
    it(`url: ${why}`, () => {
      assert.equal(describeReady(target, 'direct', { ...LISTENER, address }, ANSWERED).url, url)
    })

  it('says where nothing came back', () => {
    const silence = { result: 'unanswered', detail: 'no answer' } as const
    assert.equal(describeReady(GRAFANA, 'direct', LISTENER, silence).probe, 'unanswered')
  })
})

describe('describeBinding', { timeout: 10_000 }, () => {
  const both = { port: 20_001, addresses: ['127.0.0.1', '::1'], missing: undefined }
  const home = { kind: 'preferred', home: 20_001, candidates: [] } as const
  for (const [why, bound, plan, abouts] of [
    ['both loopbacks, at home', both, home, []],
    ['any port has no home', both, { kind: 'any' }, []],
    ['elsewhere', both, { ...home, home: 20_000 }, ['port-moved']],
    ['one loopback', { ...both, addresses: ['127.0.0.1'], missing: '::1' }, home, ['no-ipv6']],
    ['one of the other loopbacks', { ...both, addresses: ['127.8.9.10'] }, home, []],
    ['an address that others reach', { ...both, addresses: ['10.0.0.7'] }, home, ['bind-not-loopback']],
    ['all addresses', { ...both, addresses: ['0.0.0.0'] }, home, ['bind-not-loopback']],
    ['all addresses', { ...both, addresses: ['::'] }, home, ['bind-not-loopback']],
  ] as const)
    it(why, () => {
      const happenings = describeBinding(bound, plan)
      assert.deepEqual(
        happenings.map((happening) => 'about' in happening && happening.about),
        abouts,
      )
    })
})

describe('describeDialerEvent', { timeout: 10_000 }, () => {
  const session = { event: 'session', sessionId: 's-1', instance: 'i-1' } as const
  const error = new PgctlError('session-lost', 'cut', { why: 'a reset' })
  for (const [event, expected] of [
    [
      { ...session, limits: { idle: 1_200_000, maximum: 3_600_000 } },
      { ...session, endsAt: '2026-11-23T13:00:00.000Z', idleLimitMs: 1_200_000 },
    ],
    [
      { ...session, limits: { idle: 1_200_000, maximum: undefined } },
      { ...session, endsAt: undefined, idleLimitMs: 1_200_000 },
    ],
    [
      { ...session, limits: undefined },
      { ...session, endsAt: undefined, idleLimitMs: undefined },
    ],
    [
      { event: 'reconnecting', error },
      { event: 'reconnecting', cause: causeOf(error) },
    ],
    [
      { event: 'resumed', downFor: 32.149812999999995 },
      { event: 'resumed', downForMs: 32 },
    ],
    [
      { event: 'degraded', message: 'slow' },
      { event: 'degraded', message: 'slow' },
    ],
    [
      { event: 'notice', message: 'quick again' },
      { event: 'notice', about: 'route', message: 'quick again' },
    ],
  ] satisfies ReadonlyArray<[Exclude<DialerEvent, { event: 'ended' }>, object]>)
    it(`${event.event} ${'limits' in event ? JSON.stringify(event.limits) : ''}`, () =>
      assert.deepEqual(describeDialerEvent(event, NOW), expected))
})

it('describeEnd says what ends it, when, and how to prevent that', () => {
  assert.deepEqual(describeEnd({ because: 'maximum', remaining: 300_000, at: NOON }), {
    event: 'warning',
    about: 'session-ends-soon',
    message: "the account's policy ends this session in 5 min: its maximum length",
    at: '2026-11-23T12:00:00.000Z',
  })
  assert.match(
    describeEnd({ because: 'idle', remaining: 20_000, at: NOON }).message,
    /1 min: its limit of idle time, unless/,
  )
})

describe('causeOf', { timeout: 10_000 }, () => {
  it('carries what a person is told, and neither stack nor cause', () => {
    const error = new PgctlError('far-end-refused', 'm', {
      why: 'w',
      next: 'n',
      requestId: 'r',
      cause: new Error('inner'),
    })
    assert.deepEqual(causeOf(error), {
      code: 'far-end-refused',
      message: 'm',
      why: 'w',
      next: 'n',
      requestId: 'r',
    })
  })

  it('gives of a bug only its text', () => {
    assert.deepEqual(causeOf(Object.assign(new TypeError('oops'), { secret: 's' })), {
      code: 'internal',
      message: 'oops',
    })
  })
})

describe('EventChannel', { timeout: 10_000 }, () => {
  it('keeps what was said before the first listener came, for that one', () => {
    const channel = new EventChannel<number>()
    const [first, second]: [number[], number[]] = [[], []]
    channel.emit(1)
    channel.emit(2)
    channel.subscribe((event) => first.push(event))
    channel.subscribe((event) => second.push(event))
    channel.emit(3)
    assert.deepEqual([first, second], [[1, 2, 3], [3]])
  })

  it('stops at once when it is told so, twice too', () => {
    const channel = new EventChannel<number>()
    const seen: number[] = []
    const stop = channel.subscribe((event) => {
      seen.push(event)
      stop()
    })
    channel.emit(1)
    channel.emit(2)
    stop()
    assert.deepEqual(seen, [1])
  })
})
