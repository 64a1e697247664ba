import type * as z from 'zod'
import { nearest } from '#core/text/nearest.ts'

/** What the kinds of values are called where a person writes them in YAML. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'names with values',
  record: 'names with values',
}

/**
 * What is wrong with a document that a schema refuses, in clauses for the person who wrote it. `known` are the keys
 * that there are, of which a wrong one may be a misspelling.
 */
export function describeIssues(issues: readonly z.core.$ZodIssue[], known: readonly string[] = []): string {
  return issues
    .map((issue) => {
      const place = issue.path.map(String).join('.')
      const clause = describeIssue(issue, known)
      return place === '' ? clause : `${place}: ${clause}`
    })
    .join('; ')
}

function describeIssue(issue: z.core.$ZodIssue, known: readonly string[]): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => describeUnknownKey(key, known)).join(', ')
    case 'invalid_type':
      return describeType(issue)
    case 'invalid_key':
      return describeIssues(issue.issues)
    case 'too_small':
      return issue.origin === 'string' ? 'it is empty' : `it is less than ${issue.minimum}`
    default:
      return issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
  }
}

function describeUnknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  const guess = near.length > 0 ? ` (did you mean ${near.join(' or ')}?)` : ''
  return `unknown key ${JSON.stringify(key)}${guess}`
}

/** A schema's own words say more than the kind of the value does. */
function describeType(issue: z.core.$ZodIssueInvalidType): string {
  if (issue.message.endsWith('received undefined')) return 'it is missing'
  if (!issue.message.startsWith('Invalid input')) return issue.message
  return `it should be ${KINDS[issue.expected] ?? issue.expected}`
}
