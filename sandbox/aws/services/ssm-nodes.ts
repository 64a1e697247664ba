import type { Ms } from '#core/clock.ts'
import type { MessageGateway } from '#sandbox/gateway/gateway.ts'
import type { WorldInstance, WorldState } from '#sandbox/world-state.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { AwsError } from '../aws-error.ts'
import { page } from '../pages.ts'
import { type Call, type Input, type Operation, textIn } from '../service.ts'
import type { AgentReport, AgentReports } from './ssm-agents.ts'

/** How many nodes a page holds at most, and unless told otherwise. */
const MOST_NODES = 50

interface NodeParts {
  readonly state: WorldState
  readonly gateway: MessageGateway
  readonly reports: AgentReports
}

/** The managed nodes of an account, as operators list them. */
export function nodeOperations(
  state: WorldState,
  gateway: MessageGateway,
  reports: AgentReports,
): Record<string, Operation> {
  return {
    DescribeInstanceInformation: {
      resources: () => [],
      run: (input, call) => describeNodes(input, call, { state, gateway, reports }),
    },
    // What State Manager does by itself: nothing, in any account here.
    ListAssociations: { resources: () => [], run: () => ({ Associations: [] }) },
  }
}

function describeNodes(input: Input, call: Call, { state, gateway, reports }: NodeParts): object {
  const filters = (input['Filters'] ?? []) as ReadonlyArray<{ Key?: string; Values?: readonly string[] }>
  const size = input['MaxResults'] ?? MOST_NODES
  if (!Number.isInteger(size) || (size as number) < 5 || (size as number) > MOST_NODES)
    throw validation(`MaxResults must be between 5 and ${MOST_NODES}`)
  const { world } = call
  const nodes = world === undefined ? [] : state.instances(world)
  const found = nodes
    .filter(({ managed, state: is }) => managed && is !== 'terminated')
    .map((instance) => ({
      tags: instance.tags,
      node: describe(instance, {
        region: call.region,
        version: state.knobsOf(world as World).agentVersion,
        online: gateway.isOnline(instance.instanceId),
        now: call.now.wall,
        report: reports.of(instance.instanceId),
      }),
    }))
    .filter(({ node, tags }) =>
      filters.every(({ Key = '', Values = [] }) => Values.includes(tagOf(tags, Key) ?? fieldOf(node, Key))),
    )
    .map(({ node }) => node)
  const { items, next } = page(
    found,
    size as number,
    textIn(input, 'NextToken', validation),
    () => {
      throw new AwsError('InvalidNextToken', 'The specified token is not valid.')
    },
    call.paging,
  )
  return { InstanceInformationList: items, ...(next === undefined ? {} : { NextToken: next }) }
}

type Node = ReturnType<typeof describe>

interface Surroundings {
  readonly region: string
  readonly version: string
  readonly online: boolean
  readonly now: Ms
  readonly report: AgentReport | undefined
}

function describe(instance: WorldInstance, { region, version, online, now, report }: Surroundings) {
  // An agent pings every five minutes; one that is gone was last heard of some time ago.
  const lastPing = report?.at ?? (online ? now - 60_000 : now - 30 * 60_000)
  return {
    InstanceId: instance.instanceId,
    PingStatus: online ? 'Online' : 'ConnectionLost',
    LastPingDateTime: lastPing / 1000,
    AgentVersion: report?.agentVersion ?? version,
    IsLatestVersion: true,
    PlatformType: 'Linux',
    PlatformName: report?.platformName ?? 'Amazon Linux',
    PlatformVersion: report?.platformVersion ?? '2023',
    ResourceType: 'EC2Instance',
    IPAddress: report?.address ?? instance.address,
    ComputerName:
      report?.computerName ?? `ip-${instance.address.replaceAll('.', '-')}.${region}.compute.internal`,
  }
}

/** The tag that a filter `tag:NAME` asks for, empty where the node has none; undefined for any other filter. */
function tagOf(tags: WorldInstance['tags'], key: string): string | undefined {
  return key.startsWith('tag:') ? (tags[key.slice('tag:'.length)] ?? '') : undefined
}

function fieldOf(node: Node, key: string): string {
  switch (key) {
    case 'InstanceIds':
      return node.InstanceId
    case 'PingStatus':
      return node.PingStatus
    case 'ResourceType':
      return node.ResourceType
    case 'PlatformTypes':
      return node.PlatformType
    case 'AgentVersion':
      return node.AgentVersion
    default:
      throw new AwsError('InvalidFilterKey', `The filter key ${key} is not valid.`)
  }
}

function validation(message: string): AwsError {
  return new AwsError('ValidationException', message)
}
