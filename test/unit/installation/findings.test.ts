import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PgctlError } from '#core/errors.ts'
import type { Finding } from '#core/installation/findings.ts'
import type { Inventory, InventoryPart, Unreadable } from '#core/installation/inventory.ts'
import type { InboundRule, Network } from '#core/installation/network.ts'
import { assess } from '#core/installation/status.ts'
import { bucket, CLUSTER, datastore, inventory, NETWORK, NOW, TRAIL } from './support.ts'

/** What is said of the parts of an installation: a table, a row a case, each with all that is said. */

const QUERY = { wanted: 'bastion', clusterName: CLUSTER.name, trailName: TRAIL.name, now: NOW }

function findings(seen: Partial<Inventory>): readonly Finding[] {
  return assess(inventory(seen), QUERY).findings
}

function unread(part: InventoryPart, action: string, message = `not allowed: ${action}`): Unreadable {
  return { part, action, error: new PgctlError('permission-denied', message) }
}

const group = (...inbound: InboundRule[]) => [{ id: 'sg-1', name: 'bastion', inbound }]
const rule = (source: string): InboundRule => ({ protocol: 'tcp', ports: [22, 22], sources: [source] })
const scaling = (suspended: string[], maximum = 1) => [
  { name: 'bastions', minimum: 0, maximum, desired: 1, zones: [], instances: [], suspended },
]
const [privateA, , publicA] = NETWORK.subnets
const [nat] = NETWORK.natGateways
const network = (values: Partial<Network>): Network => ({ ...NETWORK, ...values })
const GOOD = { multiZone: true } as const

const rows: ReadonlyArray<[why: string, seen: Partial<Inventory>, said: string[]]> = [
  ['nothing is let in', { securityGroups: group() }, []],
  ['the whole internet is let in', { securityGroups: group(rule('0.0.0.0/0')) }, ['failed bastion-open']],
  ['the whole internet of IPv6 is', { securityGroups: group(rule('::/0')) }, ['failed bastion-open']],
  ['an office is let in', { securityGroups: group(rule('198.51.100.0/24')) }, ['warning bastion-inbound']],
  ['another group is let in', { securityGroups: group(rule('sg-2')) }, ['warning bastion-inbound']],
  ['the group replaces what fails', { bastionGroups: scaling(['AZRebalance']) }, []],
  ['the group starts nothing', { bastionGroups: scaling(['Launch']) }, ['warning bastion-not-replaced']],
  ['the group is meant to be empty', { bastionGroups: scaling(['Launch'], 0) }, []],
  [
    "the cluster's API answers everybody",
    { cluster: { ...CLUSTER, publicAccess: ['0.0.0.0/0'] } },
    ['warning cluster-public'],
  ],
  ["the cluster's API answers an office", { cluster: { ...CLUSTER, publicAccess: ['198.51.100.0/24'] } }, []],
  ["nobody knows whom the cluster's API answers", { cluster: { ...CLUSTER, publicAccess: undefined } }, []],
  ['one NAT gateway serves two zones', { network: NETWORK }, ['warning nat-single-zone']],
  [
    'it serves one zone',
    { network: network({ subnets: [privateA, publicA].filter((s) => s !== undefined) }) },
    [],
  ],
  ['each zone has one', { network: network({ natGateways: [nat, nat].filter((n) => n !== undefined) }) }, []],
  ['it is in all zones', { network: network({ natGateways: nat ? [{ ...nat, regional: true }] : [] }) }, []],
  ['there is none, and nothing needs one', { network: network({ natGateways: [], routeTables: [] }) }, []],
  [
    'it has failed',
    { network: network({ natGateways: nat ? [{ ...nat, state: 'failed' }] : [] }) },
    ['warning nat-missing'],
  ],
  [
    'a route leads to what is gone',
    {
      network: network({
        natGateways: [],
        routeTables: NETWORK.routeTables.map((table) => ({
          ...table,
          routes: table.routes.map((route) => ({ ...route, active: table.id !== 'rtb-1' })),
        })),
      }),
    },
    ['warning route-broken'],
  ],
  [
    'a table that no subnet follows leads to what is gone',
    {
      network: network({
        natGateways: [],
        routeTables: [
          ...NETWORK.routeTables,
          {
            id: 'rtb-9',
            name: undefined,
            main: false,
            subnetIds: [],
            routes: [{ to: 'x', via: 'y', active: false }],
          },
        ],
      }),
    },
    [],
  ],
  [
    'NAT gateways could not be read: nothing is concluded',
    {
      network: network({ natGateways: [] }),
      unreadable: [unread('NAT gateways', 'ec2:DescribeNatGateways')],
    },
    ['warning not-readable'],
  ],
  ['a datastore is in good order', { datastores: [datastore(GOOD)] }, []],
  ['it is public', { datastores: [datastore({ ...GOOD, public: true })] }, ['failed datastore-public']],
  ['it has no such thing', { datastores: [datastore({ ...GOOD, public: undefined })] }, []],
  ['it is in one zone', { datastores: [datastore()] }, ['warning datastore-single-zone']],
  ['two are: told once', { datastores: [datastore(), datastore()] }, ['warning datastore-single-zone']],
  ['a replica may be in one zone', { datastores: [datastore({ topology: 'replica' })] }, []],
  [
    'it is stopped',
    { datastores: [datastore({ ...GOOD, status: 'stopped' })] },
    ['warning datastore-unavailable'],
  ],
  ['it is backing up', { datastores: [datastore({ ...GOOD, status: 'backing-up' })] }, []],
  [
    'it is stored unencrypted',
    { datastores: [datastore({ ...GOOD, encryptedAtRest: false })] },
    ['warning datastore-unencrypted'],
  ],
  [
    'it is sent unencrypted',
    { datastores: [datastore({ ...GOOD, encryptedInTransit: false })] },
    ['warning datastore-unencrypted'],
  ],
  [
    'nobody knows whether it is encrypted',
    { datastores: [datastore({ ...GOOD, encryptedAtRest: undefined })] },
    [],
  ],
  [
    'it is not backed up',
    { datastores: [datastore({ ...GOOD, retentionDays: 0 })] },
    ['warning datastore-without-backups'],
  ],
  ['its provider makes no backups', { datastores: [datastore({ ...GOOD, retentionDays: undefined })] }, []],
  [
    'its windows meet',
    { datastores: [datastore({ ...GOOD, backupWindow: '04:30-05:30' })] },
    ['warning windows-overlap'],
  ],
  ['a bucket is in good order', { buckets: [bucket()] }, []],
  ['it is public', { buckets: [bucket({ public: true })] }, ['failed bucket-public']],
  ['it is public, as it should be', { buckets: [bucket({ public: true, meantPublic: true })] }, []],
  ['it keeps no versions', { buckets: [bucket({ versioning: 'off' })] }, ['warning bucket-unversioned']],
  [
    'it has stopped keeping them',
    { buckets: [bucket({ versioning: 'suspended' })] },
    ['warning bucket-unversioned'],
  ],
  ['it need not keep any', { buckets: [bucket({ versioning: 'off', meantVersioned: false })] }, []],
  ['nobody knows', { buckets: [bucket({ versioning: undefined, public: undefined })] }, []],
  ['there is no trail', { trail: undefined }, ['warning trail-missing']],
  ['the trail writes nothing', { trail: { ...TRAIL, logging: false } }, ['warning trail-off']],
  ['nobody knows whether it writes', { trail: { ...TRAIL, logging: undefined } }, []],
  [
    'the trail could not be looked for',
    { trail: undefined, unreadable: [unread('trail', 'cloudtrail:DescribeTrails')] },
    ['warning not-readable'],
  ],
  [
    'many parts could not be read: told once',
    {
      unreadable: [unread('postgres', 'rds:A'), unread('redis', 'elasticache:B'), unread('buckets', 's3:C')],
    },
    ['warning not-readable'],
  ],
  [
    'one that the verdict needs is among them: it is told by itself',
    {
      unreadable: [unread('postgres', 'rds:A'), unread('redis', 'elasticache:B'), unread('agents', 'ssm:C')],
    },
    ['failed not-readable', 'warning not-readable'],
  ],
  [
    'services could not be asked for, for a reason that is told already',
    { unreadable: [unread('cluster', 'eks:D'), unread('services', 'list services', 'not allowed: eks:D')] },
    ['failed not-readable'],
  ],
  [
    'services could not be asked for, for a reason of their own',
    { unreadable: [unread('services', 'list services', 'not allowed to list services')] },
    ['warning not-readable'],
  ],
]

