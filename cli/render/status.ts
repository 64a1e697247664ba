import type { Identity } from '#core/installation/account-pin.ts'
import { groupAtZero } from '#core/installation/bastion-choice.ts'
import type { Finding } from '#core/installation/findings.ts'
import type { Installation } from '#core/installation/installation.ts'
import type { AgentStatus, Bastion, Inventory } from '#core/installation/inventory.ts'
import type { Assessment } from '#core/installation/status.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'
import { describeAge } from '#core/text/age.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { Paint } from './error.ts'
import {
  bucketRows,
  contentsRows,
  datastoreRows,
  describeTrail,
  networkRows,
  surroundingRows,
} from './status-rows.ts'

/** Everything that `status` has found out. */
export interface StatusReport {
  readonly installation: Installation
  readonly identity: Identity
  readonly inventory: Inventory
  readonly assessment: Assessment
  /** Undefined where the caller may not read them. */
  readonly limits: SessionLimits | undefined
  /** Whether the cluster was to be asked what it runs. */
  readonly contentsAsked: boolean
  /** Wall-clock moment of the reading. */
  readonly now: number
}

/** The report on one screen, for a person. */
export function renderStatus(report: StatusReport, paint: Paint): string {
  const { installation, identity, inventory, assessment } = report
  const { name, cloud } = installation
  const rows: [label: string, text: string][] = [
    ['caller', identity.arn],
    ['account', `${identity.account}, the one that is pinned`],
    ...bastionRows(report),
    ['sessions', describeLimits(report.limits)],
    ['cluster', describeCluster(inventory)],
    ...networkRows(inventory),
    ...datastoreRows(inventory),
    ...bucketRows(inventory),
    ['audit', describeTrail(inventory)],
    ...contentsRows(inventory, report.contentsAsked),
  ]
  return [
    `${paint('bold', neutralise(name))}  ${neutralise(inventory.workspace)}  ${cloud} ${inventory.region}`,
    '',
    ...rows.map(([label, text]) => `  ${paint('dim', label.padEnd(9))} ${neutralise(text)}`),
    '',
    ...assessment.findings.flatMap((finding) => renderFinding(finding, paint)),
    assessment.healthy ? paint('green', 'healthy') : paint('red', 'unhealthy'),
  ].join('\n')
}

function bastionRows({ inventory, assessment, now }: StatusReport): [string, string][] {
  const chosen = assessment.choice?.bastion
  const [bastion, ...others] =
    chosen === undefined
      ? inventory.bastions
      : [chosen, ...inventory.bastions.filter((candidate) => candidate !== chosen)]
  const resting = groupAtZero(inventory)
  if (bastion === undefined && resting !== undefined)
    return [['bastion', `stopped: the group ${resting.name} is at 0`]]
  if (bastion === undefined) return [['bastion', inventory.unreadable.length > 0 ? 'not known' : 'none']]
  const machines = [bastion, ...others].flatMap((each, index): [string, string][] => [
    [index === 0 ? 'bastion' : 'also', placeOf(each)],
    ['', describeMachine(each, now)],
    ['', describeAgent(each.agent, now)],
  ])
  return [...machines, ...surroundingRows(inventory)]
}

function placeOf({ id, name, privateAddress, publicAddress }: Bastion): string {
  return [id, name, privateAddress, publicAddress].filter((part) => part !== undefined).join('  ')
}

/** Only EC2 tells start and role: where it may not be asked, neither is spoken of. */
function describeMachine({ state, launchedAt, role }: Bastion, now: number): string {
  if (state === 'unread') return 'instance not known'
  if (launchedAt === undefined) return `instance ${state}`
  const profile = role === undefined ? 'no instance profile' : `instance profile ${role}`
  return `instance ${state}, started ${describeAge(launchedAt, now)}, ${profile}`
}

function describeAgent(agent: AgentStatus, now: number): string {
  if (agent.kind === 'unregistered') return 'agent not registered'
  if (agent.kind === 'unread') return 'agent not known'
  const ping = agent.lastPing === undefined ? '' : `, last ping ${describeAge(agent.lastPing, now)}`
  return `agent ${agent.version ?? 'of unknown version'} ${agent.ping}${ping}`
}

function describeLimits(limits: SessionLimits | undefined): string {
  if (limits === undefined) return 'limits not known: reading them needs ssm:GetDocument'
  const longest =
    limits.maximum === undefined ? 'no longest time is set' : `${minutes(limits.maximum)} min at most`
  return `end after ${minutes(limits.idle)} min without use; ${longest}`
}

function describeCluster({ cluster, unreadable }: Inventory): string {
  if (cluster === undefined) return unreadable.some(({ part }) => part === 'cluster') ? 'not known' : 'none'
  const { name, status, version, host } = cluster
  return [name, status, version, host].filter((part) => part !== undefined).join('  ')
}

function renderFinding({ severity, message, why, next }: Finding, paint: Paint): string[] {
  const label = severity === 'failed' ? paint('red', 'failed:') : paint('yellow', 'warning:')
  return [
    `${label} ${neutralise(message)}`,
    ...(why === undefined ? [] : [`${paint('dim', '  why:')} ${neutralise(why)}`]),
    ...(next === undefined ? [] : [`${paint('dim', ' next:')} ${neutralise(next)}`]),
    '',
  ]
}

function minutes(duration: number): number {
  return duration / 60_000
}
