import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { renderStatus, type StatusReport } from '#cli/render/status.ts'
import { statusDocument } from '#cli/render/status-document.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import { assess } from '#core/installation/status.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'
import { bastion, CLUSTER, inventory, LOST, NOW, TRAIL } from '../installation/support.ts'

const MINUTE = 60_000
const plain = (_style: unknown, text: string) => text

const LIMITS: SessionLimits = { idle: 20 * MINUTE, maximum: undefined }

function report(
  seen: Partial<Inventory> = {},
  { limits }: Pick<StatusReport, 'limits'> = { limits: LIMITS },
) {
  const found = inventory(seen)
  return {
    installation: {
      name: 'acme',
      workspace: found.workspace,
      cloud: 'aws',
      account: '111122223333',
      region: found.region,
      product: 'paragon',
    },
    identity: { account: '111122223333', arn: 'arn:aws:iam::111122223333:user/alex' },
    inventory: found,
    assessment: assess(found, {
      wanted: 'paragon-acme-5d1f0c2e-bastion',
      clusterName: CLUSTER.name,
      trailName: TRAIL.name,
      now: NOW,
    }),
    limits,
    contentsAsked: true,
    now: NOW,
  } satisfies StatusReport
}

describe('the status of an installation, for a person', () => {
  it('fits on a screen and says everything that is known', () => {
    assert.equal(
      renderStatus(report(), plain),
      [
        'acme  paragon-acme-5d1f0c2e  aws eu-central-1',
        '',
        '  caller    arn:aws:iam::111122223333:user/alex',
        '  account   111122223333, the one that is pinned',
        '  bastion   i-0a1b2c3d4e5f60718  paragon-acme-5d1f0c2e-bastion  10.0.16.20',
        '            instance running, started 10 h ago, instance profile paragon-acme-5d1f0c2e-bastion',
        '            agent 3.3.5102.0 online, last ping 1 min ago',
        '  sessions  end after 20 min without use; no longest time is set',
        '  cluster   paragon-acme-5d1f0c2e  active  1.35  a1b2.gr7.eu-central-1.eks.amazonaws.com',
        '',
        'healthy',
      ].join('\n'),
    )
  })

  it('ends with what is wrong, why, and what to do', () => {
    const text = renderStatus(report({ bastions: [bastion({ agent: LOST })] }), plain)
    assert.match(
      text,
      /failed: the agent of the bastion i-0a1b2c3d4e5f60718 .* does not answer\n {2}why: .*\n next: .*\n\nunhealthy$/,
    )
  })

  it('tells what is not there from what is not known', () => {
    const none = renderStatus(report({ bastions: [], cluster: undefined }, { limits: undefined }), plain)
    assert.match(none, /bastion {3}none/)
    assert.match(none, /cluster {3}none/)
    assert.match(none, /limits not known/)
  })

  it('obeys no tag of the account', () => {
    const text = renderStatus(report({ bastions: [bastion({ name: 'bastion\u001b[2J\u202e' })] }), plain)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    assert.doesNotMatch(text, /[\u001b\u202e]/)
    assert.match(text, /bastion\\x1b\[2J/)
  })
})

describe('the status of an installation, for a program', () => {
  const documented = readFileSync(new URL('../../../docs/json-output.md', import.meta.url), 'utf8')

  const reports: [string, StatusReport][] = [
    ['a healthy one', report()],
    ['one of which nothing is known', report({ bastions: [], cluster: undefined }, { limits: undefined })],
    [
      'one with two bastions',
      report({ bastions: [bastion(), bastion({ id: 'i-00000000000000002', agent: { kind: 'unread' } })] }),
    ],
  ]
  for (const [reason, each] of reports) {
    it(`has only documented fields, all of them, none left out: ${reason}`, () => {
      const document = JSON.parse(JSON.stringify(statusDocument(each))) as Record<string, unknown>
      assert.deepEqual(Object.keys(document), [
        'installation',
        'workspace',
        'cloud',
        'region',
        'account',
        'caller',
        'healthy',
        'bastion',
        'otherBastions',
        'sessionLimits',
        'cluster',
        'managed',
        'services',
        'monitors',
        'bastionGroups',
        'securityGroups',
        'network',
        'loadBalancers',
        'datastores',
        'buckets',
        'trail',
        'unreadable',
        'findings',
      ])
      for (const field of fieldsOf(document))
        assert.ok(documented.includes(field), `${field} is not documented`)
    })
  }

  it('gives times and limits in the units that it says', () => {
    const document = statusDocument(report({}, { limits: { idle: 5 * MINUTE, maximum: 60 * MINUTE } })) as {
      bastion: { launchedAt: string; agent: { lastPing: string } }
      sessionLimits: object
    }
    assert.equal(document.bastion.agent.lastPing, '2026-11-23T09:59:00.000Z')
    assert.deepEqual(document.sessionLimits, { idleMinutes: 5, maximumMinutes: 60 })
  })
})

/** The names of all fields, at every depth. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => [name, ...fieldsOf(inner)])
}
