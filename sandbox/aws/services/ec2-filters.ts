import { WORLD } from '#sandbox/world.ts'
import type { WorldInstance } from '#sandbox/world-state.ts'
import { AwsError } from '../aws-error.ts'
import type { Input } from '../service.ts'

/** One filter: an instance passes when any of its values fits; filters are joined by "and". */
export interface Filter {
  readonly name: string
  readonly values: readonly string[]
}

/** The filters of a query request: `Filter.1.Name`, `Filter.1.Value.1`, … */
export function readFilters(input: Input): Filter[] {
  const filters = new Map<string, { name: string; values: string[] }>()
  for (const [key, value] of Object.entries(input)) {
    const [, number, field] = /^Filter\.(\d+)\.(Name|Value\.\d+)$/.exec(key) ?? []
    if (number === undefined || field === undefined) continue
    const filter = filters.get(number) ?? { name: '', values: [] }
    if (field === 'Name') filter.name = String(value)
    else filter.values.push(String(value))
    filters.set(number, filter)
  }
  return [...filters.values()]
}

/** Whether `instance` passes every filter. @throws AwsError for a filter that EC2 does not know. */
export function passes(instance: WorldInstance, filters: readonly Filter[]): boolean {
  return filters.every(({ name, values }) => {
    const found = valuesOf(instance, name)
    return values.some((pattern) => found.some((value) => matches(pattern, value)))
  })
}

function valuesOf(instance: WorldInstance, filter: string): string[] {
  if (filter.startsWith('tag:')) {
    const value = instance.tags[filter.slice('tag:'.length)]
    return value === undefined ? [] : [value]
  }
  switch (filter) {
    case 'tag-key':
      return Object.keys(instance.tags)
    case 'instance-state-name':
      return [instance.state]
    case 'instance-id':
      return [instance.instanceId]
    case 'private-ip-address':
      return [instance.address]
    case 'vpc-id':
      return [WORLD.vpcId]
    case 'subnet-id':
      return [WORLD.subnetId]
    default:
      throw new AwsError('InvalidParameterValue', `The filter '${filter}' is invalid`)
  }
}

/** `*` stands for any text, `?` for one character; a backslash takes either as it is. */
function matches(pattern: string, value: string): boolean {
  const expression = pattern.replace(/\\([*?\\])|[*?]|[.+^${}()|[\]\\]/g, (found, escaped?: string) => {
    if (escaped !== undefined) return `\\${escaped}`
    if (found === '*') return '.*'
    return found === '?' ? '.' : `\\${found}`
  })
  return new RegExp(`^${expression}$`, 's').test(value)
}
