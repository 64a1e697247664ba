import type { AwsConnection } from '#core/aws/clients.ts'
import { type Ec2List, listEc2 } from '#core/aws/ec2-list.ts'
import { type Reading, reading } from '#core/aws/reading.ts'
import { internetGatewaysOf, natGatewaysIn, routeTablesIn } from '#core/aws/route-lists.ts'
import { elasticAddressesNamed, endpointsIn, subnetsIn, type Vpc, vpcsWith } from '#core/aws/vpc-lists.ts'
import type { InventoryPart } from '#core/installation/inventory.ts'
import { classifySubnets, type ElasticAddress, type Network } from '#core/installation/network.ts'

/** One list of EC2 as a part of the inventory. */
function part<Item>(
  name: InventoryPart,
  list: Ec2List<Item>,
  connection: AwsConnection,
  signal: AbortSignal | undefined,
): Promise<Reading<Item[]>> {
  return reading(name, list.action, () => listEc2(connection, list, signal))
}

/**
 * The VPC of that name; where none has it, the one that the cluster says it is in. Of several the cluster's own
 * counts, and without a cluster the first.
 */
export async function findVpc(
  connection: AwsConnection,
  name: string,
  clusterVpc: () => Promise<string | undefined>,
  signal: AbortSignal | undefined,
): Promise<Reading<Vpc>> {
  const byName = await part('network', vpcsWith({ name }), connection, signal)
  const id = await clusterVpc()
  if (byName.value === undefined) {
    // Its ranges are not known then, and everything that is asked for by its id still is.
    const known = id === undefined ? undefined : { id, name: undefined, ranges: [] }
    return { value: known, unreadable: byName.unreadable }
  }
  const found = byName.value.find((vpc) => vpc.id === id) ?? byName.value[0]
  if (found !== undefined || id === undefined) return { value: found, unreadable: [] }
  const byCluster = await part('network', vpcsWith({ id }), connection, signal)
  return { value: byCluster.value?.[0], unreadable: byCluster.unreadable }
}

/** What is in a VPC, each part on its own: one that may not be read leaves the others. */
export async function readNetwork(
  connection: AwsConnection,
  vpc: Reading<Vpc>,
  elastic: Reading<ElasticAddress[]>,
  signal: AbortSignal | undefined,
): Promise<Reading<Network>> {
  const { id } = vpc.value ?? {}
  if (vpc.value === undefined || id === undefined) {
    return { value: undefined, unreadable: [...vpc.unreadable, ...elastic.unreadable] }
  }
  const [subnets, tables, gateways, internet, endpoints] = await Promise.all([
    part('subnets', subnetsIn(id), connection, signal),
    part('route tables', routeTablesIn(id), connection, signal),
    part('NAT gateways', natGatewaysIn(id), connection, signal),
    part('internet gateways', internetGatewaysOf(id), connection, signal),
    part('VPC endpoints', endpointsIn(id), connection, signal),
  ])
  const parts = [vpc, subnets, tables, gateways, internet, elastic, endpoints]
  return {
    value: {
      ...vpc.value,
      subnets: classifySubnets(subnets.value ?? [], tables.value),
      routeTables: tables.value ?? [],
      natGateways: gateways.value ?? [],
      internetGateways: internet.value ?? [],
      elasticAddresses: elastic.value ?? [],
      endpoints: endpoints.value ?? [],
    },
    unreadable: parts.flatMap(({ unreadable }) => unreadable),
  }
}

/** The elastic addresses by their name, which no network is needed for. */
export function findElasticAddresses(
  connection: AwsConnection,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Reading<ElasticAddress[]>> {
  return part('elastic addresses', elasticAddressesNamed(name), connection, signal)
}
