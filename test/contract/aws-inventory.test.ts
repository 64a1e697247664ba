import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { DISCOVERY_PARTS, type DiscoveryPart } from '#core/installation/discovery.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import {
  type Discovered,
  discover as discoverScripted,
  ec2Error,
  jsonAnswer,
  type Script,
  s3Error,
  signInForTests,
} from '../support/scripted-discovery.ts'
import {
  acl,
  bucketScript,
  database,
  databases,
  INSTALLATION,
  NO_VPCS,
  policyStatus,
  SECRET,
  VPCS,
  versioning,
} from '../support/scripted-installation.ts'

/** What discovery reads of a whole installation, in the services' wire forms: in full, in pages, and when it fails. */

describe('a whole installation on AWS', { timeout: 60_000 }, () => {
  before(signInForTests)

  const discover = (
    script: Script = {},
    parts: readonly DiscoveryPart[] = DISCOVERY_PARTS,
  ): Promise<Discovered> => discoverScripted({ ...INSTALLATION, ...script }, { parts })
  const read = async (script: Script, part: DiscoveryPart): Promise<Inventory> =>
    (await discover(script, [part])).inventory

  it('is read in full, and nothing of others with it', async () => {
    const { inventory } = await discover()
    assert.deepEqual(inventory.unreadable, [])
    assert.deepEqual(inventory.network, {
      id: 'vpc-1',
      name: 'paragon-acme-vpc',
      ranges: ['10.0.0.0/16'],
      subnets: [
        {
          id: 'subnet-private',
          name: 'subnet-private',
          zone: 'eu-central-1b',
          range: '10.0.1.0/24',
          kind: 'private',
        },
        {
          id: 'subnet-public',
          name: 'subnet-public',
          zone: 'eu-central-1a',
          range: '10.0.1.0/24',
          kind: 'public',
        },
      ],
      routeTables: [
        {
          id: 'rtb-main',
          name: undefined,
          main: true,
          subnetIds: [],
          routes: [
            { to: '10.0.0.0/16', via: 'local', active: true },
            { to: '0.0.0.0/0', via: 'nat-1', active: true },
            { to: 'pl-1', via: 'vpce-1', active: true },
            { to: '172.16.0.0/12', via: 'pcx-1', active: false },
          ],
        },
        {
          id: 'rtb-public',
          name: undefined,
          main: false,
          subnetIds: ['subnet-public'],
          routes: [{ to: '::/0', via: 'igw-1', active: true }],
        },
      ],
      natGateways: [
        {
          id: 'nat-1',
          name: undefined,
          state: 'available',
          subnetId: 'subnet-public',
          regional: false,
          publicAddresses: ['203.0.113.9'],
        },
      ],
      internetGateways: [{ id: 'igw-1', name: 'paragon-acme-internet-gw' }],
      elasticAddresses: [
        { id: 'eipalloc-1', name: undefined, address: '203.0.113.9', usedBy: 'eni-1' },
        { id: 'eipalloc-2', name: undefined, address: '203.0.113.10', usedBy: undefined },
      ],
      endpoints: [
        {
          id: 'vpce-1',
          name: undefined,
          service: 'com.amazonaws.eu-central-1.s3',
          type: 'gateway',
          state: 'available',
        },
      ],
    })
    assert.deepEqual(
      inventory.loadBalancers.map(({ name }) => name),
      ['paragon-acme', 'old-ssh'],
    )
    assert.deepEqual(inventory.bastionGroups, [
      {
        name: 'paragon-acme-bastion',
        minimum: 1,
        maximum: 1,
        desired: 1,
        zones: ['eu-central-1a'],
        instances: ['i-00000001'],
        suspended: ['Launch'],
      },
    ])
    assert.deepEqual(inventory.securityGroups, [
      {
        id: 'sg-1',
        name: 'bastion',
        inbound: [
          { protocol: 'tcp', ports: [22, 22], sources: ['0.0.0.0/0', '::/0', 'sg-2', 'pl-2'] },
          { protocol: 'all', ports: undefined, sources: ['sg-3'] },
          { protocol: 'icmp', ports: undefined, sources: ['10.0.0.0/8'] },
        ],
      },
    ])
    assert.deepEqual(inventory.cluster?.publicAccess, ['0.0.0.0/0'])
    assert.deepEqual(inventory.trail, {
      name: 'paragon-acme-cloudtrail',
      logging: true,
      allRegions: true,
      bucket: 'paragon-acme-logs',
      validated: true,
    })
  })

  it('has its datastores by name, each as it is', async () => {
    const { inventory } = await discover({}, ['postgres', 'redis', 'kafka'])
    const [postgres, cache, queue, kafka] = inventory.datastores
    assert.deepEqual(
      inventory.datastores.map(({ name }) => name),
      ['postgres', 'redis-cache', 'redis-queue', 'kafka'],
    )
    assert.deepEqual(postgres, {
      name: 'postgres',
      engine: 'postgres',
      id: 'paragon-acme',
      product: 'postgres',
      version: '16.9',
      status: 'available',
      topology: 'instance',
      nodes: 1,
      zones: ['eu-central-1b'],
      multiZone: false,
      sizeClass: 'db.t4g.small',
      endpoints: [{ host: 'paragon-acme.rds.example', port: 5432 }],
      encryptedAtRest: true,
      encryptedInTransit: undefined,
      public: false,
      backupWindow: '06:00-07:00',
      maintenanceWindow: 'tue:04:00-tue:05:00',
      retentionDays: 7,
      vpcId: 'vpc-1',
      securityGroups: [],
      access: {
        ...{ user: 'master', database: 'postgres', secret: SECRET, takesTokens: true },
        ...{ cluster: undefined, follows: undefined },
      },
    })
    const redis = { engine: 'redis', product: 'redis', version: '7.1.0', status: 'available' } as const
    const windows = {
      backupWindow: '12:00-13:00',
      maintenanceWindow: 'tue:16:00-tue:17:00',
      retentionDays: 5,
    }
    assert.deepEqual(queue, {
      ...redis,
      ...windows,
      name: 'redis-queue',
      id: 'paragon-acme-redis-queue',
      topology: 'instance',
      nodes: 1,
      zones: ['eu-central-1a'],
      multiZone: false,
      sizeClass: 'cache.t4g.small',
      endpoints: [{ host: 'queue.cache.example', port: 6379 }],
      encryptedAtRest: false,
      encryptedInTransit: false,
      public: undefined,
      vpcId: undefined,
      securityGroups: [],
      access: { wantsPassword: undefined },
    })
    assert.deepEqual(cache, {
      ...redis,
      ...windows,
      name: 'redis-cache',
      id: 'paragon-acme-redis-cache',
      topology: 'cluster',
      nodes: 2,
      zones: ['eu-central-1a', 'eu-central-1b'],
      multiZone: true,
      sizeClass: 'cache.r7g.large',
      endpoints: [{ host: 'cfg.cache.example', port: 6379 }],
      encryptedAtRest: true,
      encryptedInTransit: true,
      public: undefined,
      vpcId: undefined,
      securityGroups: [],
      access: { wantsPassword: true, sharded: true, readers: [] },
    })
    assert.deepEqual(
      [kafka?.id, kafka?.version, kafka?.nodes, kafka?.multiZone, kafka?.encryptedInTransit, kafka?.public],
      ['paragon-acme', '3.8.x', 2, true, true, false],
    )
    assert.deepEqual(kafka?.endpoints, [
      { host: 'b-1.kafka.example', port: 9094 },
      { host: 'b-2.kafka.example', port: 9094 },
    ])
  })

  it('tells a replica and a member of a cluster from an instance, and leaves other engines out', async () => {
    const { datastores } = await read(
      {
        DescribeDBInstances: () =>
          databases(
            database('paragon-acme') +
              database(
                'paragon-acme-reader',
                '<ReadReplicaSourceDBInstanceIdentifier>x</ReadReplicaSourceDBInstanceIdentifier>',
              ) +
              database('paragon-acme-zeus', '<DBClusterIdentifier>y</DBClusterIdentifier>') +
              database('paragon-acme-legacy').replace('<Engine>postgres', '<Engine>mysql'),
          ),
      },
      'postgres',
    )
    assert.deepEqual(
      datastores.map(({ access }) => [access?.follows, access?.cluster]),
      [
        [undefined, undefined],
        ['x', undefined],
        [undefined, 'y'],
      ],
    )
    assert.deepEqual(
      datastores.map(({ name, topology, multiZone }) => [name, topology, multiZone]),
      [
        ['postgres-paragon-acme', 'instance', false],
        ['postgres-reader', 'replica', false],
        ['postgres-zeus', 'cluster', true],
      ],
    )
  })

  it('takes no database of a workspace whose name goes on: the network tells them apart, and is asked only then', async () => {
    const other = '<DBSubnetGroup><VpcId>vpc-9</VpcId></DBSubnetGroup>'
    const { inventory, counts } = await discover(
      { DescribeDBInstances: () => databases(database('paragon-acme') + database('paragon-acme-2', other)) },
      ['postgres'],
    )
    assert.deepEqual(
      inventory.datastores.map(({ id, name }) => [id, name]),
      [['paragon-acme', 'postgres']],
    )
    assert.equal(counts.get('DescribeVpcs'), 1)
    const alone = await discover({}, ['postgres'])
    assert.deepEqual([...alone.counts.keys()], ['DescribeDBInstances'])
  })

  it('has the buckets of the profile, in its order, and no others', async () => {
    const { inventory, requests } = await discover({}, ['buckets'])
    assert.deepEqual(inventory.buckets, [
      bucketOf('app', { noncurrentDays: 90 }),
      bucketOf('cdn', { public: true, meantPublic: true }),
      bucketOf('logs', { versioning: 'off', meantVersioned: false }),
    ])
    assert.ok(!requests.some(({ path }) => path.includes('scratch')))
    assert.match(requests.find(({ path }) => path.startsWith('/?'))?.path ?? '', /prefix=paragon-acme-(&|$)/)
    assert.equal(requests.filter(({ path }) => /policyStatus|acl/.test(path)).length, 1)
  })

  const grants: ReadonlyArray<
    [why: string, answers: Parameters<typeof bucketScript>[1], isPublic: boolean | undefined]
  > = [
    [
      'a policy',
      {
        publicAccessBlock: s3Error('NoSuchPublicAccessBlockConfiguration', 404),
        policyStatus: policyStatus(true),
      },
      true,
    ],
    ['a policy that is blocked', { policyStatus: policyStatus(true) }, false],
    [
      'an access list',
      {
        publicAccessBlock: s3Error('NoSuchPublicAccessBlockConfiguration', 404),
        acl: acl('http://acs.amazonaws.com/groups/global/AllUsers'),
      },
      true,
    ],
    [
      'an access list for logs to be delivered',
      {
        publicAccessBlock: s3Error('NoSuchPublicAccessBlockConfiguration', 404),
        acl: acl('http://acs.amazonaws.com/groups/s3/LogDelivery'),
      },
      false,
    ],
    [
      'what may be blocked',
      { publicAccessBlock: s3Error('AccessDenied', 403), policyStatus: policyStatus(true) },
      undefined,
    ],
    [
      'nothing, whatever is blocked',
      { publicAccessBlock: s3Error('AccessDenied', 403), policyStatus: policyStatus(false) },
      false,
    ],
    [
      'what may not be read',
      {
        publicAccessBlock: s3Error('NoSuchPublicAccessBlockConfiguration', 404),
        policyStatus: s3Error('AccessDenied', 403),
      },
      undefined,
    ],
  ]
  for (const [why, answers, isPublic] of grants)
    it(`says of a bucket that is opened by ${why}: ${isPublic ?? 'not known'}`, async () => {
      const { buckets } = await read(bucketScript('app', answers), 'buckets')
      assert.equal(buckets.find(({ name }) => name === 'app')?.public, isPublic)
    })

  it('names a permission that every bucket lacks once', async () => {
    const denied = { versioning: s3Error('AccessDenied', 403) }
    const { buckets, unreadable } = await read(
      {
        ...bucketScript('app', denied),
        ...bucketScript('cdn', denied),
        ...bucketScript('logs', { versioning: versioning('Suspended') }),
      },
      'buckets',
    )
    assert.deepEqual(
      buckets.map(({ versioning }) => versioning),
      [undefined, undefined, 'suspended'],
    )
    assert.deepEqual(
      unreadable.map(({ part, action, error }) => [part, action, error.code]),
      [['buckets', 's3:GetBucketVersioning', 'permission-denied']],
    )
  })

  it("finds the network by the cluster's word where no VPC bears the name", async () => {
    const { inventory } = await discover(
      { DescribeVpcs: (body) => (body.includes('tag%3AName') ? NO_VPCS : VPCS) },
      ['cluster', 'network'],
    )
    assert.equal(inventory.network?.id, 'vpc-1')
    assert.equal(inventory.network?.subnets.length, 2)
  })

  it('knows what is in the network where the VPC itself may not be described', async () => {
    const { inventory } = await discover(
      { DescribeVpcs: () => ec2Error('UnauthorizedOperation', 'no', 403) },
      ['cluster', 'network'],
    )
    assert.deepEqual([inventory.network?.id, inventory.network?.ranges], ['vpc-1', []])
    assert.equal(inventory.network?.subnets.length, 2)
    assert.deepEqual(
      inventory.unreadable.map(({ action }) => action),
      ['ec2:DescribeVpcs'],
    )
  })

  it('has no network, no datastores, no buckets and no trail where there are none, and nothing is unreadable', async () => {
    const { inventory } = await discoverScripted(
      {
        ...INSTALLATION,
        DescribeVpcs: () => NO_VPCS,
        DescribeDBInstances: () => databases(''),
        'GET /api/v2/clusters': () => jsonAnswer({ clusterInfoList: [] }, 'application/json'),
        DescribeTrails: () => jsonAnswer({ trailList: [] }),
      },
      { parts: ['network', 'postgres', 'kafka', 'trail'] },
    )
    const { network, datastores, buckets, trail, unreadable } = inventory
    assert.deepEqual(
      { network, datastores, buckets, trail, unreadable },
      {
        network: undefined,
        datastores: [],
        buckets: [],
        trail: undefined,
        unreadable: [],
      },
    )
  })

  it('is asked for with few calls, and few of them at once', async () => {
    const { requests, connections } = await discover()
    assert.ok(connections > 1 && connections <= 8, `${connections} calls at once`)
    assert.ok(requests.length <= 35, `${requests.length} calls`)
  })
})

function bucketOf(name: string, values: Partial<Inventory['buckets'][number]>): Inventory['buckets'][number] {
  return {
    name,
    id: `paragon-acme-${name}`,
    region: 'eu-central-1',
    versioning: 'on',
    noncurrentDays: 'never',
    public: false,
    meantPublic: false,
    meantVersioned: true,
    ...values,
  }
}
