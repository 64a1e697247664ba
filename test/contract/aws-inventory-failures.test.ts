import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { DISCOVERY_PARTS, type DiscoveryPart } from '#core/installation/discovery.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import { needsOf } from '#core/permissions/needs.ts'
import { type AwsAnswer, jsonError, queryError } from '../support/scripted-aws.ts'
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
  database,
  databases,
  INSTALLATION,
  loadBalancer,
  loadBalancers,
  subnet,
  subnets,
} from '../support/scripted-installation.ts'

/** What discovery makes of answers that come in pages, never end, are refused, fail in the middle or are throttled. */

const EC2_PARTS = {
  SecurityGroups: 'security groups',
  Subnets: 'subnets',
  RouteTables: 'route tables',
  NatGateways: 'NAT gateways',
  InternetGateways: 'internet gateways',
  VpcEndpoints: 'VPC endpoints',
  Addresses: 'elastic addresses',
} as const

/** Where a refusal loses another count than that of its part. */
const LOST_WITH: Readonly<Record<string, readonly string[]>> = {
  'cloudtrail:GetTrailStatus': [],
}

/** How many of each part there are. */
function countsOf(inventory: Inventory): Record<string, number> {
  const { network, datastores } = inventory
  const ofEngine = (engine: string) => datastores.filter((store) => store.engine === engine).length
  return {
    'security groups': inventory.securityGroups.length,
    'bastion groups': inventory.bastionGroups.length,
    bastions: inventory.bastions.length,
    subnets: network?.subnets.length ?? 0,
    'route tables': network?.routeTables.length ?? 0,
    'NAT gateways': network?.natGateways.length ?? 0,
    'internet gateways': network?.internetGateways.length ?? 0,
    'VPC endpoints': network?.endpoints.length ?? 0,
    'elastic addresses': network?.elasticAddresses.length ?? 0,
    'load balancers': inventory.loadBalancers.length,
    postgres: ofEngine('postgres'),
    redis: ofEngine('redis'),
    kafka: ofEngine('kafka'),
    buckets: inventory.buckets.length,
    trail: inventory.trail === undefined ? 0 : 1,
  }
}

