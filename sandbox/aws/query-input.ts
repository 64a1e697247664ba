import type { Input } from './service.ts'

/** One filter: a row passes when any of its values fits; filters are joined by "and". */
export interface Filter {
  readonly name: string
  readonly values: readonly string[]
}

/** The list of a query request below `prefix`, in its own order: `InstanceId.1`, `InstanceId.2`, … */
export function listIn(input: Input, prefix: string): string[] {
  const numbered = Object.entries(input).flatMap(([key, value]) => {
    const number = key.startsWith(`${prefix}.`) ? key.slice(prefix.length + 1) : ''
    return /^\d+$/.test(number) ? [[Number(number), String(value)] as const] : []
  })
  return numbered.sort(([a], [b]) => a - b).map(([, value]) => value)
}

/** The filters below `prefix`, their values below `values`: `Filter.1.Name`, `Filter.1.Value.1`, … */
export function filtersIn(input: Input, prefix: string, values: string): Filter[] {
  const numbers = new Set<number>()
  for (const key of Object.keys(input)) {
    const number = key.startsWith(`${prefix}.`) ? /^\d+(?=\.)/.exec(key.slice(prefix.length + 1)) : null
    if (number !== null) numbers.add(Number(number[0]))
  }
  return [...numbers]
    .sort((a, b) => a - b)
    .map((number) => ({
      name: String(input[`${prefix}.${number}.Name`] ?? ''),
      values: listIn(input, `${prefix}.${number}.${values}`),
    }))
}
