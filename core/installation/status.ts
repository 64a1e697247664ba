import { type ErrorCode, isPgctlError, PgctlError } from '#core/errors.ts'
import {
  type BastionChoice,
  type BastionQuery,
  chooseBastion,
  groupAtZero,
} from '#core/installation/bastion-choice.ts'
import type { Finding } from '#core/installation/findings.ts'
import {
  type Cluster,
  type Inventory,
  type InventoryPart,
  isUnreadable,
  type Unreadable,
} from '#core/installation/inventory.ts'
import { judgeBastions, judgeSurroundings } from '#core/installation/judge-bastions.ts'
import { judgeBuckets, judgeTrail } from '#core/installation/judge-buckets.ts'
import { judgeDatastores } from '#core/installation/judge-datastores.ts'
import { judgeNetwork } from '#core/installation/judge-network.ts'
import { isEverywhere } from '#core/installation/network.ts'

/** The verdict on an installation, from what was found: pure, so that every case is a row of a test. */
export interface Assessment {
  readonly healthy: boolean
  /** The bastion that sessions are opened on; undefined where a finding says why there is none. */
  readonly choice: BastionChoice | undefined
  /** What failed comes first. */
  readonly findings: readonly Finding[]
}

/** The way in: where none of these may be read, and nothing else was found, there is nothing to report. */
const WAY_IN: readonly InventoryPart[] = ['instances', 'agents', 'cluster']

/** Without these nobody can say that the installation can be entered; without the others one only knows less. */
const NEEDED_FOR_VERDICT: ReadonlySet<InventoryPart> = new Set(['agents', 'cluster'])

/**
 * Judges an inventory that was read in full, for the cluster and the trail of these names.
 * @throws PgctlError what kept everything from being read, where nothing at all could be.
 */
export function assess(
  inventory: Inventory,
  query: BastionQuery & { readonly clusterName: string; readonly trailName: string },
): Assessment {
  if (isBlank(inventory)) throw nothingReadable(inventory)
  const { choice, finding } = choose(inventory, query)
  const findings = [
    ...(finding === undefined ? [] : [finding]),
    ...(choice === undefined ? [] : judgeBastions(choice)),
    ...judgeSurroundings(inventory),
    ...judgeCluster(inventory, query.clusterName),
    ...judgeNetwork(inventory),
    ...judgeDatastores(inventory),
    ...judgeBuckets(inventory),
    ...judgeTrail(inventory, query.trailName),
    ...judgeUnreadable(inventory.unreadable.filter((each) => !isToldElsewhere(each, inventory))),
  ]
  const failed = findings.filter(({ severity }) => severity === 'failed')
  const warnings = findings.filter(({ severity }) => severity === 'warning')
  return { healthy: failed.length === 0, choice, findings: [...failed, ...warnings] }
}

function isBlank(inventory: Inventory): boolean {
  const { network, datastores, buckets, trail } = inventory
  const found = network !== undefined || trail !== undefined || datastores.length + buckets.length > 0
  return !found && WAY_IN.every((part) => isUnreadable(inventory, part))
}

/** One refusal for all, so that whoever grants permissions hears of every action at once. */
function nothingReadable({ workspace, unreadable }: Inventory): PgctlError {
  const errors = unreadable.map(({ error }) => error)
  const other = errors.find(({ code }) => code !== 'permission-denied')
  if (other !== undefined) return other
  const actions = actionsOf(unreadable)
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
      // One that rests keeps nobody out.
      return {
        finding: {
          ...{ code, message, why, next },
          severity: groupAtZero(inventory) === undefined ? 'failed' : 'warning',
        },
      }
    // A refused reading has a finding of its own.
    return {}
  }
}

function judgeCluster(inventory: Inventory, clusterName: string): Finding[] {
  const { cluster, region } = inventory
  if (cluster !== undefined)
    return [...judgeClusterStatus(cluster, region), ...judgeClusterAccess(cluster, region)]
  if (isUnreadable(inventory, 'cluster')) return []
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

/** Its API asks for a token, and is a door all the same. */
function judgeClusterAccess({ name, publicAccess = [] }: Cluster, region: string): Finding[] {
  if (!publicAccess.some(isEverywhere)) return []
  return [
    {
      code: 'cluster-public',
      severity: 'warning',
      message: `the API of the cluster ${name} answers the whole internet, and pgctl needs no public endpoint`,
      next: `make it private: aws eks update-cluster-config --region ${region} --name ${name} --resources-vpc-config endpointPublicAccess=false,endpointPrivateAccess=true`,
    },
  ]
}

/** Errors of the way to the cluster that have a finding of their own. */
const WITHOUT_A_WAY: ReadonlySet<ErrorCode> = new Set([
  'bastion-missing',
  'bastion-stopped',
  'agent-offline',
  'cluster-missing',
])

/** Whether services could not be asked for because of something that is told already. */
function isToldElsewhere({ part, error }: Unreadable, { unreadable }: Inventory): boolean {
  if (part !== 'services') return false
  const cause = unreadable.find((other) => other.part !== 'services' && other.error.message === error.message)
  return cause !== undefined || WITHOUT_A_WAY.has(error.code)
}

/** Each that the verdict needs; the other refusals are told together, so that a person with few rights has a page. */
function judgeUnreadable(unreadable: readonly Unreadable[]): Finding[] {
  const isMinor = ({ part, error }: Unreadable) =>
    error.code === 'permission-denied' && !NEEDED_FOR_VERDICT.has(part) && part !== 'services'
  const minor = unreadable.filter(isMinor)
  const [first] = minor
  const rest = minor.length > 1 ? unreadable.filter((each) => !isMinor(each)) : unreadable
  const told = rest.map(notReadable)
  if (first === undefined || minor.length === 1) return told
  const parts = [...new Set(minor.map(({ part }) => part))].join(', ')
  const actions = actionsOf(minor)
  return [
    ...told,
    {
      code: 'not-readable',
      severity: 'warning',
      message: `${parts} could not be read in full, which needs ${actions}`,
      why: first.error.why ?? first.error.message,
      next: `ask the administrator of the account to allow ${actions}`,
    },
  ]
}

function notReadable({ part, action, error }: Unreadable): Finding {
  const denied = error.code === 'permission-denied' && part !== 'services'
  return {
    code: 'not-readable',
    severity: NEEDED_FOR_VERDICT.has(part) ? 'failed' : 'warning',
    message: denied ? `${part} could not be read, which needs ${action}` : failureOf(part, error),
    why: error.why ?? (denied ? error.message : undefined),
    next: error.next,
  }
}

/** The way to the cluster has many parts, and its own error says which of them is at fault. */
function failureOf(part: InventoryPart, { message }: PgctlError): string {
  return part === 'services' ? `the cluster could not be asked for its services: ${message}` : message
}

function actionsOf(unreadable: readonly Unreadable[]): string {
  return [...new Set(unreadable.map(({ action }) => action))].join(', ')
}
