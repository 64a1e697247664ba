import type { AwsConnection } from '#core/aws/clients.ts'
import { DESCRIBE_INSTANCES, describeMachines, type Machine } from '#core/aws/ec2.ts'
import {
  DESCRIBE_INSTANCE_INFORMATION,
  describeManagedNodes,
  type ManagedNode,
} from '#core/aws/managed-nodes.ts'
import { NOT_ASKED, type Reading, reading } from '#core/aws/reading.ts'
import { DESCRIBE_AUTO_SCALING_GROUPS, describeScalingGroups } from '#core/aws/scaling-groups.ts'
import { DESCRIBE_SECURITY_GROUPS, describeSecurityGroups } from '#core/aws/security-groups.ts'
import type { DiscoveryQuery } from '#core/installation/discovery.ts'
import type { Bastion } from '#core/installation/inventory.ts'
import type { ScalingGroup, SecurityGroup } from '#core/installation/network.ts'

/**
 * The agents are asked first where that may be enough: an agent that is alone and online is the bastion, and
 * describing its machine costs the largest client of the SDK, and a permission.
 */
export async function findBastions(
  connection: AwsConnection,
  query: DiscoveryQuery,
  signal: AbortSignal | undefined,
): Promise<Reading<Bastion[]>> {
  const { bastionId, names } = query
  const byName = { name: names.bastion }
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
    zone: undefined,
    subnetId: undefined,
    securityGroups: [],
    group: undefined,
    agent: node.agent,
  }
}

/** The Auto Scaling groups behind the bastions: those that have started them, and the one of their name. */
export function findBastionGroups(
  connection: AwsConnection,
  bastions: readonly Bastion[],
  name: string,
  signal: AbortSignal | undefined,
): Promise<Reading<ScalingGroup[]>> {
  const names = [...new Set([name, ...bastions.flatMap(({ group }) => group ?? [])])]
  return reading('bastion groups', DESCRIBE_AUTO_SCALING_GROUPS, () =>
    describeScalingGroups(connection, names, signal),
  )
}

/** What lets connections in to the bastions; nothing is asked where they have no groups. */
export async function findSecurityGroups(
  connection: AwsConnection,
  bastions: readonly Bastion[],
  signal: AbortSignal | undefined,
): Promise<Reading<SecurityGroup[]>> {
  const ids = [...new Set(bastions.flatMap(({ securityGroups }) => securityGroups))].sort()
  if (ids.length === 0) return NOT_ASKED
  return await reading('security groups', DESCRIBE_SECURITY_GROUPS, () =>
    describeSecurityGroups(connection, ids, signal),
  )
}

/** A machine outside the cloud has an agent and no instance. */
function isHybrid(id: string | undefined): boolean {
  return id?.startsWith('mi-') ?? false
}
