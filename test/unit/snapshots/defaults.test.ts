import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultPolicy } from '#core/snapshots/defaults.ts'
import { firstWall, forecast } from '#core/snapshots/forecast.ts'
import { parsePolicy, setOf } from '#core/snapshots/policy.ts'
import { sourceOf, WORKSPACE } from '../../support/snapshot-scene.ts'

const ON_PREMISE = [sourceOf('rds-instance', 'main', { id: WORKSPACE }), sourceOf('cache-cluster', 'redis')]
const MULTI_TENANT = [
  ...['cerberus', 'eventlogs', 'hermes', 'triggerkit', 'zeus', 'managed-sync'].map((name) =>
    sourceOf('rds-instance', name),
  ),
  ...['redis-queue', 'redis-system'].map((name) => sourceOf('cache-cluster', name)),
  ...['redis-cache', 'redis-sync'].map((name) => sourceOf('cache-group', name)),
]

const databases = (count: number) =>
  Array.from({ length: count }, (_, index) => sourceOf('rds-instance', `tenant-${index}`))

describe('defaultPolicy', () => {
  for (const [name, sources, set] of [
    ['on premise', ON_PREMISE, 'nightly'],
    ['multi-tenant', MULTI_TENANT, 'twice-daily'],
    ['seven databases', databases(7), 'twice-daily'],
    ['eight databases', databases(8), 'nightly'],
    ['fourteen databases', databases(14), 'nightly'],
    ['fifteen databases', databases(15), 'nightly'],
    ['thirty-three databases', databases(33), 'nightly'],
  ] as const)
    it(`${name}: it names every datastore, and fits the quotas for three years`, () => {
      const policy = parsePolicy(defaultPolicy(sources), 'default')
      for (const source of sources) assert.equal(setOf(policy, source, WORKSPACE), set)
      const input = {
        workspace: WORKSPACE,
        policy,
        sources,
        snapshots: [],
        records: new Map(),
        quotas: [],
        previous: [],
      }
      const ahead = forecast(input, Date.parse('2026-11-25T00:00Z'), 3 * 365)
      assert.equal(firstWall(ahead), undefined)
      assert.ok(ahead.quotas.length > 0)
    })
})
