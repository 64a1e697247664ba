import * as z from 'zod'
import type { Identity } from './identity.ts'

/**
 * An identity policy, evaluated as IAM does: what no statement allows is refused. Only `Allow` is known here, with the
 * conditions that policies for sessions and snapshots use; a policy with anything else is not taken.
 */

const oneOrMany = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? [value] : value))
const comparisons = z.record(z.string(), oneOrMany)

const statementSchema = z.strictObject({
  Sid: z
    .string()
    .regex(/^[A-Za-z0-9]*$/, 'a Sid is letters and digits')
    .optional(),
  Effect: z.literal('Allow'),
  Action: oneOrMany,
  Resource: oneOrMany,
  Condition: z
    .strictObject({
      StringEquals: comparisons.optional(),
      StringLike: comparisons.optional(),
      BoolIfExists: comparisons.optional(),
      'ForAllValues:StringEquals': comparisons.optional(),
    })
    .optional(),
})

export const policySchema = z.strictObject({
  Version: z.literal('2012-10-17'),
  Id: z.string().optional(),
  Statement: z.array(statementSchema),
})

export type Policy = z.infer<typeof policySchema>
export type PolicyStatement = Policy['Statement'][number]

/** One action on one resource, as policies see it. */
export interface Demand {
  /** `ssm:StartSession`. */
  readonly action: string
  /** An ARN, or `*` where the action knows no resources. */
  readonly resource: string
  readonly tags: Readonly<Record<string, string>>
  /** Keys of the request itself: `kms:RequestAlias`. */
  readonly context?: Readonly<Record<string, string>>
  readonly caller: Identity
}

/** Whether some statement of the policy allows it. */
export function permits({ Statement }: Policy, demand: Demand): boolean {
  return Statement.some((statement) => allows(statement, demand))
}

/** Whether this statement allows it. */
export function allows({ Action, Resource, Condition = {} }: PolicyStatement, demand: Demand): boolean {
  const { StringEquals = {}, StringLike = {}, BoolIfExists = {} } = Condition
  const { 'ForAllValues:StringEquals': allEqual = {} } = Condition
  return (
    Action.some((pattern) => isLike(demand.action.toLowerCase(), pattern.toLowerCase())) &&
    Resource.some((pattern) => isLike(demand.resource, fill(pattern, demand.caller))) &&
    every(StringEquals, demand, (value, wanted) => value === wanted) &&
    every(StringLike, demand, isLike) &&
    every(BoolIfExists, demand, (value, wanted) => value === wanted, true) &&
    // No request here has more than one value of a key.
    every(allEqual, demand, (value, wanted) => value === wanted, true)
  )
}

function every(
  comparison: Readonly<Record<string, readonly string[]>>,
  demand: Demand,
  holds: (value: string, wanted: string) => boolean,
  whereAbsent = false,
): boolean {
  return Object.entries(comparison).every(([key, wanted]) => {
    const value = conditionValue(key, demand)
    if (value === undefined) return whereAbsent
    return wanted.some((each) => holds(value, fill(each, demand.caller)))
  })
}

const USER_ID = '$' + '{aws:userid}'
const USER_NAME = '$' + '{aws:username}'
const TAG_KEYS = ['aws:ResourceTag/', 'ssm:resourceTag/', 'rds:db-tag/']

function conditionValue(key: string, { tags, context }: Demand): string | undefined {
  const prefix = TAG_KEYS.find((each) => key.startsWith(each))
  if (prefix !== undefined) return tags[key.slice(prefix.length)]
  // The sandbox always asks for the document, also for the default one.
  return key === 'ssm:SessionDocumentAccessCheck' ? 'true' : context?.[key]
}

/** Puts the caller's values in the place of policy variables; `aws:username` is only a user's. */
function fill(pattern: string, { arn, userId }: Identity): string {
  const [, user] = /:user\/(?:.*\/)?([^/]+)$/.exec(arn) ?? []
  return pattern.replaceAll(USER_ID, userId).replaceAll(USER_NAME, user ?? USER_NAME)
}

/** `*` stands for any characters, `?` for one. */
function isLike(value: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(value)
}
