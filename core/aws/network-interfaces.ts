import type { NetworkInterface as Described } from '@aws-sdk/client-ec2'
import type { AwsConnection } from '#core/aws/clients.ts'
import { type Ec2List, inVpc, listEc2 } from '#core/aws/ec2-list.ts'
import type { NetworkInterface } from '#core/installation/interfaces.ts'

/** The network interfaces in a VPC. */
export function findInterfaces(
  connection: AwsConnection,
  vpcId: string,
  signal?: AbortSignal,
): Promise<NetworkInterface[]> {
  const list: Ec2List<NetworkInterface> = {
    action: 'ec2:DescribeNetworkInterfaces',
    what: `the network interfaces of ${vpcId}`,
    fetch: async (sdk, client, NextToken, options) => {
      const input = { Filters: inVpc(vpcId), NextToken }
      const page = await client.send(new sdk.DescribeNetworkInterfacesCommand(input), options)
      return { items: page.NetworkInterfaces?.flatMap(toInterface), next: page.NextToken }
    },
  }
  return listEc2(connection, list, signal)
}

/** The ids of the instances that are nodes of a cluster. */
export function findNodes(
  connection: AwsConnection,
  cluster: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const list: Ec2List<string> = {
    action: 'ec2:DescribeInstances',
    what: `the nodes of ${cluster}`,
    fetch: async (sdk, client, NextToken, options) => {
      const Filters = [{ Name: 'tag-key', Values: [`kubernetes.io/cluster/${cluster}`] }]
      const page = await client.send(new sdk.DescribeInstancesCommand({ Filters, NextToken }), options)
      const instances = page.Reservations?.flatMap(({ Instances }) => Instances ?? [])
      return { items: instances?.flatMap(({ InstanceId }) => InstanceId ?? []), next: page.NextToken }
    },
  }
  return listEc2(connection, list, signal)
}

/** `AWS Lambda VPC ENI-NAME-UUID` is what Lambda calls its own. */
const FUNCTION = /^AWS Lambda VPC ENI-(.+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** What the cluster's network plugin calls those that it adds to a node for pods. */
const POD = /^aws-K8S-(i-[0-9a-f]+)$/
const GATEWAY = /^Interface for NAT Gateway (\S+)$/
const ENDPOINT = /^VPC Endpoint Interface (\S+)$/

function toInterface({
  NetworkInterfaceId: id,
  Description,
  InterfaceType,
  Attachment,
}: Described): NetworkInterface[] {
  if (id === undefined) return []
  const description = Description ?? ''
  // The service writes it in another way than its own description of the API does.
  const type: string | undefined = InterfaceType
  const named = (pattern: RegExp) => pattern.exec(description)?.[1]
  if (type === 'lambda' || FUNCTION.test(description))
    return [{ id, kind: 'function', owner: named(FUNCTION) ?? description }]
  if (type === 'nat_gateway' || type === 'natGateway')
    return [{ id, kind: 'nat', owner: named(GATEWAY) ?? description }]
  if (type === 'vpc_endpoint') return [{ id, kind: 'endpoint', owner: named(ENDPOINT) ?? description }]
  const pod = named(POD)
  if (pod !== undefined) return [{ id, kind: 'pod', owner: pod }]
  const instance = Attachment?.InstanceId
  if (instance !== undefined && instance !== '') return [{ id, kind: 'instance', owner: instance }]
  return [{ id, kind: 'other', owner: description === '' ? 'unnamed' : description }]
}
