/** The network of an installation, and its groups of machines, as the vendor's own SDK reads them. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from '@aws-sdk/client-auto-scaling'
import {
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeInternetGatewaysCommand,
  DescribeNatGatewaysCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
  EC2Client,
  paginateDescribeSubnets,
} from '@aws-sdk/client-ec2'
import { ACME } from '#sandbox/worlds/acme.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { stageCloud } from '../support/cloud-stage.ts'
import { errorOf } from '../support/sdk-clients.ts'

const { fixture, clients } = await stageCloud()

const ec2 = async (world: World) => clients.of(EC2Client, await clients.into(world))
const inVpc = ({ network }: World) => ({ Filters: [{ Name: 'vpc-id', Values: [network.vpcId] }] })
const EXPECTED = [
  { world: ACME, zones: ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'], nats: 1 },
  { world: GLOBEX, zones: ['us-east-1a', 'us-east-1b'], nats: 2 },
]

for (const { world, zones, nats } of EXPECTED)
  describe(`the network of ${world.organization}`, { timeout: 30_000 }, () => {
    it('is one VPC, found by its name', async () => {
      const { Vpcs } = await (await ec2(world)).send(
        new DescribeVpcsCommand({ Filters: [{ Name: 'tag:Name', Values: [`${world.workspace}-vpc`] }] }),
      )
      assert.equal(Vpcs?.length, 1)
      assert.equal(Vpcs[0]?.VpcId, world.network.vpcId)
      assert.equal(Vpcs[0]?.CidrBlock, world.network.cidr)
      assert.equal(Vpcs[0]?.IsDefault, false)
      assert.equal(Vpcs[0]?.OwnerId, world.account)
    })

    it('has public subnets that lead out, and private ones behind a NAT gateway, in every zone', async () => {
      const client = await ec2(world)
      const { Subnets = [] } = await client.send(new DescribeSubnetsCommand(inVpc(world)))
      const { RouteTables = [] } = await client.send(new DescribeRouteTablesCommand(inVpc(world)))
      const { NatGateways = [] } = await client.send(
        new DescribeNatGatewaysCommand({ Filter: inVpc(world).Filters }),
      )
      const { InternetGateways = [] } = await client.send(
        new DescribeInternetGatewaysCommand({
          Filters: [{ Name: 'attachment.vpc-id', Values: [world.network.vpcId] }],
        }),
      )
      assert.equal(NatGateways.length, nats)
      assert.equal(InternetGateways.length, 1)
      const wayOut = (subnetId: string | undefined) => {
        const table = RouteTables.find(({ Associations }) =>
          Associations?.some((association) => association.SubnetId === subnetId),
        )
        return table?.Routes?.find(({ DestinationCidrBlock: to }) => to === '0.0.0.0/0')
      }
      const kinds = Subnets.map(({ SubnetId, AvailabilityZone }) => {
        const out = wayOut(SubnetId)
        if (out?.GatewayId === InternetGateways[0]?.InternetGatewayId) return `public ${AvailabilityZone}`
        assert.ok(NatGateways.some(({ NatGatewayId }) => NatGatewayId === out?.NatGatewayId))
        return `private ${AvailabilityZone}`
      })
      const expected = zones.flatMap((zone) => [`private ${zone}`, `public ${zone}`])
      assert.deepEqual([...new Set(kinds)].sort(), expected.sort())
      for (const { SubnetId, State, NatGatewayAddresses } of NatGateways) {
        assert.equal(State, 'available')
        assert.equal(wayOut(SubnetId)?.GatewayId, InternetGateways[0]?.InternetGatewayId)
        const { Addresses } = await client.send(
          new DescribeAddressesCommand({ AllocationIds: [NatGatewayAddresses?.[0]?.AllocationId ?? ''] }),
        )
        assert.equal(Addresses?.[0]?.PublicIp, NatGatewayAddresses?.[0]?.PublicIp)
      }
    })

    it('reaches S3 and sessions without a way out', async () => {
      const { VpcEndpoints = [] } = await (await ec2(world)).send(
        new DescribeVpcEndpointsCommand(inVpc(world)),
      )
      const named = new Map(
        VpcEndpoints.map((endpoint) => [endpoint.ServiceName?.split('.').pop(), endpoint]),
      )
      assert.deepEqual([...named.keys()].sort(), ['ec2messages', 's3', 'ssm', 'ssmmessages'])
      assert.equal(named.get('s3')?.VpcEndpointType, 'Gateway')
      assert.equal(named.get('s3')?.RouteTableIds?.length, nats)
      assert.equal(named.get('ssm')?.PrivateDnsEnabled, true)
    })

    it('lets nobody in to the bastion, which is alone in its group', async () => {
      const overrides = await clients.into(world)
      const client = clients.of(EC2Client, overrides)
      const { Reservations } = await client.send(
        new DescribeInstancesCommand({ InstanceIds: [world.bastion.instanceId] }),
      )
      const bastion = Reservations?.[0]?.Instances?.[0]
      assert.equal(bastion?.PublicIpAddress, undefined)
      assert.ok(bastion?.IamInstanceProfile?.Arn?.endsWith(`instance-profile/${world.bastion.role}`))
      const { SecurityGroups } = await client.send(
        new DescribeSecurityGroupsCommand({
          GroupIds: bastion?.SecurityGroups?.map(({ GroupId = '' }) => GroupId) ?? [],
        }),
      )
      assert.deepEqual(
        SecurityGroups?.map(({ GroupName, IpPermissions }) => [GroupName, IpPermissions ?? []]),
        [[world.bastion.name, []]],
      )
      const { AutoScalingGroups } = await clients
        .of(AutoScalingClient, overrides)
        .send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [world.bastion.name] }))
      const [group, ...others] = AutoScalingGroups ?? []
      assert.deepEqual(others, [])
      assert.deepEqual([group?.MinSize, group?.DesiredCapacity, group?.MaxSize], [1, 1, 1])
      assert.deepEqual(
        group?.Instances?.map(({ InstanceId, HealthStatus }) => [InstanceId, HealthStatus]),
        [[world.bastion.instanceId, 'Healthy']],
      )
      assert.equal(group?.VPCZoneIdentifier, bastion?.SubnetId)
    })
  })

describe('listings of EC2', { timeout: 30_000 }, () => {
  it('page, and pass over what a filter leaves out', async () => {
    const sizes: number[] = []
    for await (const page of paginateDescribeSubnets(
      { client: await ec2(ACME), pageSize: 5 },
      { Filters: [{ Name: 'tag:Name', Values: ['*-public-*'] }] },
    ))
      sizes.push(page.Subnets?.length ?? 0)
    assert.deepEqual([sizes.length, sizes.reduce((a, b) => a + b)], [2, 3])
  })

  it('refuse what is not there, what is no id, and what cannot be filtered by', async () => {
    const client = await ec2(ACME)
    const colour = { Filters: [{ Name: 'colour', Values: ['red'] }] }
    const ROWS: ReadonlyArray<[Promise<unknown>, string]> = [
      [client.send(new DescribeVpcsCommand({ VpcIds: ['vpc-00000000'] })), 'InvalidVpcID.NotFound'],
      [client.send(new DescribeVpcsCommand({ VpcIds: ['main'] })), 'InvalidVpcID.Malformed'],
      [
        client.send(new DescribeSubnetsCommand({ SubnetIds: ['subnet-00000000'] })),
        'InvalidSubnetID.NotFound',
      ],
      [
        client.send(new DescribeNatGatewaysCommand({ NatGatewayIds: ['nat-00000000'] })),
        'NatGatewayNotFound',
      ],
      [
        client.send(new DescribeSecurityGroupsCommand({ GroupIds: ['sg-00000000'] })),
        'InvalidGroup.NotFound',
      ],
      [client.send(new DescribeVpcEndpointsCommand(colour)), 'InvalidParameterValue'],
      [client.send(new DescribeRouteTablesCommand({ MaxResults: 101 })), 'InvalidParameterValue'],
    ]
    for (const [call, name] of ROWS) assert.equal((await errorOf(call)).name, name)
  })

  it('of an account without an installation are empty', async () => {
    fixture.cloud.state.turn({ account: '999988887777' })
    const client = clients.of(EC2Client)
    assert.deepEqual((await client.send(new DescribeVpcsCommand({}))).Vpcs ?? [], [])
    assert.deepEqual((await client.send(new DescribeSecurityGroupsCommand({}))).SecurityGroups ?? [], [])
  })
})

describe('what knobs make of them', { timeout: 30_000 }, () => {
  it('a bastion with an address and an open port', async () => {
    fixture.cloud.state.turn({ exposed: ['bastion-address', 'bastion-port'] })
    const client = clients.of(EC2Client)
    const { Reservations } = await client.send(
      new DescribeInstancesCommand({ InstanceIds: [ACME.bastion.instanceId] }),
    )
    const address = Reservations?.[0]?.Instances?.[0]?.PublicIpAddress
    const { Addresses } = await client.send(
      new DescribeAddressesCommand({ Filters: [{ Name: 'instance-id', Values: [ACME.bastion.instanceId] }] }),
    )
    assert.equal(Addresses?.[0]?.PublicIp, address)
    const { SecurityGroups } = await client.send(
      new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'group-name', Values: [ACME.bastion.name] }] }),
    )
    const [rule] = SecurityGroups?.[0]?.IpPermissions ?? []
    assert.deepEqual([rule?.FromPort, rule?.IpRanges?.[0]?.CidrIp], [22, '0.0.0.0/0'])
  })

  it('pages of two, a listing that never ends, and one that fails on its second page', async () => {
    fixture.cloud.state.turn({ pageSize: 2, endless: ['ec2:DescribeVpcEndpoints'] })
    const client = clients.of(EC2Client)
    const first = await client.send(new DescribeVpcEndpointsCommand({}))
    assert.equal(first.VpcEndpoints?.length, 2)
    const second = await client.send(new DescribeVpcEndpointsCommand({ NextToken: first.NextToken }))
    assert.equal(second.NextToken, first.NextToken)
    fixture.cloud.state.turn({ fail: { 'ec2:DescribeSubnets': 'later-pages' } })
    const page = await client.send(new DescribeSubnetsCommand({}))
    assert.equal(page.Subnets?.length, 2)
    const error = await errorOf(client.send(new DescribeSubnetsCommand({ NextToken: page.NextToken })))
    assert.deepEqual([error.name, error.$metadata.httpStatusCode], ['InternalError', 500])
  })
})
