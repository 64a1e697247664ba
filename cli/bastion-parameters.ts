import {
  type DatastoreRule,
  datastoreRules,
  formatRules,
  inOrder,
  NO_RULES,
  NONE_FOUND,
  parseRules,
  RULES_PARAMETER,
} from '#core/bastion/datastore-rules.ts'
import { ENGINES } from '#core/installation/datastores.ts'
import type { Inventory, Unreadable } from '#core/installation/inventory.ts'
import { chooseParameters, type GivenParameter } from '#core/stack/parameters.ts'
import { takenBy } from '#core/stack/release.ts'
import type { StackState } from '#core/stack/stack-api.ts'
import type { Template } from '#core/stack/template.ts'
import type { Deps } from './deps.ts'

/** What the stack of the bastion is told: what a person says, and what there is to be found. */

const CLUSTER_PARAMETER = 'ClusterGroup'

export interface ParameterWishes {
  readonly set: ReadonlyMap<string, string>
  readonly signal: AbortSignal
  readonly onNotice: (text: string) => void
}

/** What pgctl finds out itself is not asked for, but for a stack that has it. */
export async function bastionParameters(
  template: Template,
  state: StackState | undefined,
  deps: Pick<Deps, 'installation' | 'clusterName' | 'namespace' | 'inventory'>,
  { set, signal, onNotice }: ParameterWishes,
): Promise<readonly GivenParameter[]> {
  const takes = takenBy(template)
  const { installation, clusterName, namespace } = deps
  const isNew = state === undefined
  // Where it is, a stack that is there has been told.
  const inventory = await deps.inventory(isNew ? ['network', 'cluster', ...ENGINES] : ENGINES, 'full', signal)
  const deployed = state?.parameters ?? new Map<string, string>()
  const known = new Map([
    ['Workspace', installation.workspace],
    ['Name', installation.name],
    ['Product', installation.product],
    ['Cluster', clusterName],
    ['Namespace', namespace],
    ...(isNew ? placeIn(inventory) : []),
  ])
  // The cluster need not be named, and so is not asked for.
  if (isNew && inventory.cluster?.securityGroup === undefined && !set.has(CLUSTER_PARAMETER))
    onNotice(withoutCluster(inventory))
  const rules = set.get(RULES_PARAMETER) ?? deployed.get(RULES_PARAMETER)
  if (rules !== NO_RULES) {
    known.set(RULES_PARAMETER, rulesIn(inventory, parseRules(deployed.get(RULES_PARAMETER) ?? NONE_FOUND)))
    if (!set.has(RULES_PARAMETER))
      for (const { part, action } of unseenIn(inventory))
        onNotice(`${part} cannot be seen (${action}): whether it lets the bastion in stays as it is`)
  }
  return chooseParameters(takes, { given: set, known, deployed })
}

/** Where the installation is: its network, its private subnets, its cluster. What cannot be seen is asked for. */
function placeIn({ network, cluster }: Inventory): [string, string][] {
  const place: [string, string | undefined][] = [[CLUSTER_PARAMETER, cluster?.securityGroup]]
  if (network !== undefined) {
    const subnets = network.subnets.filter(({ kind }) => kind === 'private').map(({ id }) => id)
    const [range, ...more] = network.ranges
    place.push(
      ['VpcId', network.id],
      ['VpcCidr', more.length > 0 ? undefined : range],
      ['Subnets', subnets.length === 0 ? undefined : subnets.join(',')],
    )
  }
  return place.filter((each): each is [string, string] => each[1] !== undefined)
}

function withoutCluster({ unreadable }: Inventory): string {
  const unseen = unreadable.find(({ part }) => part === 'cluster')
  const why = unseen === undefined ? 'was not found' : `cannot be seen (${unseen.action})`
  return `the security group of the cluster ${why}: it does not let the bastion in, unless --set ${CLUSTER_PARAMETER}=sg-… names it`
}

/**
 * Which datastores let the bastion in, found each time anew: one that has come since is let in with the next plan. Where
 * not all may be seen, those that are let in already stay so.
 */
function rulesIn(inventory: Inventory, deployed: readonly DatastoreRule[]): string {
  const found = datastoreRules(inventory.datastores)
  return formatRules(unseenIn(inventory).length === 0 ? found : inOrder([...found, ...deployed]))
}

function unseenIn({ unreadable }: Inventory): readonly Unreadable[] {
  return unreadable.filter(({ part }) => (ENGINES as readonly string[]).includes(part))
}

/** The rules that these values stand for. */
export function rulesOf(
  parameters: readonly GivenParameter[],
  state: StackState | undefined,
): readonly DatastoreRule[] {
  const chosen = parameters.find(({ name }) => name === RULES_PARAMETER)
  return parseRules(chosen?.value ?? state?.parameters.get(RULES_PARAMETER) ?? NONE_FOUND)
}