describe('what is said of an installation', () => {
  for (const [why, seen, said] of rows)
    it(`${why}: ${said.join(', ') || 'nothing'}`, () =>
      assert.deepEqual(
        findings(seen).map(({ severity, code }) => `${severity} ${code}`),
        said,
      ))

  it('puts what failed before what is only a warning', () => {
    const seen = { datastores: [datastore()], buckets: [bucket({ public: true })], network: NETWORK }
    assert.deepEqual(
      findings(seen).map(({ severity }) => severity),
      ['failed', 'warning', 'warning'],
    )
  })

  it('names every action that parts need, once', () => {
    const seen = {
      unreadable: [unread('postgres', 'rds:A'), unread('buckets', 's3:C'), unread('buckets', 's3:C')],
    }
    const [finding] = findings(seen)
    assert.match(
      finding?.message ?? '',
      /^postgres, buckets could not be read in full, which needs rds:A, s3:C$/,
    )
    assert.match(finding?.next ?? '', /allow rds:A, s3:C$/)
  })

  it('names what an open port is, and to whom', () => {
    const said = (ports: InboundRule['ports'], protocol = 'tcp') =>
      findings({ securityGroups: group({ protocol, ports, sources: ['0.0.0.0/0', 'sg-2'] }) })[0]
    assert.match(said([22, 22])?.message ?? '', /in to tcp 22$/)
    assert.match(said([8000, 8010])?.message ?? '', /in to tcp 8000-8010$/)
    assert.match(said([0, 65_535])?.message ?? '', /in to every tcp port$/)
    assert.match(said(undefined, 'all')?.message ?? '', /in to every port$/)
    assert.match(said(undefined, 'icmp')?.message ?? '', /in to icmp$/)
    assert.equal(said([22, 22])?.why, 'from 0.0.0.0/0, sg-2')
  })
})
