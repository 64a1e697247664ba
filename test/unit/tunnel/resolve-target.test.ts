import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import {
  enginesFor,
  type NamedDatastore,
  resolveTarget,
  type Target,
  type TargetNames,
} from '#core/tunnel/resolve-target.ts'
import { parseTarget } from '#core/tunnel/target.ts'

const NAMES: TargetNames = {
  services: {
    hermes: { port: 1702, health: '/healthz' },
    'worker-crons': { port: 1714, health: '/healthz' },
    'redis-sync': { port: 8080 },
    twice: { port: 1 },
    same: { port: 7 },
  },
  monitors: {
    grafana: { port: 4500, health: '/api/health' },
    pgadmin: { port: 5050 },
    twice: { port: 2 },
    same: { port: 7 },
  },
  datastores: {
    found: [
      store('postgres', 'postgres', 'ws.rds.example', 5432),
      store('redis-queue', 'redis', 'queue.cache.example', 6379, false),
      store('redis-sync', 'redis', 'sync.cache.example', 6379, true),
      { ...store('kafka', 'kafka', '', 0), status: 'creating', endpoints: [] },
    ],
    unreadable: [],
  },
}

function store(
  name: string,
  engine: NamedDatastore['engine'],
  host: string,
  port: number,
  encryptedInTransit?: boolean,
): NamedDatastore {
  return { name, engine, status: 'available', endpoints: [{ host, port }], encryptedInTransit }
}

const resolve = (word: string, names = NAMES) => resolveTarget(parseTarget(word), names)

