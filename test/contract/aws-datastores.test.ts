/** Databases, caches and buckets of the two installations, as the vendor's own SDK reads them. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  DescribeCacheClustersCommand,
  DescribeReplicationGroupsCommand,
  ElastiCacheClient,
} from '@aws-sdk/client-elasticache'
import { DescribeDBClustersCommand, DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds'
import { ACME } from '#sandbox/worlds/acme.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { stageCloud } from '../support/cloud-stage.ts'
import { errorOf } from '../support/sdk-clients.ts'

const { fixture, clients } = await stageCloud()

describe('RDS', { timeout: 30_000 }, () => {
  const rds = async (world: World) => clients.of(RDSClient, await clients.into(world))

  it('has the one database on premise, private, with its windows and its network', async () => {
    const { DBInstances } = await (await rds(ACME)).send(new DescribeDBInstancesCommand({}))
    const [only, ...others] = DBInstances ?? []
    assert.deepEqual(others, [])
    assert.equal(only?.DBInstanceIdentifier, ACME.workspace)
    assert.deepEqual(
      [only?.Engine, only?.EngineVersion, only?.DBInstanceStatus],
      ['postgres', '18.6', 'available'],
    )
    assert.deepEqual([only?.MultiAZ, only?.PubliclyAccessible, only?.StorageEncrypted], [false, false, true])
    assert.equal(only?.PreferredBackupWindow, '06:00-07:00')
    assert.equal(only?.PreferredMaintenanceWindow, 'tue:04:00-tue:05:00')
    assert.equal(only?.BackupRetentionPeriod, 7)
    assert.match(
      only?.Endpoint?.Address ?? '',
      /^paragon-acme-5d1f0c2e\.[a-z0-9]{12}\.eu-central-1\.rds\.amazonaws\.com$/,
    )
    assert.equal(only?.Endpoint?.Port, 5432)
    assert.equal(only?.DBSubnetGroup?.VpcId, ACME.network.vpcId)
    assert.equal(only?.DBSubnetGroup?.Subnets?.length, 4)
    assert.equal(only?.VpcSecurityGroups?.[0]?.Status, 'active')
    assert.ok(only?.InstanceCreateTime instanceof Date)
    assert.ok(only?.TagList?.some(({ Key, Value }) => Key === 'Organization' && Value === 'acme'))
  })

  it('has one for each part of a multi-tenant one, some of them in two zones', async () => {
    const { DBInstances = [] } = await (await rds(GLOBEX)).send(new DescribeDBInstancesCommand({}))
    assert.deepEqual(
      DBInstances.map(({ DBInstanceIdentifier: id, MultiAZ }) => [
        id?.slice(GLOBEX.workspace.length + 1),
        MultiAZ,
      ]),
      [
        ['cerberus', true],
        ['hermes', true],
        ['zeus', true],
        ['eventlogs', true],
        ['triggerkit', false],
        ['managed-sync', true],
      ],
    )
    for (const { MultiAZ, AvailabilityZone, SecondaryAvailabilityZone } of DBInstances)
      assert.equal(
        MultiAZ,
        SecondaryAvailabilityZone !== undefined && SecondaryAvailabilityZone !== AvailabilityZone,
      )
  })

  it('names one by its name or its ARN, filters, and knows no cluster', async () => {
    const client = await rds(GLOBEX)
    const id = `${GLOBEX.workspace}-zeus`
    const one = await client.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }))
    const arn = one.DBInstances?.[0]?.DBInstanceArn ?? ''
    assert.equal(arn, `arn:aws:rds:us-east-1:${GLOBEX.account}:db:${id}`)
    const same = await client.send(
      new DescribeDBInstancesCommand({ Filters: [{ Name: 'db-instance-id', Values: [arn] }] }),
    )
    assert.deepEqual(
      same.DBInstances?.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier),
      [id],
    )
    assert.deepEqual((await client.send(new DescribeDBClustersCommand({}))).DBClusters, [])
    const ROWS: ReadonlyArray<[Promise<unknown>, string, number]> = [
      [
        client.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'x' })),
        'DBInstanceNotFoundFault',
        404,
      ],
      [
        client.send(new DescribeDBClustersCommand({ DBClusterIdentifier: 'x' })),
        'DBClusterNotFoundFault',
        404,
      ],
      [client.send(new DescribeDBInstancesCommand({ MaxRecords: 5 })), 'InvalidParameterValue', 400],
      [client.send(new DescribeDBInstancesCommand({ Marker: 'x' })), 'InvalidParameterValue', 400],
      [
        client.send(new DescribeDBInstancesCommand({ Filters: [{ Name: 'colour', Values: ['red'] }] })),
        'InvalidParameterValue',
        400,
      ],
    ]
    for (const [call, name, status] of ROWS) {
      const error = await errorOf(call)
      assert.deepEqual([error.name, error.$metadata.httpStatusCode], [name, status])
    }
  })

  it('is refused, throttled and read page by page', async () => {
    const client = await rds(GLOBEX)
    fixture.cloud.state.turn({ pageSize: 4 })
    const first = await client.send(new DescribeDBInstancesCommand({}))
    const second = await client.send(new DescribeDBInstancesCommand({ Marker: first.Marker }))
    assert.deepEqual(
      [first.DBInstances?.length, second.DBInstances?.length, second.Marker],
      [4, 2, undefined],
    )
    fixture.cloud.state.turn({ throttle: { 'rds:DescribeDBInstances': 1 } })
    assert.equal((await errorOf(client.send(new DescribeDBInstancesCommand({})))).name, 'Throttling')
    fixture.cloud.state.turn({ deny: ['rds:DescribeDBInstances'] })
    const error = await errorOf(client.send(new DescribeDBInstancesCommand({})))
    assert.equal(error.name, 'AccessDenied')
    assert.match(
      error.message,
      /is not authorized to perform: rds:DescribeDBInstances on resource: arn:aws:rds:/,
    )
  })

  it('an exposed one is public, and is in the state that the knobs say', async () => {
    fixture.cloud.state.turn({ exposed: ['database'], database: 'storage-full' })
    const { DBInstances } = await (await rds(ACME)).send(new DescribeDBInstancesCommand({}))
    assert.equal(DBInstances?.[0]?.PubliclyAccessible, true)
    assert.equal(DBInstances?.[0]?.DBInstanceStatus, 'storage-full')
  })
})

describe('ElastiCache', { timeout: 30_000 }, () => {
  const cache = async (world: World) => clients.of(ElastiCacheClient, await clients.into(world))

  it('has the one standalone node on premise, whose address is told to who asks', async () => {
    const client = await cache(ACME)
    const { CacheClusters } = await client.send(new DescribeCacheClustersCommand({ ShowCacheNodeInfo: true }))
    const [only, ...others] = CacheClusters ?? []
    assert.deepEqual(others, [])
    assert.equal(only?.CacheClusterId, `${ACME.workspace}-redis`)
    assert.deepEqual([only?.Engine, only?.NumCacheNodes, only?.TransitEncryptionEnabled], ['redis', 1, false])
    assert.equal(only?.SnapshotWindow, '12:00-13:00')
    assert.match(
      only?.CacheNodes?.[0]?.Endpoint?.Address ?? '',
      /^paragon-acme-5d1f0c2e-redis\.[a-z0-9]{6}\.0001\.euc1\.cache\.amazonaws\.com$/,
    )
    const without = await client.send(new DescribeCacheClustersCommand({}))
    assert.deepEqual(without.CacheClusters?.[0]?.CacheNodes ?? [], [])
    assert.deepEqual((await client.send(new DescribeReplicationGroupsCommand({}))).ReplicationGroups, [])
  })

  it('has groups of shards in a multi-tenant one, whose nodes are listed as clusters too', async () => {
    const client = await cache(GLOBEX)
    const { ReplicationGroups = [] } = await client.send(new DescribeReplicationGroupsCommand({}))
    assert.deepEqual(
      ReplicationGroups.map(({ ReplicationGroupId: id, ClusterEnabled, NodeGroups, AutomaticFailover }) => [
        id?.slice(GLOBEX.workspace.length + 1),
        ClusterEnabled,
        NodeGroups?.map(({ Slots }) => Slots),
        AutomaticFailover,
      ]),
      [
        ['redis-cache', true, ['0-8191', '8192-16383'], 'enabled'],
        ['redis-sync', true, ['0-16383'], 'enabled'],
      ],
    )
    assert.match(ReplicationGroups[0]?.ConfigurationEndpoint?.Address ?? '', /^clustercfg\.paragon-globex-/)
    const { CacheClusters = [] } = await client.send(new DescribeCacheClustersCommand({}))
    const members = ReplicationGroups.flatMap(({ MemberClusters }) => MemberClusters ?? [])
    assert.equal(members.length, 6)
    for (const member of members)
      assert.ok(
        CacheClusters.some(({ CacheClusterId }) => CacheClusterId === member),
        member,
      )
    const alone = await client.send(
      new DescribeCacheClustersCommand({ ShowCacheClustersNotInReplicationGroups: true }),
    )
    assert.deepEqual(
      alone.CacheClusters?.map(({ CacheClusterId }) => CacheClusterId),
      [`${GLOBEX.workspace}-redis-queue`, `${GLOBEX.workspace}-redis-system`],
    )
  })

  it('refuses what is not there, and too small a page', async () => {
    const client = await cache(ACME)
    const ROWS: ReadonlyArray<[Promise<unknown>, string]> = [
      [client.send(new DescribeCacheClustersCommand({ CacheClusterId: 'x' })), 'CacheClusterNotFoundFault'],
      [
        client.send(new DescribeReplicationGroupsCommand({ ReplicationGroupId: 'x' })),
        'ReplicationGroupNotFoundFault',
      ],
      [client.send(new DescribeCacheClustersCommand({ MaxRecords: 1 })), 'InvalidParameterValueException'],
    ]
    for (const [call, name] of ROWS) assert.equal((await errorOf(call)).name, name)
  })
})
