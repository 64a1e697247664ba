import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { renderStatus, type StatusReport } from '#cli/render/status.ts'
import { statusDocument } from '#cli/render/status-document.ts'
import { PgctlError } from '#core/errors.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import { assess } from '#core/installation/status.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'
import {
  bastion,
  bucket,
  CLUSTER,
  datastore,
  inventory,
  LOST,
  NETWORK,
  NOW,
  TRAIL,
} from '../installation/support.ts'

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

/** An installation with something of everything. */
const FULL: Partial<Inventory> = {
  bastionGroups: [
    {
      name: 'paragon-acme-5d1f0c2e-bastion',
      minimum: 1,
      maximum: 2,
      desired: 1,
      zones: ['eu-central-1a'],
      instances: ['i-0a1b2c3d4e5f60718'],
      suspended: [],
    },
  ],
  securityGroups: [
    {
      id: 'sg-1',
      name: 'bastion',
      inbound: [
        { protocol: 'tcp', ports: [22, 22], sources: ['10.0.0.0/8'] },
        { protocol: 'all', ports: undefined, sources: ['sg-2'] },
      ],
    },
  ],
  network: NETWORK,
  loadBalancers: [
    {
      name: 'paragon-acme-5d1f0c2e',
      type: 'application',
      internetFacing: false,
      host: 'internal-1.elb.example',
      state: 'active',
      zones: ['eu-central-1a', 'eu-central-1b'],
    },
  ],
  datastores: [
    datastore({ name: 'postgres-hermes', id: 'paragon-acme-5d1f0c2e-hermes', multiZone: true }),
    datastore({
      name: 'kafka',
      engine: 'kafka',
      product: 'kafka',
      topology: 'cluster',
      nodes: 3,
      endpoints: [],
    }),
  ],
  buckets: [bucket(), bucket({ name: 'cdn', public: true, meantPublic: true, noncurrentDays: 'never' })],
  contents: { services: ['cerberus', 'hermes'], monitors: [] },
}

describe('the status of an installation, for a person', () => {
  it('fits on a screen and says everything that is known', () => {
    const [text = ''] = renderStatus(report(FULL), plain).split('\n\nwarning: ')
    assert.equal(
      text,
      [
        'acme  paragon-acme-5d1f0c2e  aws eu-central-1',
        '',
        '  caller    arn:aws:iam::111122223333:user/alex',
        '  account   111122223333, the one that is pinned',
        '  bastion   i-0a1b2c3d4e5f60718  paragon-acme-5d1f0c2e-bastion  10.0.16.20',
        '            instance running, started 10 h ago, instance profile paragon-acme-5d1f0c2e-bastion',
        '            agent 3.3.5102.0 online, last ping 1 min ago',
        '            group paragon-acme-5d1f0c2e-bastion, 1 of 1, between 1 and 2',
        '            lets in tcp 22 from 10.0.0.0/8; every port from sg-2',
        '  sessions  end after 20 min without use; no longest time is set',
        '  cluster   paragon-acme-5d1f0c2e  active  1.35  a1b2.gr7.eu-central-1.eks.amazonaws.com',
        '  network   vpc-1  paragon-acme-5d1f0c2e-vpc  10.0.0.0/16',
        '            2 private subnets in eu-central-1a, b; 1 public subnet in eu-central-1a',
        '            NAT 203.0.113.9 in eu-central-1a; internet gateway igw-1; endpoints s3',
        '            application load balancer paragon-acme-5d1f0c2e active, internal  internal-1.elb.example',
        '  data      postgres-hermes  postgres 16.9  db.t4g.small  multi-zone  db.example:5432',
        '            kafka            kafka 16.9  db.t4g.small  3 nodes  one zone',
        '  buckets   app (versions for 90 d), cdn (public, versions)',
        '  audit     paragon-acme-5d1f0c2e-cloudtrail  writes  all regions  to paragon-acme-5d1f0c2e-logs',
        '  services  2: cerberus, hermes',
        '  monitors  none: the installation is unmanaged',
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
    assert.match(none, /network {3}none\n {2}data {6}no datastores\n {2}buckets {3}none/)
    const unreadable = (['network', 'postgres', 'buckets', 'trail', 'load balancers'] as const).map(
      (part) => ({
        part,
        action: 'rds:Describe',
        error: new PgctlError('permission-denied', 'no'),
      }),
    )
    const unread = renderStatus(report({ trail: undefined, unreadable }), plain)
    assert.match(
      unread,
      /network {3}not known\n {12}load balancers not known\n {2}data {6}postgres: not known/,
    )
    assert.match(unread, /buckets {3}not known\n {2}audit {5}not known\n {2}services {2}not known/)
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
    ['one with something of everything', report(FULL)],
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