describe('resolveTarget', { timeout: 10_000 }, () => {
  for (const [word, target, why] of [
    [
      'cluster',
      { kind: 'cluster', name: 'cluster', protocol: { kind: 'tls' }, protocolCertain: true },
      "the cluster's API",
    ],
    [
      'grafana',
      {
        kind: 'service',
        name: 'grafana',
        service: 'grafana',
        port: 4500,
        protocol: { kind: 'http', path: '/api/health' },
        protocolCertain: true,
        monitors: ['grafana', 'pgadmin', 'twice', 'same'],
      },
      'a monitor by its name',
    ],
    [
      'pgadmin',
      {
        kind: 'service',
        name: 'pgadmin',
        service: 'pgadmin',
        port: 5050,
        protocol: { kind: 'http', path: '/' },
        protocolCertain: true,
        monitors: ['grafana', 'pgadmin', 'twice', 'same'],
      },
      'what lists no health path is asked for its root',
    ],
    [
      'hermes:1702',
      {
        kind: 'service',
        name: 'hermes',
        service: 'hermes',
        port: 1702,
        protocol: { kind: 'http', path: '/healthz' },
        protocolCertain: true,
      },
      'the listed port is the name itself, so that both words share a local port',
    ],
    [
      'hermes:9229',
      {
        kind: 'service',
        name: 'hermes:9229',
        service: 'hermes',
        port: 9229,
        protocol: { kind: 'unknown' },
        protocolCertain: false,
      },
      'another port of a listed Service speaks who knows what',
    ],
    [
      'other:80',
      {
        kind: 'service',
        name: 'other:80',
        service: 'other',
        port: 80,
        protocol: { kind: 'http', path: '/' },
        protocolCertain: false,
      },
      'a Service need not be listed',
    ],
    [
      'postgres',
      {
        kind: 'host',
        name: 'postgres',
        host: 'ws.rds.example',
        port: 5432,
        instance: undefined,
        protocol: { kind: 'postgres' },
        protocolCertain: true,
      },
      'a datastore',
    ],
    [
      'redis-queue',
      {
        kind: 'host',
        name: 'redis-queue',
        host: 'queue.cache.example',
        port: 6379,
        instance: undefined,
        protocol: { kind: 'redis' },
        protocolCertain: true,
      },
      'a datastore of several',
    ],
    [
      'same',
      {
        kind: 'service',
        name: 'same',
        service: 'same',
        port: 7,
        protocol: { kind: 'http', path: '/' },
        protocolCertain: true,
        monitors: ['grafana', 'pgadmin', 'twice', 'same'],
      },
      'listed twice alike is one',
    ],
  ] satisfies ReadonlyArray<[string, Target, string]>)
    it(`${word}: ${why}`, () => assert.deepEqual(resolve(word), target))

  for (const [port, kind] of [
    [80, 'http'],
    [443, 'tls'],
    [6443, 'tls'],
    [5432, 'postgres'],
    [6379, 'redis'],
    [8080, 'unknown'],
  ] as const)
    it(`guesses ${kind} from port ${port} of an address, and says that it is a guess`, () => {
      const target = resolve(`db.internal:${port}`)
      assert.equal(target.protocol.kind, kind)
      assert.equal(target.protocolCertain, false)
    })

  for (const [engine, encrypted, kind, why] of [
    ['postgres', undefined, 'postgres', 'Postgres negotiates TLS in words of its own'],
    ['redis', true, 'tls', 'a Redis behind TLS answers TLS alone'],
    ['redis', false, 'redis', 'one without it answers in its own words'],
    ['kafka', true, 'tls', 'a broker behind TLS'],
    ['kafka', false, 'unknown', 'a broker without it says nothing first'],
  ] as const)
    it(`probes ${engine} for ${kind}: ${why}`, () => {
      const datastores = { found: [store(engine, engine, 'd.example', 1, encrypted)], unreadable: [] }
      assert.deepEqual(resolve(engine, { services: {}, monitors: {}, datastores }).protocol, { kind })
    })

  it('takes the first of several endpoints', () => {
    const endpoints = [
      { host: 'b-1.example', port: 9094 },
      { host: 'b-2.example', port: 9094 },
    ]
    const found = [{ ...store('kafka', 'kafka', '', 0, true), endpoints }]
    const target = resolve('kafka', { services: {}, monitors: {}, datastores: { found, unreadable: [] } })
    assert.ok(target.kind === 'host')
    assert.deepEqual([target.host, target.port], ['b-1.example', 9094])
  })

  for (const [word, code, message, why, next] of [
    [
      'grafna',
      'target-unknown',
      /nothing here is called grafna/,
      /^it is neither/,
      /^did you mean grafana\? otherwise give/,
    ],
    ['crons', 'target-unknown', /crons/, /^it is neither/, /worker-crons/],
    ['zzzzzz', 'target-unknown', /zzzzzz/, /^it is neither/, /^give a Service with its port/],
    ['redis', 'ambiguous-name', /several redis/, /redis-queue, redis-sync/, /pgctl tunnel redis-queue/],
    [
      'redis-sync',
      'ambiguous-name',
      /several things/,
      /redis-sync:8080, sync\.cache\.example:6379/,
      /redis-sync:8080/,
    ],
    ['twice', 'ambiguous-name', /several things/, /twice:1, twice:2/, /pgctl tunnel twice:1/],
    ['constructor', 'target-unknown', /constructor/, /^it is neither/, /give/],
  ] as const)
    it(`${word} → ${code}`, () => {
      assert.throws(
        () => resolve(word),
        (error) => {
          assert.ok(isPgctlError(error, code), String(error))
          assert.match(error.message, message)
          assert.match(error.why ?? '', why)
          assert.match(error.next ?? '', next)
          return true
        },
      )
    })

  it('finds the nearest among datastores, and lists them', () => {
    const error = failureOf('redis-quue')
    assert.ok(isPgctlError(error, 'target-unknown'))
    assert.match(error.next ?? '', /^did you mean redis-queue\?/)
    assert.match(error.why ?? '', /the datastores are postgres, redis-queue, redis-sync, kafka$/)
  })

  it('says of a datastore without an address how it is', () => {
    const error = failureOf('kafka')
    assert.ok(isPgctlError(error, 'far-end-refused'))
    assert.equal(error.why, 'it is creating')
  })

  const denied = new PgctlError('permission-denied', 'not allowed: rds:DescribeDBInstances')
  const unreadable = [{ part: 'postgres', action: 'rds:DescribeDBInstances', error: denied }] as const

  it('gives the refusal for a datastore whose engine could not be looked for', () => {
    const names = { ...NAMES, datastores: { found: [], unreadable } }
    assert.equal(failureOf('postgres-hermes', names), denied)
  })

  it('names what else could not be looked for, for a name that is none', () => {
    const names = { ...NAMES, datastores: { found: [], unreadable } }
    assert.match(
      failureOf('zzzz', names).why ?? '',
      /could not be looked for, which needs rds:DescribeDBInstances/,
    )
  })
})

describe('enginesFor', { timeout: 10_000 }, () => {
  for (const [word, engines, why] of [
    ['cluster', [], 'not a datastore'],
    ['grafana', [], 'a monitor'],
    ['redis-sync', [], 'a Service of that name, whatever it begins with'],
    ['db.internal:5432', [], 'an address'],
    ['hermes:1702', [], 'a Service with its port'],
    ['postgres', ['postgres'], 'an engine'],
    ['postgres-hermes', ['postgres'], 'one of an engine'],
    ['kafka', ['kafka'], 'an engine'],
    ['grafna', [], 'nearly a monitor: nobody is asked about a slip'],
    ['orders', ['postgres', 'redis', 'kafka'], 'who knows what'],
  ] as const)
    it(`${word}: ${why}`, () => assert.deepEqual(enginesFor(parseTarget(word), NAMES), engines))
})

function failureOf(word: string, names = NAMES): PgctlError {
  try {
    resolve(word, names)
  } catch (error) {
    return error as PgctlError
  }
  throw new Error(`${word} is a target`)
}
