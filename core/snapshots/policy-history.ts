import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { type Policy, parsePolicy } from '#core/snapshots/policy.ts'
import type { PreviousPolicy } from '#core/snapshots/tightened.ts'

/**
 * Which policies were in force, as texts with their beginnings: a rule that keeps less than the one before waits before
 * it deletes, so that a slip in a file costs nothing that cannot be got back.
 */
const historySchema = z.object({
  version: z.literal(1),
  policies: z.array(z.object({ text: z.string(), since: z.number() })),
})

export type PolicyHistory = z.infer<typeof historySchema>

export const NO_HISTORY: PolicyHistory = { version: 1, policies: [] }

/** Long enough for any wait that a policy may ask for. */
const REMEMBERED: Ms = 400 * 86_400_000

export function historyKey(workspace: string): string {
  return `snapshots/${workspace}/policies`
}

/** @throws PgctlError `state-invalid` */
export function parseHistory(value: unknown): PolicyHistory {
  const result = historySchema.safeParse(value)
  if (result.success) return result.data
  throw new PgctlError('state-invalid', 'the record of earlier snapshot policies cannot be read', {
    why: 'it is not what this version writes',
    next: 'restore it from a backup of the state; until then nothing is deleted',
  })
}

/** The history with `text` in force at `now`; the same object where it was already. */
export function withPolicy(history: PolicyHistory, text: string, now: Ms): PolicyHistory {
  if (history.policies.at(-1)?.text === text) return history
  const policies = [...history.policies, { text, since: now }]
  // One is still of use until the one after it is old.
  return {
    version: 1,
    policies: policies.filter((_, i) => (policies[i + 1]?.since ?? now) > now - REMEMBERED),
  }
}

/** The policies that `text` has taken the place of, newest first. */
export function previousPolicies(history: PolicyHistory, text: string, now: Ms): PreviousPolicy[] {
  const { policies } = withPolicy(history, text, now)
  return policies
    .slice(0, -1)
    .map(({ text }, index) => ({ policy: readable(text), until: policies[index + 1]?.since as Ms }))
    .reverse()
}

/** A later version may no longer understand what an earlier one did. */
function readable(text: string): Policy | undefined {
  try {
    return parsePolicy(text, 'an earlier policy')
  } catch {
    return undefined
  }
}
