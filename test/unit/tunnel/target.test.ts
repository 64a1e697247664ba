import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import { formatTargetWord, parseTarget, parseTargets, type TargetWord } from '#core/tunnel/target.ts'

const name = (word: string): TargetWord => ({ kind: 'name', name: word })
const service = (label: string, port: number): TargetWord => ({ kind: 'service', service: label, port })
const host = (address: string, port: number, instance?: string): TargetWord => ({
  kind: 'host',
  host: address,
  port,
  instance,
})

describe('parseTarget', { timeout: 10_000 }, () => {
  for (const [word, target, canonical, why] of [
    ['grafana', name('grafana'), 'grafana', 'a name'],
    ['Redis-Queue', name('redis-queue'), 'redis-queue', 'names have no case'],
    ['hermes:1702', service('hermes', 1702), 'hermes:1702', 'a Service is a single label'],
    ['db.internal:5432', host('db.internal', 5432), 'db.internal:5432', 'a dot makes a host'],
    ['DB.internal.:5432', host('db.internal', 5432), 'db.internal:5432', 'one spelling'],
    ['10.0.0.7:80', host('10.0.0.7', 80), '10.0.0.7:80', 'IPv4'],
    ['[FD00::0:7]:80', host('fd00::7', 80), '[fd00::7]:80', 'IPv6'],
    ['localhost:9090', host('localhost', 9090), 'localhost:9090', 'the bastion itself'],
    ['db.:5432', host('db', 5432), 'db.:5432', 'a host of one label keeps its dot, or it would be a Service'],
  ] as const)
    it(`${word}: ${why}`, () => {
      assert.deepEqual(parseTarget(word), target)
      assert.equal(formatTargetWord(target), canonical)
      assert.deepEqual(parseTarget(canonical), target)
    })

  for (const [word, why, next] of [
    ['', /a name is letters/, /give a name/],
    ['no spaces', /a name is letters/, /give a name/],
    ['hermes:', /port is missing/, /give a name/],
    ['hermes:99999', /from 1 to 65535/, /give a name/],
    [':80', /a name is letters/, /give a name/],
    ['http://grafana:4500/d', /a URL/, /leave out the scheme/],
    ['::1:80', /more than one colon/, /in brackets/],
    ['[::1]', /needs a port/, /\[::1\]:PORT/],
    ['[::1]:', /port is missing/, /give a name/],
    ['[::1]x:80', /a name is letters|more than one colon/, /./],
    ['[nonsense]:80', /neither a host name nor an address/, /give a name/],
    ['db.internal', /needs a port/, /db\.internal:PORT/],
    ['10.0.7:80', /neither a host name nor an address/, /give a name/],
    ['hermes.paragon.svc:1702', /cannot resolve the names of a cluster/, /hermes:1702/],
    ['hermes.paragon.svc.cluster.local:1702', /cannot resolve the names of a cluster/, /hermes:1702/],
    ['hermes.paragon.svc', /cannot resolve the names of a cluster/, /hermes:PORT/],
  ] as const)
    it(`refuses ${JSON.stringify(word)}`, () => {
      assert.throws(
        () => parseTarget(word),
        (error) => {
          assert.ok(isPgctlError(error, 'usage'), String(error))
          assert.match(error.message, /is not a target/)
          assert.match(error.why ?? '', why)
          assert.match(error.next ?? '', next)
          return true
        },
      )
    })

  it('keeps control characters out of its errors', () => {
    assert.throws(
      () => parseTarget('\u001b[2Jx'),
      (error) => isPgctlError(error) && !/\p{Cc}/u.test(error.message),
    )
  })

  it('reads its own canonical text as the same target, and throws nothing but usage', () => {
    const word = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc
        .tuple(
          fc.oneof(fc.domain(), fc.ipV4(), fc.constantFrom('hermes', '[::1]', 'x.', 'localhost')),
          fc.integer(),
        )
        .map(([left, port]) => `${left}:${port}`),
    )
    fc.assert(
      fc.property(word, (text) => {
        try {
          const target = parseTarget(text)
          assert.deepEqual(parseTarget(formatTargetWord(target)), target)
        } catch (error) {
          if (!isPgctlError(error, 'usage')) throw error
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('parseTargets', { timeout: 10_000 }, () => {
  it('reads several words in their order', () => {
    assert.deepEqual(parseTargets(['grafana', 'hermes:1702']), [name('grafana'), service('hermes', 1702)])
  })

  it('applies an instance to the addresses after it', () => {
    assert.deepEqual(parseTargets(['i-0a1b2c3d4e5f60718', 'db.internal:5432', '10.0.0.7:80']), [
      host('db.internal', 5432, 'i-0a1b2c3d4e5f60718'),
      host('10.0.0.7', 80, 'i-0a1b2c3d4e5f60718'),
    ])
    assert.deepEqual(parseTargets(['a.b:1', 'MI-0a1b2c3d4e5f60718', 'a.b:1']), [
      host('a.b', 1),
      host('a.b', 1, 'mi-0a1b2c3d4e5f60718'),
    ])
  })

  for (const [words, message] of [
    [['i-0a1b2c3d4e5f60718'], /nothing to reach through i-0a1b2c3d4e5f60718/],
    [['i-0a1b2c3d4e5f60718', 'i-1a1b2c3d4e5f60718', 'a.b:1'], /nothing to reach through i-0a1b/],
    [['i-0a1b2c3d4e5f60718', 'grafana'], /"grafana" is not a target/],
    [['i-0a1b2c3d4e5f60718', 'hermes:1702'], /"hermes:1702" is not a target/],
    [['grafana', 'Grafana'], /grafana is named twice/],
    [['[::1]:80', '[0:0::1]:80'], /\[::1\]:80 is named twice/],
  ] as const)
    it(`refuses ${words.join(' ')}`, () => {
      assert.throws(
        () => parseTargets(words),
        (error) => isPgctlError(error, 'usage') && message.test(error.message),
      )
    })
})
