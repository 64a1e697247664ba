/** What stands around an installation: its entrance, its message broker and its audit trail. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CloudTrailClient, DescribeTrailsCommand, GetTrailStatusCommand } from '@aws-sdk/client-cloudtrail'
import {
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import {
  DescribeClusterV2Command,
  GetBootstrapBrokersCommand,
  KafkaClient,
  ListClustersV2Command,
} from '@aws-sdk/client-kafka'
import { ACME } from '#sandbox/worlds/acme.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { stageCloud } from '../support/cloud-stage.ts'
import { errorOf } from '../support/sdk-clients.ts'

const { fixture, clients } = await stageCloud()

describe('load balancers', { timeout: 30_000 }, () => {
  const elb = async (world: World) => clients.of(ElasticLoadBalancingV2Client, await clients.into(world))

  it('have one that faces the internet, in every public zone, with its listeners and tags', async () => {
    const client = await elb(GLOBEX)
    const { LoadBalancers } = await client.send(new DescribeLoadBalancersCommand({}))
    const [only, ...others] = LoadBalancers ?? []
    assert.deepEqual(others, [])
    assert.deepEqual(
      [only?.LoadBalancerName, only?.Scheme, only?.Type],
      [GLOBEX.workspace, 'internet-facing', 'application'],
    )
    assert.deepEqual(
      only?.AvailabilityZones?.map(({ ZoneName }) => ZoneName),
      ['us-east-1a', 'us-east-1b'],
    )
    assert.equal(only?.VpcId, GLOBEX.network.vpcId)
    const { LoadBalancerArn = '' } = only ?? {}
    const { Listeners } = await client.send(new DescribeListenersCommand({ LoadBalancerArn }))
    assert.deepEqual(
      Listeners?.map(({ Port, Protocol, DefaultActions }) => [Port, Protocol, DefaultActions?.[0]?.Type]),
      [
        [443, 'HTTPS', 'forward'],
        [80, 'HTTP', 'redirect'],
      ],
    )
    const { TagDescriptions } = await client.send(
      new DescribeTagsCommand({ ResourceArns: [LoadBalancerArn] }),
    )
    assert.ok(
      TagDescriptions?.[0]?.Tags?.some(({ Key, Value }) => Key === 'Organization' && Value === 'globex'),
    )
  })

  it('refuse what is not there, and a question about nothing', async () => {
    const client = await elb(ACME)
    const ROWS: ReadonlyArray<[Promise<unknown>, string]> = [
      [client.send(new DescribeLoadBalancersCommand({ Names: ['x'] })), 'LoadBalancerNotFoundException'],
      [client.send(new DescribeListenersCommand({ LoadBalancerArn: 'x' })), 'LoadBalancerNotFoundException'],
      [client.send(new DescribeListenersCommand({ ListenerArns: ['x'] })), 'ListenerNotFoundException'],
      [client.send(new DescribeListenersCommand({})), 'ValidationError'],
      [client.send(new DescribeTagsCommand({ ResourceArns: [] })), 'ValidationError'],
    ]
    for (const [call, name] of ROWS) assert.equal((await errorOf(call)).name, name)
  })
})

describe('MSK', { timeout: 30_000 }, () => {
  const kafka = async (world: World) => clients.of(KafkaClient, await clients.into(world))

  it('has a cluster where the installation has one, private and by TLS', async () => {
    const client = await kafka(GLOBEX)
    const { ClusterInfoList } = await client.send(
      new ListClustersV2Command({ ClusterNameFilter: GLOBEX.workspace }),
    )
    const [only, ...others] = ClusterInfoList ?? []
    assert.deepEqual(others, [])
    assert.deepEqual(
      [only?.ClusterName, only?.ClusterType, only?.State],
      [GLOBEX.workspace, 'PROVISIONED', 'ACTIVE'],
    )
    assert.ok(only?.CreationTime instanceof Date)
    const { ClusterArn } = only ?? {}
    const { ClusterInfo } = await client.send(new DescribeClusterV2Command({ ClusterArn }))
    const { Provisioned } = ClusterInfo ?? {}
    assert.equal(Provisioned?.NumberOfBrokerNodes, 2)
    assert.equal(Provisioned?.CurrentBrokerSoftwareInfo?.KafkaVersion, '3.8.x')
    assert.equal(Provisioned?.BrokerNodeGroupInfo?.ConnectivityInfo?.PublicAccess?.Type, 'DISABLED')
    const brokers = await client.send(new GetBootstrapBrokersCommand({ ClusterArn }))
    assert.match(
      brokers.BootstrapBrokerStringTls ?? '',
      /^b-1\.[a-z0-9]+\.[0-9a-f]{6}\.c3\.kafka\.us-east-1\.amazonaws\.com:9094,b-2\./,
    )
    assert.deepEqual((await (await kafka(ACME)).send(new ListClustersV2Command({}))).ClusterInfoList, [])
  })

  it('refuses and throttles in its own words', async () => {
    const client = await kafka(GLOBEX)
    const ClusterArn = `arn:aws:kafka:us-east-1:${GLOBEX.account}:cluster/none/1`
    const missing = await errorOf(client.send(new DescribeClusterV2Command({ ClusterArn })))
    assert.deepEqual([missing.name, missing.$metadata.httpStatusCode], ['NotFoundException', 404])
    const size = await errorOf(client.send(new ListClustersV2Command({ MaxResults: 1000 })))
    assert.equal(size.name, 'BadRequestException')
    fixture.cloud.state.turn({ throttle: { 'kafka:ListClustersV2': 1 }, deny: ['kafka:GetBootstrapBrokers'] })
    assert.equal((await errorOf(client.send(new ListClustersV2Command({})))).name, 'TooManyRequestsException')
    const denied = await errorOf(client.send(new GetBootstrapBrokersCommand({ ClusterArn })))
    assert.equal(denied.name, 'AccessDeniedException')
  })
})

describe('CloudTrail', { timeout: 30_000 }, () => {
  it('has a trail that logs, in a bucket of the installation', async () => {
    for (const world of [ACME, GLOBEX]) {
      const client = clients.of(CloudTrailClient, await clients.into(world))
      const { trailList } = await client.send(new DescribeTrailsCommand({}))
      assert.deepEqual(
        trailList?.map(({ Name, S3BucketName }) => [Name, S3BucketName]),
        [[`${world.workspace}-cloudtrail`, `${world.workspace}-logs`]],
      )
      const status = await client.send(new GetTrailStatusCommand({ Name: trailList?.[0]?.TrailARN }))
      assert.equal(status.IsLogging, true)
      assert.ok(status.LatestDeliveryTime instanceof Date)
      assert.deepEqual(
        (await client.send(new DescribeTrailsCommand({ trailNameList: ['none'] }))).trailList,
        [],
      )
      const error = await errorOf(client.send(new GetTrailStatusCommand({ Name: 'none' })))
      assert.equal(error.name, 'TrailNotFoundException')
    }
  })

  it('may be off, or not there', async () => {
    const client = clients.of(CloudTrailClient)
    const Name = `${ACME.workspace}-cloudtrail`
    fixture.cloud.state.turn({ trail: 'off' })
    const status = await client.send(new GetTrailStatusCommand({ Name }))
    assert.equal(status.IsLogging, false)
    assert.ok((status.StopLoggingTime?.getTime() ?? 0) >= (status.LatestDeliveryTime?.getTime() ?? Infinity))
    fixture.cloud.state.turn({ trail: 'missing' })
    assert.deepEqual((await client.send(new DescribeTrailsCommand({}))).trailList, [])
    assert.equal(
      (await errorOf(client.send(new GetTrailStatusCommand({ Name })))).name,
      'TrailNotFoundException',
    )
  })
})
