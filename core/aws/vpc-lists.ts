import type {
  Address,
  VpcEndpoint as DescribedEndpoint,
  Subnet as DescribedSubnet,
  Vpc as DescribedVpc,
} from '@aws-sdk/client-ec2'
import { nameIn } from '#core/aws/ec2-client.ts'
import { type Ec2List, inVpc } from '#core/aws/ec2-list.ts'
import type { ElasticAddress, Network, Subnet, VpcEndpoint } from '#core/installation/network.ts'

/** A network and what stands in it. Names may be patterns with `*`, as EC2's filters take them. */

/** A VPC before anything in it has been read. */
export type Vpc = Pick<Network, 'id' | 'name' | 'ranges'>

/** The VPCs of that name, or with that id. */
export function vpcsWith(which: { readonly name: string } | { readonly id: string }): Ec2List<Vpc> {
  const [Name, value] = 'name' in which ? ['tag:Name', which.name] : ['vpc-id', which.id]
  return {
    action: 'ec2:DescribeVpcs',
    what: `the VPC ${value}`,
    fetch: async (sdk, client, NextToken, options) => {
      const input = { Filters: [{ Name, Values: [value] }], NextToken }
      const page = await client.send(new sdk.DescribeVpcsCommand(input), options)
      return { items: page.Vpcs?.flatMap(toVpc), next: page.NextToken }
    },
  }
}

function toVpc({ VpcId: id, Tags, CidrBlock, CidrBlockAssociationSet = [] }: DescribedVpc): Vpc[] {
  if (id === undefined) return []
  const more = CidrBlockAssociationSet.filter(
    ({ CidrBlockState }) => CidrBlockState?.State !== 'disassociated',
  )
  const ranges = new Set(
    [CidrBlock, ...more.map((each) => each.CidrBlock)].filter((range) => range !== undefined),
  )
  return [{ id, name: nameIn(Tags), ranges: [...ranges] }]
}

export function subnetsIn(vpcId: string): Ec2List<Omit<Subnet, 'kind'>> {
  return {
    action: 'ec2:DescribeSubnets',
    what: `the subnets of ${vpcId}`,
    fetch: async (sdk, client, NextToken, options) => {
      const input = { Filters: inVpc(vpcId), NextToken }
      const page = await client.send(new sdk.DescribeSubnetsCommand(input), options)
      return { items: page.Subnets?.flatMap(toSubnet), next: page.NextToken }
    },
  }
}

function toSubnet({
  SubnetId: id,
  Tags,
  AvailabilityZone,
  CidrBlock,
}: DescribedSubnet): Omit<Subnet, 'kind'>[] {
  return id === undefined ? [] : [{ id, name: nameIn(Tags), zone: AvailabilityZone, range: CidrBlock }]
}

export function endpointsIn(vpcId: string): Ec2List<VpcEndpoint> {
  return {
    action: 'ec2:DescribeVpcEndpoints',
    what: `the VPC endpoints of ${vpcId}`,
    fetch: async (sdk, client, NextToken, options) => {
      const input = { Filters: inVpc(vpcId), NextToken }
      const page = await client.send(new sdk.DescribeVpcEndpointsCommand(input), options)
      return { items: page.VpcEndpoints?.flatMap(toEndpoint), next: page.NextToken }
    },
  }
}

function toEndpoint(endpoint: DescribedEndpoint): VpcEndpoint[] {
  const { VpcEndpointId: id, ServiceName: service = 'unknown', VpcEndpointType, State, Tags } = endpoint
  const type = (VpcEndpointType ?? 'unknown').toLowerCase()
  const state = (State ?? 'unknown').toLowerCase()
  return id === undefined ? [] : [{ id, name: nameIn(Tags), service, type, state }]
}

/** An elastic address belongs to no network: it is found by its name. The list has no pages. */
export function elasticAddressesNamed(name: string): Ec2List<ElasticAddress> {
  return {
    action: 'ec2:DescribeAddresses',
    what: `the elastic addresses ${name}`,
    fetch: async (sdk, client, _, options) => {
      const input = { Filters: [{ Name: 'tag:Name', Values: [name] }] }
      const page = await client.send(new sdk.DescribeAddressesCommand(input), options)
      return { items: page.Addresses?.flatMap(toElasticAddress), next: undefined }
    },
  }
}

function toElasticAddress(each: Address): ElasticAddress[] {
  const { AllocationId: id, PublicIp: address, InstanceId, NetworkInterfaceId } = each
  if (id === undefined || address === undefined) return []
  return [{ id, name: nameIn(each.Tags), address, usedBy: InstanceId || NetworkInterfaceId || undefined }]
}
