import { isPgctlError, PgctlError } from '#core/errors.ts'
import { type BastionChoice, type BastionQuery, chooseBastion } from '#core/installation/bastion-choice.ts'
import type { Bastion, Cluster, Inventory, InventoryPart } from '#core/installation/inventory.ts'

/**
 * The verdict on an installation, from what was found: pure, so that every case is a row of a test.
 *
 * A finding that `failed` makes the installation unhealthy; a `warning` does not keep anyone from working.
 */
export interface Finding {
  /** Stable, for scripts. */
  readonly code: FindingCode
  readonly severity: 'failed' | 'warning'
  readonly message: string
  readonly why?: string | undefined
  readonly next?: string | undefined
}

export type FindingCode =
  | 'bastion-missing'
  | 'bastion-stopped'
  | 'agent-offline'
  | 'agent-vulnerable'
  | 'bastion-public'
  | 'several-bastions'
  | 'cluster-missing'
  | 'cluster-inactive'
  | 'not-readable'

export interface Assessment {
  readonly healthy: boolean
  /** The bastion that sessions are opened on; undefined where a finding says why there is none. */
  readonly choice: BastionChoice | undefined
  readonly findings: readonly Finding[]
}

/** The first agent without CVE-2026-89049, by which a forward reaches link-local addresses in other spellings. */
const FIRST_SAFE_AGENT = '3.3.4851.0'

const ALL_PARTS: readonly InventoryPart[] = ['instances', 'agents', 'cluster']

/** Without these nobody can say that the installation can be entered; without the others one only knows less. */
const NEEDED_FOR_VERDICT: ReadonlySet<InventoryPart> = new Set(['agents', 'cluster'])

/**
 * Judges an inventory that was read in full, for the cluster named `clusterName`.
 * @throws PgctlError what kept everything from being read, where nothing at all could be.
 */
export function assess(
  inventory: Inventory,
  query: BastionQuery & { readonly clusterName: string },
): Assessment {
  if (isBlank(inventory)) throw nothingReadable(inventory)
  const { choice, finding } = choose(inventory, query)
  const findings = [
    ...(finding === undefined ? [] : [finding]),
    ...(choice === undefined ? [] : judgeBastions(choice)),
    ...judgeCluster(inventory, query.clusterName),
    ...inventory.unreadable.map(({ part, action, error }) => notReadable(part, action, error)),
  ]
  return { healthy: findings.every(({ severity }) => severity !== 'failed'), choice, findings }
}

function isBlank({ unreadable }: Inventory): boolean {
  return ALL_PARTS.every((part) => unreadable.some((refused) => refused.part === part))
}

/** One refusal for all, so that whoever grants permissions hears of every action at once. */
function nothingReadable({ workspace, unreadable }: Inventory): PgctlError {
  const errors = unreadable.map(({ error }) => error)
  const other = errors.find(({ code }) => code !== 'permission-denied')
  if (other !== undefined) return other
  const actions = unreadable.map(({ action }) => action).join(', ')
  return new PgctlError('permission-denied', `nothing of ${workspace} may be read`, {
    why: errors[0]?.why,
    next: `ask the administrator of the account to allow ${actions}`,
    requestId: errors[0]?.requestId,
  })
}

function choose(inventory: Inventory, query: BastionQuery): { choice?: BastionChoice; finding?: Finding } {
  try {
    return { choice: chooseBastion(inventory, query) }
  } catch (error) {
    if (!isPgctlError(error)) throw error
    const { code, message, why, next } = error
    if (code === 'bastion-missing' || code === 'bastion-stopped' || code === 'agent-offline')
      return { finding: { code, severity: 'failed', message, why, next } }
    // A refused reading has a finding of its own.
    return {}
  }
}

function judgeBastions({ bastion, others }: BastionChoice): Finding[] {
  const findings = [bastion, ...others].flatMap((each) => [...judgeAgent(each), ...judgeAddress(each)])
  if (others.length > 0)
    findings.push({
      code: 'several-bastions',
      severity: 'warning',
      message: `${others.length + 1} bastions answer to the name; sessions go to ${bastion.id}, the newest that is online`,
      why: `the others are ${others.map(({ id, state }) => `${id} (${state})`).join(', ')}`,
      next: 'wait for the refresh to end, or name one: "bastion: i-…" in the installation\'s entry',
    })
  return findings
}

function judgeAgent({ id, agent }: Bastion): Finding[] {
  if (agent.kind !== 'registered' || agent.version === undefined) return []
  if (compareVersions(agent.version, FIRST_SAFE_AGENT) >= 0) return []
  return [
    {
      code: 'agent-vulnerable',
      severity: 'failed',
      message: `the agent ${agent.version} of ${id} has CVE-2026-89049: forwards reach link-local addresses through it`,
      why: `the first agent without it is ${FIRST_SAFE_AGENT}`,
      next: `update it: aws ssm send-command --document-name AWS-UpdateSSMAgent --instance-ids ${id}`,
    },
  ]
}

function judgeAddress({ id, publicAddress }: Bastion): Finding[] {
  if (publicAddress === undefined) return []
  return [
    {
      code: 'bastion-public',
      severity: 'warning',
      message: `the bastion ${id} has a public address, ${publicAddress}, and needs none`,
      next: 'move it to a private subnet, or take the address away',
    },
  ]
}

function judgeCluster({ cluster, unreadable, region }: Inventory, clusterName: string): Finding[] {
  if (cluster !== undefined) return judgeClusterStatus(cluster, region)
  if (unreadable.some(({ part }) => part === 'cluster')) return []
  return [
    {
      code: 'cluster-missing',
      severity: 'failed',
      message: `there is no cluster ${clusterName} in ${region}`,
      next: 'check workspace and region of the installation: pgctl config',
    },
  ]
}

function judgeClusterStatus({ name, status }: Cluster, region: string): Finding[] {
  if (status === 'active') return []
  return [
    {
      code: 'cluster-inactive',
      severity: status === 'updating' ? 'warning' : 'failed',
      message: `the cluster ${name} is ${status}`,
      next: `see why: aws eks describe-cluster --region ${region} --name ${name}`,
    },
  ]
}

function notReadable(part: InventoryPart, action: string, error: PgctlError): Finding {
  const denied = error.code === 'permission-denied'
  return {
    code: 'not-readable',
    severity: NEEDED_FOR_VERDICT.has(part) ? 'failed' : 'warning',
    message: denied ? `${part} could not be read, which needs ${action}` : error.message,
    why: error.why ?? (denied ? error.message : undefined),
    next: error.next,
  }
}

/** Below, at or above zero, as `a` is older than, the same as or newer than `b`; numbers between dots. */
function compareVersions(a: string, b: string): number {
  const left = numbersOf(a)
  const right = numbersOf(b)
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function numbersOf(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0)
}
