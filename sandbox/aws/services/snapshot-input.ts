import { AwsError } from '../aws-error.ts'
import type { Input } from '../service.ts'

/** The tags of a request: `Tags.Tag.1.Key`, `Tags.Tag.1.Value`, … */
export function tagsIn(input: Input): Record<string, string> {
  const tags: Record<string, string> = {}
  for (let number = 1; ; number++) {
    const key = input[`Tags.Tag.${number}.Key`]
    if (key === undefined) return tags
    tags[String(key)] = String(input[`Tags.Tag.${number}.Value`] ?? '')
  }
}

/** A parameter that the service does not do without. */
export function needed(input: Input, name: string): string {
  const value = input[name]
  if (value !== undefined && value !== '') return String(value)
  throw new AwsError('MissingParameter', `The request must contain the parameter ${name}.`)
}

export function optional(input: Input, name: string): string | undefined {
  return input[name] === undefined ? undefined : String(input[name])
}

/** Whoever makes something with tags has to be allowed to tag it: an operation's `dependents`. */
export function taggingBy(service: 'rds' | 'elasticache') {
  return (input: Input): readonly string[] =>
    Object.keys(tagsIn(input)).length > 0 ? [`${service}:AddTagsToResource`] : []
}
