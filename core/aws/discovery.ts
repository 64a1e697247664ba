import { findBastionGroups, findBastions, findSecurityGroups } from '#core/aws/bastions.ts'
import { limitCalls } from '#core/aws/call-limit.ts'
import type { AwsConnection } from '#core/aws/clients.ts'
import { findTrail } from '#core/aws/cloudtrail.ts'
import { findDatastores } from '#core/aws/datastore-parts.ts'
import { DESCRIBE_CLUSTER, describeCluster } from '#core/aws/eks.ts'
import { DESCRIBE_LOAD_BALANCERS, describeLoadBalancers } from '#core/aws/load-balancers.ts'
import { findElasticAddresses, findVpc, readNetwork } from '#core/aws/network-parts.ts'
import { NOT_ASKED, type Reading, reading } from '#core/aws/reading.ts'
import { findBuckets } from '#core/aws/s3.ts'
import type { Vpc } from '#core/aws/vpc-lists.ts'
import type { Discovery, DiscoveryPart, DiscoveryQuery } from '#core/installation/discovery.ts'
import type { Bastion, Inventory, Unreadable } from '#core/installation/inventory.ts'
import type { LoadBalancer, Network, ScalingGroup, SecurityGroup } from '#core/installation/network.ts'

/** Calls under way at once: a whole installation takes thirty to forty. */
const CALLS_AT_ONCE = 8

/** Finds installations in the account and region of a connection. */
export function createDiscovery(connection: AwsConnection): Discovery {
  return {
    async inventory(query, signal) {
      return usable(await readAll(limitCalls(connection, CALLS_AT_ONCE), query, signal))
    },
  }
}

/** Each part begins as soon as what it needs of another is known. */
async function readAll(
  connection: AwsConnection,
  query: DiscoveryQuery,
  signal: AbortSignal | undefined,
): Promise<Inventory> {
  const { names } = query
  const wants = (part: DiscoveryPart) => query.parts.includes(part)
  const bastions = wants('bastion') ? findBastions(connection, query, signal) : NOT_ASKED
  const cluster = wants('cluster')
    ? reading('cluster', DESCRIBE_CLUSTER, () => describeCluster(connection, names.cluster, signal))
    : NOT_ASKED
  const clusterVpc = async () => (await cluster).value?.vpcId
  const vpc = once(() => findVpc(connection, names.vpc, clusterVpc, signal))
  const [found, around, itsCluster, network, datastores, buckets, trail] = await Promise.all([
    bastions,
    readAround(connection, query, bastions, signal),
    cluster,
    wants('network') ? readNetworkParts(connection, query, vpc, signal) : NO_NETWORK,
    findDatastores(connection, query, async () => (await vpc()).value?.id, signal),
    wants('buckets') ? findBuckets(connection, names.buckets, signal) : NOT_ASKED,
    wants('trail') ? findTrail(connection, names.trail, signal) : NOT_ASKED,
  ])
  return {
    workspace: query.workspace,
    region: connection.region,
    bastions: found.value ?? [],
    bastionGroups: around.groups.value ?? [],
    securityGroups: around.security.value ?? [],
    cluster: itsCluster.value,
    network: network.network.value,
    loadBalancers: network.balancers.value ?? [],
    datastores: datastores.value ?? [],
    buckets: buckets.value ?? [],
    trail: trail.value,
    contents: undefined,
    unreadable: merged([
      found,
      itsCluster,
      around.groups,
      around.security,
      network.network,
      network.balancers,
      datastores,
      buckets,
      trail,
    ]),
  }
}

/** What stands around the bastions; whoever only wants the way in needs none of it. */
async function readAround(
  connection: AwsConnection,
  { depth, names, parts }: DiscoveryQuery,
  found: Promise<Reading<Bastion[]>> | Reading<Bastion[]>,
  signal: AbortSignal | undefined,
): Promise<{ groups: Reading<ScalingGroup[]>; security: Reading<SecurityGroup[]> }> {
  if (depth === 'way' || !parts.includes('bastion')) return { groups: NOT_ASKED, security: NOT_ASKED }
  const bastions = (await found).value ?? []
  const [groups, security] = await Promise.all([
    findBastionGroups(connection, bastions, names.bastion, signal),
    findSecurityGroups(connection, bastions, signal),
  ])
  return { groups, security }
}

interface NetworkParts {
  readonly network: Reading<Network>
  readonly balancers: Reading<LoadBalancer[]>
}

const NO_NETWORK: NetworkParts = { network: NOT_ASKED, balancers: NOT_ASKED }

async function readNetworkParts(
  connection: AwsConnection,
  { names }: DiscoveryQuery,
  findVpc: () => Promise<Reading<Vpc>>,
  signal: AbortSignal | undefined,
): Promise<NetworkParts> {
  const [found, elastic, all] = await Promise.all([
    findVpc(),
    findElasticAddresses(connection, names.elasticAddresses, signal),
    reading('load balancers', DESCRIBE_LOAD_BALANCERS, () => describeLoadBalancers(connection, signal)),
  ])
  const id = found.value?.id
  const balancers = all.value
    ?.filter(({ name, vpcId }) => name === names.loadBalancer || (id !== undefined && vpcId === id))
    .map(({ vpcId: _, ...balancer }) => balancer)
  return {
    network: await readNetwork(connection, found, elastic, signal),
    balancers: { value: balancers, unreadable: all.unreadable },
  }
}

/** One entry an action: a permission that is missing is missing for every bucket. */
function merged(readings: readonly Reading<unknown>[]): Unreadable[] {
  const byAction = new Map<string, Unreadable>()
  for (const refused of readings.flatMap(({ unreadable }) => unreadable)) {
    const key = `${refused.part} ${refused.action} ${refused.error.code}`
    if (!byAction.has(key)) byAction.set(key, refused)
  }
  return [...byAction.values()]
}

/**
 * Credentials that are of no use spoil every part, and where nothing at all answered there is no inventory to speak
 * of. Judged when all parts are in: which of them failed first is chance.
 */
function usable(inventory: Inventory): Inventory {
  const errors = inventory.unreadable.map(({ error }) => error)
  const spoilt = errors.find(({ code }) => code.startsWith('credentials-'))
  if (spoilt !== undefined) throw spoilt
  const [first] = errors
  if (
    first !== undefined &&
    isEmpty(inventory) &&
    errors.every(({ code }) => code === 'endpoint-unreachable')
  )
    throw first
  return inventory
}

function isEmpty({ bastions, cluster, network, datastores, buckets, trail }: Inventory): boolean {
  const found = bastions.length + datastores.length + buckets.length
  return found === 0 && cluster === undefined && network === undefined && trail === undefined
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined
  return () => {
    answer ??= ask()
    return answer
  }
}
