import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { judgeAnswer, judgeSilence, planProbe, probeFailure } from '#core/tunnel/probe.ts'
import type { Protocol, Target } from '#core/tunnel/resolve-target.ts'
import { seededBytes } from '../../support/random.ts'

const target = (protocol: Protocol, more: object = {}): Target => ({
  kind: 'host',
  name: 'far',
  host: 'far.example',
  port: 4500,
  instance: undefined,
  protocol,
  protocolCertain: true,
  ...more,
})
const HTTP: Protocol = { kind: 'http', path: '/api/health' }
const plan = (far: Target, roundTrip?: number) =>
  planProbe(far, { clusterHost: 'api.example', roundTrip, random: seededBytes(1) })
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const bytes = (latin1: string) => new Uint8Array(Buffer.from(latin1, 'latin1'))

describe('planProbe', { timeout: 10_000 }, () => {
  it('asks an HTTP service for its health, and to close', () => {
    const probe = plan(target(HTTP))
    assert.equal(
      text(probe.request),
      'GET /api/health HTTP/1.1\r\nHost: far.example:4500\r\nUser-Agent: pgctl\r\nAccept: */*\r\nConnection: close\r\n\r\n',
    )
    assert.ok(probe.mustAnswer)
  })

  it('names a Service as its cluster does', () => {
    const service: Target = {
      kind: 'service',
      name: 'grafana',
      service: 'grafana',
      port: 4500,
      protocol: HTTP,
      protocolCertain: true,
    }
    assert.match(text(plan(service).request), /\r\nHost: grafana:4500\r\n/)
  })

  it('sends what Postgres and Redis answer without a login', () => {
    assert.deepEqual([...plan(target({ kind: 'postgres' })).request], [0, 0, 0, 8, 4, 210, 22, 47])
    assert.equal(text(plan(target({ kind: 'redis' })).request), 'PING\r\n')
  })

  it("greets TLS by the name on its certificate: the cluster's own, a host's, and none for an address", () => {
    const api: Target = { kind: 'cluster', name: 'cluster', protocol: { kind: 'tls' }, protocolCertain: true }
    assert.match(text(plan(api).request), /api\.example/)
    assert.match(text(plan(target({ kind: 'tls' })).request), /far\.example/)
    for (const host of ['10.0.0.7', 'fd00::7'])
      assert.ok(!text(plan(target({ kind: 'tls' }, { host })).request).includes(host))
  })

  it('sends nothing to who knows what, and waits a second or three round trips', () => {
    assert.equal(plan(target({ kind: 'unknown' })).request.length, 0)
    assert.equal(plan(target({ kind: 'unknown' })).patience, 1_000)
    assert.equal(plan(target({ kind: 'unknown' }), 100).patience, 1_000)
    assert.equal(plan(target({ kind: 'unknown' }), 700).patience, 2_100)
  })

  it('obliges only those to answer whose protocol is certain', () => {
    assert.equal(plan(target(HTTP, { protocolCertain: false })).mustAnswer, false)
    assert.equal(plan(target({ kind: 'postgres' })).mustAnswer, true)
    assert.equal(plan(target({ kind: 'redis' })).mustAnswer, false)
    assert.equal(plan(target({ kind: 'unknown' })).mustAnswer, false)
  })
})

describe('judgeAnswer', { timeout: 10_000 }, () => {
  const more = undefined
  for (const [kind, received, ended, result, concern, why] of [
    ['http', 'HTTP/1.1 200 OK\r\n', false, 'answered', false, 'a success'],
    ['http', 'HTTP/1.0 302 Found', false, 'answered', false, 'a redirect to a login'],
    ['http', 'HTTP/1.1 401 \r\n', false, 'answered', false, 'it wants a login'],
    ['http', 'HTTP/1.1 503 Ser', false, 'answered', true, 'it is there, and not well'],
    ['http', 'HTTP/1.1 2', false, more, false, 'half a status'],
    ['http', 'H', false, more, false, 'one byte'],
    ['http', 'H', true, 'answered', true, 'one byte and no more'],
    ['http', 'HTTP/2.0 200 ', false, 'answered', true, 'not a version we asked for'],
    ['http', 'SSH-2.0-x', false, 'answered', true, 'another protocol'],
    ['http', '', false, more, false, 'nothing yet'],
    ['http', '', true, 'refused', false, 'closed without a byte'],
    ['postgres', 'S', false, 'answered', false, 'with TLS'],
    ['postgres', 'N', false, 'answered', false, 'without'],
    ['postgres', 'E\0\0', false, 'answered', true, 'an error'],
    ['postgres', 'H', false, 'answered', true, 'another protocol'],
    ['postgres', '', true, 'refused', false, 'closed without a byte'],
    ['redis', '+PONG\r\n', false, 'answered', false, 'open'],
    ['redis', '-NOAUTH ', false, 'answered', false, 'it wants a password'],
    ['redis', '\x15\x03', false, 'answered', true, 'another protocol'],
    ['redis', '', true, 'unanswered', false, 'one with TLS hangs up'],
    ['tls', '\x16\x03\x03', false, 'answered', false, 'a ServerHello'],
    ['tls', '\x15\x03\x03', false, 'answered', false, 'an alert'],
    ['tls', 'HTTP/1.1 400', false, 'answered', true, 'plain HTTP'],
    ['tls', '', true, 'refused', false, 'closed without a byte'],
    ['unknown', '5.7.1', false, 'answered', false, 'it speaks first'],
    ['unknown', '', false, more, false, 'silence'],
    ['unknown', '', true, 'refused', false, 'closed without a byte'],
  ] as const)
    it(`${kind}: ${why}`, () => {
      const protocol: Protocol = kind === 'http' ? HTTP : { kind }
      const judged = judgeAnswer(plan(target(protocol)), bytes(received), ended)
      assert.equal(judged?.result, result)
      if (judged?.result === 'answered') assert.equal(judged.concern !== undefined, concern)
      if (judged !== undefined) assert.notEqual(judged.detail, '')
    })

  it('repeats nothing that the far end wrote but the number of its status', () => {
    const probes = [
      HTTP,
      ...(['postgres', 'redis', 'tls', 'unknown'] as const).map((kind) => ({ kind })),
    ].map((p) => plan(target(p)))
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.boolean(),
        fc.constantFrom(...probes),
        (received, ended, probe) => {
          const judged = judgeAnswer(probe, received, ended)
          if (ended) assert.ok(judged)
          const { detail, concern = '' } = { concern: '', ...judged, detail: judged?.detail ?? '' }
          assert.match(`${detail}${concern}`, /^[\x20-\x7e]*$/)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('probeFailure', { timeout: 10_000 }, () => {
  const refused = { result: 'refused', detail: 'why' } as const
  const far = target(HTTP)

  it('is none for an answer', () => {
    assert.equal(probeFailure(far, plan(far), { result: 'answered', detail: '' }), undefined)
  })

  it('is far-end-refused for a refusal', () => {
    const failure = probeFailure(far, plan(far), refused)
    assert.equal(failure?.code, 'far-end-refused')
    assert.equal(failure?.why, 'why')
  })

  it('is timed-out for the silence of one that must answer, and none for that of another', () => {
    const silence = judgeSilence(plan(far))
    assert.equal(silence.detail, 'no answer to GET /api/health within 10 s')
    assert.equal(probeFailure(far, plan(far), silence)?.code, 'timed-out')
    const guess = target(HTTP, { protocolCertain: false })
    assert.equal(probeFailure(guess, plan(guess), silence), undefined)
  })
})
