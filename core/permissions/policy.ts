import type { Need } from '#core/permissions/needs.ts'
import { type Condition, type Grant, grantFor, type PolicyScope } from '#core/permissions/places.ts'

/** An identity policy of IAM. */
export interface Policy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly PolicyStatement[]
}

export interface PolicyStatement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
  readonly Condition?: Condition
}

/** IAM's limit of a managed policy, in characters without white space. */
export const POLICY_LIMIT = 6_144

/** The smallest policy for `needs` in an installation: a statement a place, in the order of the needs. */
export function policyFor(needs: readonly Need[], scope: PolicyScope): Policy {
  const statements = new Map<string, { grant: Grant; actions: Set<string> }>()
  for (const { action, on } of needs) {
    const grant = grantFor(on, scope)
    if (grant === undefined || grant.resources.length === 0) continue
    const statement = statements.get(grant.sid) ?? { grant, actions: new Set() }
    statement.actions.add(action)
    statements.set(grant.sid, statement)
  }
  return { Version: '2012-10-17', Statement: [...statements.values()].map(toStatement) }
}

function toStatement({ grant, actions }: { grant: Grant; actions: Set<string> }): PolicyStatement {
  return {
    Sid: grant.sid,
    Effect: 'Allow',
    Action: [...actions].sort(),
    Resource: grant.resources,
    ...(grant.condition === undefined ? {} : { Condition: grant.condition }),
  }
}

/** How many of the characters that IAM counts a policy has. */
export function policySize(policy: Policy): number {
  return JSON.stringify(policy).length
}
