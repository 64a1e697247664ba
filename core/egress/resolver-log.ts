import * as z from 'zod'
import type { Ms } from '#core/clock.ts'

/** Query logs of the Route 53 resolver: one JSON object a line. They say under which name an address was looked up. */

/** One address that a name was answered with. */
export interface Lookup {
  /** In lower case, without the dot at its end. */
  readonly name: string
  readonly address: string
  readonly at: Ms
}

const querySchema = z.object({
  query_name: z.string(),
  query_timestamp: z.string(),
  answers: z.array(z.object({ Rdata: z.string(), Type: z.string() })).optional(),
})

export function looksLikeResolverLog(text: string): boolean {
  const [first = ''] = text.trimStart().split('\n', 1)
  return first.startsWith('{') && first.includes('"query_name"')
}

export function parseResolverLog(text: string): {
  readonly lookups: readonly Lookup[]
  readonly malformed: number
} {
  const lookups: Lookup[] = []
  let malformed = 0
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const query = querySchema.safeParse(parseJson(line))
    const at = query.success ? Date.parse(query.data.query_timestamp) : Number.NaN
    if (!query.success || Number.isNaN(at)) {
      malformed++
      continue
    }
    const name = query.data.query_name.toLowerCase().replace(/\.$/, '')
    for (const { Rdata: address, Type: type } of query.data.answers ?? [])
      if (type === 'A' || type === 'AAAA') lookups.push({ name, address, at })
  }
  return { lookups, malformed }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
