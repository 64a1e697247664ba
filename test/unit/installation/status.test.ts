import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { FindingCode } from '#core/installation/findings.ts'
import type { Inventory, InventoryPart, Unreadable } from '#core/installation/inventory.ts'
import { assess } from '#core/installation/status.ts'
import { bastion, CLUSTER, inventory, LOST, NOW, ONLINE, TRAIL, thrownBy } from './support.ts'

const QUERY = {
  wanted: 'paragon-acme-5d1f0c2e-bastion',
  clusterName: CLUSTER.name,
  trailName: TRAIL.name,
  now: NOW,
}

function refused(part: InventoryPart, action: string): Unreadable {
  return {
    part,
    action,
    error: new PgctlError('permission-denied', `not allowed: ${action}`, { why: 'no policy' }),
  }
}

const NO_INSTANCES = refused('instances', 'ec2:DescribeInstances')
const NO_AGENTS = refused('agents', 'ssm:DescribeInstanceInformation')
const NO_CLUSTER = refused('cluster', 'eks:DescribeCluster')

function agent(version: string | undefined) {
  return bastion({ agent: { ...ONLINE, version } as typeof ONLINE })
}

describe('the verdict on an installation', () => {
  const rows: { reason: string; seen: Partial<Inventory>; healthy: boolean; codes: FindingCode[] }[] = [
    { reason: 'everything is as it should be', seen: {}, healthy: true, codes: [] },
    { reason: 'there is no bastion', seen: { bastions: [] }, healthy: false, codes: ['bastion-missing'] },
    {
      reason: 'the bastion is stopped',
      seen: { bastions: [bastion({ state: 'stopped' })] },
      healthy: false,
      codes: ['bastion-stopped'],
    },
    {
      reason: 'the agent is offline',
      seen: { bastions: [bastion({ agent: LOST })] },
      healthy: false,
      codes: ['agent-offline'],
    },
    {
      reason: 'the agent is the last vulnerable one',
      seen: { bastions: [agent('3.3.4850.9')] },
      healthy: false,
      codes: ['agent-vulnerable'],
    },
    {
      reason: 'the agent is an old one whose numbers sort after as text',
      seen: { bastions: [agent('3.3.987.0')] },
      healthy: false,
      codes: ['agent-vulnerable'],
    },
    {
      reason: 'the agent is the first safe one',
      seen: { bastions: [agent('3.3.4851.0')] },
      healthy: true,
      codes: [],
    },
    {
      reason: 'the agent is of the next series',
      seen: { bastions: [agent('3.4.1')] },
      healthy: true,
      codes: [],
    },
    {
      reason: 'the agent does not tell its version',
      seen: { bastions: [agent(undefined)] },
      healthy: true,
      codes: [],
    },
    {
      reason: 'the bastion has a public address',
      seen: { bastions: [bastion({ publicAddress: '203.0.113.9' })] },
      healthy: true,
      codes: ['bastion-public'],
    },
    {
      reason: 'there are two bastions',
      seen: { bastions: [bastion(), bastion({ id: 'i-00000000000000two', launchedAt: NOW })] },
      healthy: true,
      codes: ['several-bastions'],
    },
    {
      reason: 'there is no cluster',
      seen: { cluster: undefined },
      healthy: false,
      codes: ['cluster-missing'],
    },
    {
      reason: 'the cluster failed',
      seen: { cluster: { ...CLUSTER, status: 'failed' } },
      healthy: false,
      codes: ['cluster-inactive'],
    },
    {
      reason: 'the cluster is being updated',
      seen: { cluster: { ...CLUSTER, status: 'updating' } },
      healthy: true,
      codes: ['cluster-inactive'],
    },
    {
      reason: 'instances may not be described, and the agent is online all the same',
      seen: { bastions: [bastion({ state: 'unread' })], unreadable: [NO_INSTANCES] },
      healthy: true,
      codes: ['not-readable'],
    },
    {
      reason: 'agents may not be described: nobody can say whether a session would open',
      seen: { bastions: [bastion({ agent: { kind: 'unread' } })], unreadable: [NO_AGENTS] },
      healthy: false,
      codes: ['not-readable'],
    },
    {
      reason: 'the cluster may not be described, which is not the same as having none',
      seen: { cluster: undefined, unreadable: [NO_CLUSTER] },
      healthy: false,
      codes: ['not-readable'],
    },
    {
      reason: 'nothing of the bastion may be described, and the cluster is there',
      seen: { bastions: [], unreadable: [NO_AGENTS, NO_INSTANCES] },
      healthy: false,
      codes: ['not-readable', 'not-readable'],
    },
  ]
  for (const { reason, seen, healthy, codes } of rows) {
    it(`is ${healthy ? 'healthy' : 'unhealthy'} when ${reason}`, () => {
      const assessment = assess(inventory(seen), QUERY)
      assert.deepEqual(
        assessment.findings.map(({ code }) => code),
        codes,
      )
      assert.equal(assessment.healthy, healthy)
    })
  }

  it('is one refusal that names every action when nothing may be read', () => {
    const unreadable = [NO_AGENTS, NO_INSTANCES, NO_CLUSTER]
    const error = thrownBy(() =>
      assess(inventory({ bastions: [], cluster: undefined, trail: undefined, unreadable }), QUERY),
    )
    assert.ok(isPgctlError(error, 'permission-denied'))
    for (const { action } of unreadable) assert.match(error.next ?? '', new RegExp(action))
  })

  it('is the failure that is no refusal when nothing could be read', () => {
    const cut = { ...NO_CLUSTER, error: new PgctlError('endpoint-unreachable', 'cut off') }
    const seen = inventory({
      bastions: [],
      cluster: undefined,
      trail: undefined,
      unreadable: [NO_AGENTS, NO_INSTANCES, cut],
    })
    assert.equal(
      thrownBy(() => assess(seen, QUERY)),
      cut.error,
    )
  })

  it('names the action that a part would need', () => {
    const [finding] = assess(inventory({ cluster: undefined, unreadable: [NO_CLUSTER] }), QUERY).findings
    assert.match(finding?.message ?? '', /eks:DescribeCluster/)
    assert.equal(finding?.why, 'no policy')
  })
})
