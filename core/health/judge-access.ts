import type { Outcome } from '#core/health/checks.ts'
import type { RightVerdict } from '#core/kube/access-review.ts'
import { type ClusterRight, roleGiving } from '#core/kube/rights.ts'

/** What came of one permission that was tried without doing anything. */
export interface Trial {
  /** `ssm:StartSession with AWS-StartNonInteractiveCommand`. */
  readonly what: string
  readonly verdict: 'allowed' | 'denied' | 'unknown'
  /** What a person cannot do without it. */
  readonly commands: readonly string[]
  /** The refusal, or what kept it from being tried, in the words of whoever said so. */
  readonly why?: string | undefined
}

/** A permission that nobody has fails the check only where nothing can be done without it. */
export function judgeTrials(trials: readonly Trial[]): Outcome {
  const denied = trials.filter(({ verdict }) => verdict === 'denied')
  const unknown = trials.filter(({ verdict }) => verdict === 'unknown')
  const allowed = trials.length - denied.length - unknown.length
  const open = unknown.map(({ what, why = 'nobody knows why' }) => `${what} could not be tried: ${why}`)
  if (denied.length === 0)
    return {
      state: unknown.length > 0 ? 'warning' : 'ok',
      says: `${allowed} of ${trials.length} are allowed`,
      why: open.length > 0 ? open.join('; ') : undefined,
    }
  const commands = [...new Set(denied.flatMap((each) => each.commands))]
  return {
    state: allowed === 0 ? 'failed' : 'warning',
    says: `not allowed: ${denied.map(({ what }) => what).join(', ')}, which ${commands.join(', ')} need${commands.length === 1 ? 's' : ''}`,
    why: denied[0]?.why,
    next: `ask the administrator of the account for the policy of pgctl iam policy --for ${commands.join(',')}`,
  }
}

/** What the commands could not do in the cluster, by the rights that the caller lacks. */
export function judgeRights(
  rights: Readonly<Record<string, readonly ClusterRight[]>>,
  verdicts: readonly RightVerdict[],
): Outcome {
  const lacks = (right: ClusterRight) =>
    verdicts.some((verdict) => !verdict.allowed && keyOf(verdict.right) === keyOf(right))
  const commands = Object.keys(rights)
  const hindered = commands.filter((name) => rights[name]?.some(lacks))
  if (hindered.length === 0) return { state: 'ok', says: `enough for ${commands.join(', ')}` }
  const missing = verdicts.filter(({ allowed }) => !allowed)
  const role = missing.some(({ right }) => roleGiving(right) !== 'view') ? 'operate' : 'view'
  return {
    state: hindered.length === commands.length ? 'failed' : 'warning',
    says: `not enough for ${hindered.join(', ')}: no ${missing.map(({ right }) => describe(right)).join(', ')}`,
    why: missing.find(({ reason }) => reason !== undefined)?.reason,
    next: `ask who administers the cluster for the role ${role}: pgctl iam kubernetes --role ${role}`,
  }
}

/** Every right of a table once. */
export function distinctRights(
  rights: Readonly<Record<string, readonly ClusterRight[]>>,
): readonly ClusterRight[] {
  return [
    ...new Map(
      Object.values(rights)
        .flat()
        .map((right) => [keyOf(right), right]),
    ).values(),
  ]
}

function keyOf({ verb, group, resource }: ClusterRight): string {
  return `${verb} ${group}/${resource}`
}

function describe({ verb, resource }: ClusterRight): string {
  return `${verb} ${resource}`
}
