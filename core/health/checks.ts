import type { PgctlError } from '#core/errors.ts'

/**
 * What doctor looks at, as data: each check in its place on the way from this computer to a target, and what has to
 * hold before it can say anything.
 */

export type CheckId =
  | 'clock'
  | 'endpoints'
  | 'credentials'
  | 'account'
  | 'permissions'
  | 'bastion'
  | 'agent'
  | 'cluster'
  | 'session'
  | 'api'
  | 'rights'
  | 'target'

export interface Check {
  readonly id: CheckId
  /** What it asks, in a few words. */
  readonly asks: string
  readonly needs: readonly CheckId[]
}

/** In the order in which they are made and shown. */
export const CHECKS: readonly Check[] = [
  { id: 'endpoints', asks: 'whether AWS can be reached, by which proxy and authority', needs: [] },
  { id: 'clock', asks: "this computer's clock against that of AWS", needs: ['endpoints'] },
  { id: 'credentials', asks: 'whether there are any, and until when', needs: ['endpoints'] },
  { id: 'account', asks: 'who they are of, and whether that is the pinned account', needs: ['credentials'] },
  { id: 'permissions', asks: 'what may be called, by calls that change nothing', needs: ['account'] },
  { id: 'bastion', asks: 'whether one runs', needs: ['account'] },
  { id: 'agent', asks: 'whether its agent answers, and in which version', needs: ['bastion'] },
  { id: 'cluster', asks: 'whether it is there and active', needs: ['account'] },
  { id: 'session', asks: 'whether a session opens, and leads to the cluster', needs: ['agent', 'cluster'] },
  { id: 'api', asks: 'whether the API shows its certificate and knows the caller', needs: ['session'] },
  { id: 'rights', asks: 'what the caller may do in the cluster', needs: ['api'] },
  { id: 'target', asks: 'whether it answers through the whole way', needs: ['agent'] },
]

/** What one check has found. A warning does not keep anyone from working. */
export interface Outcome {
  readonly state: 'ok' | 'warning' | 'failed'
  /** What is so, in a clause. */
  readonly says: string
  readonly why?: string | undefined
  /** What to do, or whom to ask for what. */
  readonly next?: string | undefined
}

export interface CheckResult extends Omit<Outcome, 'state'> {
  readonly id: CheckId
  readonly state: Outcome['state'] | 'skipped'
}

export type Runners = Readonly<Partial<Record<CheckId, () => Promise<Outcome>>>>

/**
 * Makes the checks that there is a runner for, one after another; one that needs what has failed is skipped, and says
 * so. A runner's `PgctlError` is its failure; `toError` passes on what is none.
 */
export async function runChecks(
  runners: Runners,
  report: (result: CheckResult) => void,
  toError: (error: unknown) => PgctlError,
): Promise<readonly CheckResult[]> {
  const results = new Map<CheckId, CheckResult>()
  for (const { id, needs } of CHECKS) {
    const run = runners[id]
    if (run === undefined) continue
    const missing = needs.find((need) => isUnmet(results.get(need)))
    const result: CheckResult =
      missing === undefined
        ? { id, ...(await outcomeOf(run, toError)) }
        : { id, state: 'skipped', says: `not looked at, because of ${reasonOf(missing, results)}` }
    results.set(id, result)
    report(result)
  }
  return [...results.values()]
}

/** Nobody is kept from working by a warning, nor by a check that nobody asked for. */
function isUnmet(result: CheckResult | undefined): boolean {
  return result?.state === 'failed' || result?.state === 'skipped'
}

/** Of a chain of skipped checks, the one that has failed. */
function reasonOf(id: CheckId, results: ReadonlyMap<CheckId, CheckResult>): CheckId {
  const check = CHECKS.find((each) => each.id === id)
  const before = check?.needs.find((need) => isUnmet(results.get(need)))
  return before === undefined ? id : reasonOf(before, results)
}

async function outcomeOf(
  run: () => Promise<Outcome>,
  toError: (error: unknown) => PgctlError,
): Promise<Outcome> {
  try {
    return await run()
  } catch (thrown) {
    return failureOf(toError(thrown))
  }
}

/** A failure in the words of its error. */
export function failureOf({ message, why, next }: PgctlError): Outcome {
  return { state: 'failed', says: message, why, next }
}

/** Whether nothing has failed. */
export function isHealthy(results: readonly CheckResult[]): boolean {
  return results.every(({ state }) => state !== 'failed')
}
