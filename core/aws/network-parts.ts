import type { AwsConnection } from '#core/aws/clients.ts'
import {
  DESCRIBE_ADDRESSES,
  DESCRIBE_INTERNET_GATEWAYS,
  DESCRIBE_NAT_GATEWAYS,
  DESCRIBE_ROUTE_TABLES,
  DESCRIBE_SUBNETS,
  DESCRIBE_VPC_ENDPOINTS,
  DESCRIBE_VPCS,
  describeElasticAddresses,
  describeInternetGateways,
  describeNatGateways,
  describeRouteTables,
  describeSubnets,
  describeVpcEndpoints,
  describeVpcs,
} from '#core/aws/network.ts'
import { type Reading, reading } from '#core/aws/reading.ts'
import { classifySubnets, type ElasticAddress, type Network } from '#core/installation/network.ts'

/** A VPC before anything in it has been read. */
export type Vpc = Pick<Network, 'id' | 'name' | 'ranges'>

/**
 * The VPC of that name; where none has it, the one that the cluster says it is in. Of several the cluster's own
 * counts, and without a cluster the first.
 */
export async function findVpc(
  connection: AwsConnection,
  name: string,
  clusterVpc: Promise<string | undefined>,
  signal: AbortSignal | undefined,
): Promise<Reading<Vpc>> {
  const byName = await reading('network', DESCRIBE_VPCS, () => describeVpcs(connection, { name }, signal))
  const id = await clusterVpc
  if (byName.value === undefined) {
    // Its ranges are not known then, and everything that is asked for by its id still is.
    const known = id === undefined ? undefined : { id, name: undefined, ranges: [] }
    return { value: known, unreadable: byName.unreadable }
  }
  const found = byName.value.find((vpc) => vpc.id === id) ?? byName.value[0]
  if (found !== undefined || id === undefined) return { value: found, unreadable: [] }
  const byCluster = await reading('network', DESCRIBE_VPCS, () => describeVpcs(connection, { id }, signal))
  return { value: byCluster.value?.[0], unreadable: byCluster.unreadable }
}

/** What is in a VPC, each part on its own: one that may not be read leaves the others. */
export async function readNetwork(
  connection: AwsConnection,
  vpc: Reading<Vpc>,
  addresses: Promise<Reading<ElasticAddress[]>>,
  signal: AbortSignal | undefined,
): Promise<Reading<Network>> {
  const { id } = vpc.value ?? {}
  if (vpc.value === undefined || id === undefined) {
    const { unreadable } = await addresses
    return { value: undefined, unreadable: [...vpc.unreadable, ...unreadable] }
  }
  const [subnets, tables, gateways, internet, endpoints, elastic] = await Promise.all([
    reading('subnets', DESCRIBE_SUBNETS, () => describeSubnets(id)(connection, signal)),
    reading('route tables', DESCRIBE_ROUTE_TABLES, () => describeRouteTables(id)(connection, signal)),
    reading('NAT gateways', DESCRIBE_NAT_GATEWAYS, () => describeNatGateways(id)(connection, signal)),
    reading('internet gateways', DESCRIBE_INTERNET_GATEWAYS, () =>
      describeInternetGateways(id)(connection, signal),
    ),
    reading('VPC endpoints', DESCRIBE_VPC_ENDPOINTS, () => describeVpcEndpoints(id)(connection, signal)),
    addresses,
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
  return reading('elastic addresses', DESCRIBE_ADDRESSES, () =>
    describeElasticAddresses(name)(connection, signal),
  )
}
