import { type Filter, filtersIn } from '../query-input.ts'
import type { Input } from '../service.ts'

/** The filters of a query request: `Filter.1.Name`, `Filter.1.Value.1`, … */
export function readFilters(input: Input): Filter[] {
  return filtersIn(input, 'Filter', 'Value')
}

/** Whether what `valuesOf` says of each filter's name passes every filter. */
export function passes(filters: readonly Filter[], valuesOf: (name: string) => readonly string[]): boolean {
  return filters.every(({ name, values }) => {
    const found = valuesOf(name)
    return values.some((pattern) => found.some((value) => matches(pattern, value)))
  })
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