describe('an installation on AWS that is hard to read', { timeout: 60_000 }, () => {
  before(signInForTests)

  const discover = (
    script: Script = {},
    parts: readonly DiscoveryPart[] = DISCOVERY_PARTS,
  ): Promise<Discovered> => discoverScripted({ ...INSTALLATION, ...script }, { parts })

  describe('in pages', () => {
    it('is read to the last one, an empty one in between', async () => {
      const { inventory, requests } = await discover(
        {
          DescribeSubnets: (_, count) =>
            [subnets(subnet('s-1', 'a'), 'two'), subnets('', 'three'), subnets(subnet('s-3', 'b'))][
              count - 1
            ] as AwsAnswer,
          DescribeLoadBalancers: (_, count) =>
            count === 1
              ? loadBalancers(loadBalancer('a', 'vpc-1'), 'two')
              : loadBalancers(loadBalancer('b', 'vpc-1')),
          DescribeDBInstances: (_, count) =>
            count === 1
              ? databases(database('paragon-acme-a'), 'two')
              : databases(database('paragon-acme-b')),
          'GET /api/v2/clusters': (_body, count, request) =>
            count === 1
              ? jsonAnswer({ clusterInfoList: [], nextToken: 'two' }, 'application/json')
              : (INSTALLATION['GET /api/v2/clusters'] as Script[string])('', count, request),
        },
        ['network', 'postgres', 'kafka'],
      )
      assert.deepEqual(
        inventory.network?.subnets.map(({ id }) => id),
        ['s-1', 's-3'],
      )
      assert.deepEqual(
        inventory.loadBalancers.map(({ name }) => name),
        ['a', 'b'],
      )
      assert.deepEqual(
        inventory.datastores.map(({ name }) => name),
        ['postgres-a', 'postgres-b', 'kafka'],
      )
      assert.ok(requests.some(({ body }) => body.includes('NextToken=three')))
    })

    const endless: ReadonlyArray<
      [why: string, next: (count: number) => string, most: number, clause: RegExp]
    > = [
      ['points to itself', () => 'again', 2, /leads back/],
      ['goes in a circle', (count) => ['a', 'b', 'c'][count % 3] as string, 4, /leads back/],
      ['goes on for ever', (count) => `page-${count}`, 200, /more than 200 pages/],
    ]
    for (const [why, next, most, clause] of endless)
      it(`is an error of that part, and no hang, where the list ${why}`, async () => {
        const { inventory, counts } = await discover(
          { DescribeSubnets: (_, count) => subnets(subnet(`s-${count}`, 'a'), next(count)) },
          ['network'],
        )
        assert.deepEqual(
          inventory.unreadable.map(({ part, action, error }) => [part, action, error.code]),
          [['subnets', 'ec2:DescribeSubnets', 'protocol-violation']],
        )
        assert.match(inventory.unreadable[0]?.error.why ?? '', clause)
        assert.ok(
          (counts.get('DescribeSubnets') ?? 0) <= most,
          `${counts.get('DescribeSubnets')} pages were asked for`,
        )
        assert.equal(inventory.network?.natGateways.length, 1)
      })
  })

  describe('when a part fails', () => {
    let whole: Inventory
    before(async () => {
      whole = (await discover()).inventory
    })

    /** Each action with a refusal in its own wire form, and the part that it stands for. */
    const denials: ReadonlyArray<[operation: string, action: string, part: string, answer: AwsAnswer]> = [
      ...(
        [
          'SecurityGroups',
          'Subnets',
          'RouteTables',
          'NatGateways',
          'InternetGateways',
          'VpcEndpoints',
          'Addresses',
        ] as const
      ).map((what): [string, string, string, AwsAnswer] => [
        `Describe${what}`,
        `ec2:Describe${what}`,
        EC2_PARTS[what],
        ec2Error('UnauthorizedOperation', 'no', 403),
      ]),
      [
        'DescribeAutoScalingGroups',
        'autoscaling:DescribeAutoScalingGroups',
        'bastion groups',
        queryError('AccessDenied', 'no', 403),
      ],
      [
        'DescribeLoadBalancers',
        'elasticloadbalancing:DescribeLoadBalancers',
        'load balancers',
        queryError('AccessDenied', 'no', 403),
      ],
      ['DescribeDBInstances', 'rds:DescribeDBInstances', 'postgres', queryError('AccessDenied', 'no', 403)],
      [
        'DescribeCacheClusters',
        'elasticache:DescribeCacheClusters',
        'redis',
        queryError('AccessDenied', 'no', 403),
      ],
      [
        'DescribeReplicationGroups',
        'elasticache:DescribeReplicationGroups',
        'redis',
        queryError('AccessDenied', 'no', 403),
      ],
      [
        'GET /api/v2/clusters',
        'kafka:ListClustersV2',
        'kafka',
        jsonError('AccessDeniedException', 'no', 403),
      ],
      ['GET /', 's3:ListAllMyBuckets', 'buckets', s3Error('AccessDenied', 403)],
      ['DescribeTrails', 'cloudtrail:DescribeTrails', 'trail', jsonError('AccessDeniedException', 'no')],
      ['GetTrailStatus', 'cloudtrail:GetTrailStatus', 'trail', jsonError('AccessDeniedException', 'no')],
    ]
    it('is an action among those that the policy of status holds, each', () => {
      const needed = new Set(needsOf(['status']).map(({ action }) => action))
      for (const [, action] of denials) assert.ok(needed.has(action), action)
    })

    for (const [operation, action, part, answer] of denials)
      it(`a refusal of ${action} is named, and takes nothing else away`, async () => {
        const { inventory } = await discover({ [operation]: () => answer })
        assert.deepEqual(
          inventory.unreadable.map((refused) => [refused.part, refused.action, refused.error.code]),
          [[part, action, 'permission-denied']],
        )
        const lost = Object.entries(countsOf(whole)).filter(
          ([name, count]) => countsOf(inventory)[name] !== count,
        )
        assert.deepEqual(
          lost.map(([name]) => name),
          LOST_WITH[action] ?? [part],
        )
      })

    it('a call that fails in the middle of its pages leaves that part out, and the rest in', async () => {
      const { inventory } = await discover({
        DescribeDBInstances: (_, count) =>
          count === 1
            ? databases(database('paragon-acme-a'), 'two')
            : queryError('InternalFailure', 'oops', 500),
      })
      assert.deepEqual(
        inventory.unreadable.map(({ part, error }) => [part, error.code]),
        [['postgres', 'endpoint-unreachable']],
      )
      assert.deepEqual(
        inventory.datastores.map(({ name }) => name),
        ['redis-cache', 'redis-queue', 'kafka'],
      )
    })

    it('a part that is throttled is asked again, and given up in the end', async () => {
      const slow = queryError('Throttling', 'Rate exceeded', 400)
      const { inventory, counts } = await discover(
        {
          DescribeDBInstances: (_, count) => (count < 3 ? slow : databases(database('paragon-acme'))),
          DescribeCacheClusters: () => slow,
        },
        ['postgres', 'redis'],
      )
      assert.equal(counts.get('DescribeDBInstances'), 3)
      assert.equal(counts.get('DescribeCacheClusters'), 4)
      assert.deepEqual(
        inventory.unreadable.map(({ part, error }) => [part, error.code]),
        [['redis', 'throttled']],
      )
      assert.deepEqual(
        inventory.datastores.map(({ name }) => name),
        ['postgres', 'redis'],
      )
    })

    it('is an error as a whole where credentials are of no use, whichever part says so', async () => {
      await assert.rejects(
        discover({ GetTrailStatus: () => jsonError('ExpiredTokenException', 'expired') }),
        (error) => isPgctlError(error, 'credentials-expired'),
      )
    })

    for (const last of [1, 2, 5, 9, 14, 20, 27, 32])
      it(`ends at once with the reason of a signal that comes with call ${last}`, async () => {
        const stop = new AbortController()
        const reason = new PgctlError('interrupted', 'enough')
        let calls = 0
        const script = Object.fromEntries(
          Object.entries(INSTALLATION).map(([operation, answer]): [string, Script[string]] => [
            operation,
            (...given) => {
              if (++calls >= last) stop.abort(reason)
              return calls > last ? 'silence' : answer(...given)
            },
          ]),
        )
        await assert.rejects(
          discoverScripted(script, { parts: DISCOVERY_PARTS }, stop.signal),
          (error) => error === reason,
        )
      })
  })
})
