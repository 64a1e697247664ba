import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { knownTargets } from '#core/tunnel/known-targets.ts'
import { targetVariables } from '#core/tunnel/target-variables.ts'
import type { Tunnel } from '#core/tunnel/tunnel.ts'

const NAMES = {
  services: { hermes: { port: 1702 }, grafana: { port: 9999 } },
  monitors: { grafana: { port: 4500 }, prometheus: { port: 9090 } },
  datastores: {
    found: [
      {
        name: 'postgres',
        engine: 'postgres',
        status: 'available',
        encryptedInTransit: undefined,
        endpoints: [{ host: 'db.internal', port: 5432 }],
      },
      { name: 'redis', engine: 'redis', status: 'creating', endpoints: [], encryptedInTransit: true },
    ],
    unreadable: [],
  },
} as const

describe('targets that have a name', { timeout: 10_000 }, () => {
  const names = (contents?: { services: string[]; monitors: string[] }) =>
    knownTargets(NAMES, contents).map(({ name, kind, port, route }) => [name, kind, port, route])

  it('are the cluster, what the product has, and what was found, by the way that leads there', () =>
    assert.deepEqual(names(), [
      ['cluster', 'cluster', undefined, 'direct'],
      ['prometheus', 'monitor', 9090, 'cluster'],
      ['hermes', 'service', 1702, 'cluster'],
      ['postgres', 'datastore', 5432, 'direct'],
    ]))

  it('are only those that the cluster has, where it was asked', () =>
    assert.deepEqual(
      names({ services: ['hermes', 'unlisted'], monitors: [] }).map(([name]) => name),
      ['cluster', 'hermes', 'postgres'],
    ))
})

describe('the variables of a target', { timeout: 10_000 }, () => {
  const ready: Tunnel['ready'] = {
    event: 'ready',
    address: '127.0.0.1',
    port: 20_001,
    url: undefined,
    route: 'direct',
    probe: 'answered',
    detail: '',
    addresses: [],
  }
  it('are named after it, whatever it is called', () => {
    const named = { ...ready, url: `http://grafana.acme.localhost:${ready.port}/d` }
    assert.equal(
      targetVariables('grafana', { ready: named })['TUNNEL_GRAFANA_URL'],
      `http://${ready.address}:${ready.port}/d`,
      'not every program finds names below localhost',
    )
    assert.deepEqual(targetVariables('postgres-hermes', { ready }), {
      TUNNEL_POSTGRES_HERMES_HOST: '127.0.0.1',
      TUNNEL_POSTGRES_HERMES_PORT: '20001',
      TUNNEL_POSTGRES_HERMES_ADDRESS: '127.0.0.1:20001',
    })
    assert.deepEqual(
      Object.keys(targetVariables('[fd00::1]:5432', { ready: { ...ready, url: 'http://[::1]:1' } })),
      [
        'TUNNEL_FD00_1_5432_HOST',
        'TUNNEL_FD00_1_5432_PORT',
        'TUNNEL_FD00_1_5432_ADDRESS',
        'TUNNEL_FD00_1_5432_URL',
      ],
    )
  })
})
