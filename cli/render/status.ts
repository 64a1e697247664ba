import type { Identity } from '#core/installation/account-pin.ts'
import type { Installation } from '#core/installation/installation.ts'
import type { AgentStatus, Bastion, Inventory } from '#core/installation/inventory.ts'
import type { Assessment, Finding } from '#core/installation/status.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'
import { describeAge } from '#core/text/age.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { Paint } from './error.ts'

/** Everything that `status` has found out. */
export interface StatusReport {
  readonly installation: Installation
  readonly identity: Identity
  readonly inventory: Inventory
  readonly assessment: Assessment
  /** Undefined where the caller may not read them. */
  readonly limits: SessionLimits | undefined
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
  if (bastion === undefined) return [['bastion', inventory.unreadable.length > 0 ? 'not known' : 'none']]
  return [bastion, ...others].flatMap((each, index): [string, string][] => [
    [index === 0 ? 'bastion' : 'also', placeOf(each)],
    ['', describeMachine(each, now)],
    ['', describeAgent(each.agent, now)],
  ])
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

/** The report for a program; its fields are listed in `docs/json-output.md`. */
export function statusDocument({
  installation,
  identity,
  inventory,
  assessment,
  limits,
}: StatusReport): object {
  const chosen = assessment.choice?.bastion
  return {
    installation: installation.name,
    workspace: inventory.workspace,
    cloud: installation.cloud,
    region: inventory.region,
    account: installation.account,
    caller: identity.arn,
    healthy: assessment.healthy,
    bastion: chosen === undefined ? null : bastionDocument(chosen),
    otherBastions: inventory.bastions.filter((each) => each !== chosen).map(bastionDocument),
    sessionLimits:
      limits === undefined
        ? null
        : {
            idleMinutes: minutes(limits.idle),
            maximumMinutes: limits.maximum === undefined ? null : minutes(limits.maximum),
          },
    cluster:
      inventory.cluster === undefined
        ? null
        : {
            name: inventory.cluster.name,
            status: inventory.cluster.status,
            version: inventory.cluster.version ?? null,
            host: inventory.cluster.host,
          },
    findings: assessment.findings.map(({ code, severity, message, why, next }) => ({
      code,
      severity,
      message,
      why: why ?? null,
      next: next ?? null,
    })),
  }
}

function bastionDocument({
  id,
  name,
  state,
  launchedAt,
  privateAddress,
  publicAddress,
  role,
  agent,
}: Bastion): object {
  return {
    id,
    name: name ?? null,
    state,
    launchedAt: time(launchedAt),
    privateAddress: privateAddress ?? null,
    publicAddress: publicAddress ?? null,
    role: role ?? null,
    agent:
      agent.kind === 'registered'
        ? { state: agent.ping, lastPing: time(agent.lastPing), version: agent.version ?? null }
        : { state: agent.kind, lastPing: null, version: null },
  }
}

function time(moment: number | undefined): string | null {
  return moment === undefined ? null : new Date(moment).toISOString()
}

function minutes(duration: number): number {
  return duration / 60_000
}
