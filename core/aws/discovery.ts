import type { AwsConnection } from '#core/aws/clients.ts'
import { DESCRIBE_INSTANCES, describeMachines, type Machine } from '#core/aws/ec2.ts'
import { DESCRIBE_CLUSTER, describeCluster } from '#core/aws/eks.ts'
import {
  DESCRIBE_INSTANCE_INFORMATION,
  describeManagedNodes,
  type ManagedNode,
} from '#core/aws/managed-nodes.ts'
import { isPgctlError } from '#core/errors.ts'
import type { Discovery, DiscoveryQuery } from '#core/installation/discovery.ts'
import type { Bastion, Cluster, Inventory, InventoryPart, Unreadable } from '#core/installation/inventory.ts'

/** Finds installations in the account and region of a connection. */
export function createDiscovery(connection: AwsConnection): Discovery {
  return {
    async inventory(query, signal) {
      const [found, cluster] = await Promise.all([
        query.parts.includes('bastion') ? findBastions(connection, query, signal) : NOT_ASKED,
        query.parts.includes('cluster') ? findCluster(connection, query.clusterName, signal) : NOT_ASKED,
      ])
      return usable({
        workspace: query.workspace,
        region: connection.region,
        bastions: found.value ?? [],
        cluster: cluster.value,
        unreadable: [...found.unreadable, ...cluster.unreadable],
      })
    },
  }
}

/** The answer of one part, or why there is none. */
interface Reading<T> {
  readonly value: T | undefined
  readonly unreadable: readonly Unreadable[]
}

const NOT_ASKED: Reading<never> = { value: undefined, unreadable: [] }

/**
 * The agents are asked first where that may be enough: an agent that is alone and online is the bastion, and
 * describing its machine costs the largest client of the SDK, and a permission.
 */
async function findBastions(
  connection: AwsConnection,
  query: DiscoveryQuery,
  signal: AbortSignal | undefined,
): Promise<Reading<Bastion[]>> {
  const { bastionId, bastionName } = query
  const byName = { name: bastionName }
  const readNodes = () =>
    reading('agents', DESCRIBE_INSTANCE_INFORMATION, () =>
      describeManagedNodes(connection, bastionId === undefined ? byName : { ids: [bastionId] }, signal),
    )
  const readMachines = () =>
    reading('instances', DESCRIBE_INSTANCES, () =>
      describeMachines(connection, bastionId === undefined ? byName : { id: bastionId }, signal),
    )
  if (query.depth === 'full' && !isHybrid(bastionId)) {
    const [nodes, machines] = await Promise.all([readNodes(), readMachines()])
    return joinBastions(connection, nodes, machines, signal)
  }
  const nodes = await readNodes()
  const online = nodes.value?.filter((node) => node.agent.ping === 'online') ?? []
  const enough = online.length === 1 || isHybrid(bastionId)
  return joinBastions(connection, nodes, enough ? NOT_ASKED : await readMachines(), signal)
}

async function joinBastions(
  connection: AwsConnection,
  byTag: Reading<ManagedNode[]>,
  machines: Reading<Machine[]>,
  signal: AbortSignal | undefined,
): Promise<Reading<Bastion[]>> {
  const nodes = await askForMissingNodes(connection, byTag, machines.value ?? [], signal)
  const nodeOf = new Map(nodes.value?.map((node) => [node.id, node]))
  const known = (machines.value ?? []).map((machine): Bastion => {
    const node = nodeOf.get(machine.id)
    const silent =
      nodes.value === undefined ? ({ kind: 'unread' } as const) : ({ kind: 'unregistered' } as const)
    return { ...machine, agent: node?.agent ?? silent }
  })
  // A node whose machine is gone stays registered for a while: it counts only where machines could not be read.
  const alone = machines.value === undefined ? (nodes.value ?? []).map(bastionOfNode) : []
  return {
    value: [...known, ...alone].sort((a, b) => (b.launchedAt ?? 0) - (a.launchedAt ?? 0)),
    unreadable: [...nodes.unreadable, ...machines.unreadable],
  }
}

/** Before a running machine is called unregistered, its agent is asked for by id: its tags may lag behind. */
async function askForMissingNodes(
  connection: AwsConnection,
  nodes: Reading<ManagedNode[]>,
  machines: readonly Machine[],
  signal: AbortSignal | undefined,
): Promise<Reading<ManagedNode[]>> {
  const found = nodes.value
  if (found === undefined) return nodes
  const ids = machines
    .filter((machine) => machine.state === 'running' && !found.some((node) => node.id === machine.id))
    .map((machine) => machine.id)
  if (ids.length === 0) return nodes
  const more = await reading('agents', DESCRIBE_INSTANCE_INFORMATION, () =>
    describeManagedNodes(connection, { ids }, signal),
  )
  return more.value === undefined ? more : { value: [...found, ...more.value], unreadable: [] }
}

function bastionOfNode(node: ManagedNode): Bastion {
  return {
    id: node.id,
    name: undefined,
    state: node.agent.ping === 'online' ? 'running' : 'unread',
    launchedAt: undefined,
    privateAddress: node.privateAddress,
    publicAddress: undefined,
    role: node.role,
    agent: node.agent,
  }
}

function findCluster(
  connection: AwsConnection,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Reading<Cluster>> {
  return reading('cluster', DESCRIBE_CLUSTER, () => describeCluster(connection, name, signal))
}

/** One part: what it says, or the typed error that stands in its place. */
async function reading<T>(
  part: InventoryPart,
  action: string,
  read: () => Promise<T | undefined>,
): Promise<Reading<T>> {
  try {
    return { value: await read(), unreadable: [] }
  } catch (error) {
    if (!isPgctlError(error)) throw error
    return { value: undefined, unreadable: [{ part, action, error }] }
  }
}

/**
 * Credentials that are of no use spoil every part, and where nothing at all answered there is no inventory to speak
 * of. Judged when all parts are in: which of them failed first is chance.
 */
function usable(inventory: Inventory): Inventory {
  const errors = inventory.unreadable.map(({ error }) => error)
  const spoilt = errors.find(({ code }) => code.startsWith('credentials-'))
  if (spoilt !== undefined) throw spoilt
  const empty = inventory.bastions.length === 0 && inventory.cluster === undefined
  const [first] = errors
  if (first !== undefined && empty && errors.every(({ code }) => code === 'endpoint-unreachable')) throw first
  return inventory
}

/** A machine outside the cloud has an agent and no instance. */
function isHybrid(id: string | undefined): boolean {
  return id?.startsWith('mi-') ?? false
}
