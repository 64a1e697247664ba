import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { resolveTarget, type Target, type TargetNames } from '#core/tunnel/resolve-target.ts'
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
  datastores: [
    { name: 'postgres', engine: 'postgres', host: 'ws.rds.example', port: 5432, tls: true },
    { name: 'redis-queue', engine: 'redis', host: 'queue.cache.example', port: 6379, tls: false },
    { name: 'redis-sync', engine: 'redis', host: 'sync.cache.example', port: 6379, tls: true },
  ],
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
        monitor: true,
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
        monitor: true,
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
        monitor: true,
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

  it('gives a Redis with TLS the protocol that it answers', () => {
    const store = { name: 'redis', engine: 'redis', host: 'r.example', port: 6379, tls: true } as const
    const target = resolve('redis', { services: {}, monitors: {}, datastores: [store] })
    assert.deepEqual(target.protocol, { kind: 'tls' })
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

  it('says that datastores were not looked for, where one is asked for', () => {
    const { services, monitors } = NAMES
    assert.throws(
      () => resolve('postgres-hermes', { services, monitors }),
      (error) =>
        isPgctlError(error, 'target-unknown') &&
        /not looked for/.test(error.why ?? '') &&
        error.next === 'give its address: pgctl tunnel HOST:5432',
    )
  })
})
