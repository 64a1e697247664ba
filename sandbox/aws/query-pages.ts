import { AwsError } from './aws-error.ts'
import { type Page, page } from './pages.ts'
import type { Call, Input } from './service.ts'

/** How an operation of the query protocol pages: its parameters, and what they may be. */
export interface QueryPages {
  readonly size: string
  readonly token: string
  readonly least: number
  readonly most: number
  /** The code for a token that was never given, and for a size out of range. */
  readonly badToken: string
  readonly badSize: string
}

/** As RDS and ElastiCache page. */
export const MARKER_PAGES: QueryPages = {
  size: 'MaxRecords',
  token: 'Marker',
  least: 20,
  most: 100,
  badToken: 'InvalidParameterValue',
  badSize: 'InvalidParameterValue',
}

/** The page that a request asks for; the largest when it does not say. @throws AwsError */
export function queryPage<T>(all: readonly T[], input: Input, call: Call, pages: QueryPages): Page<T> {
  const given = input[pages.size]
  const size = given === undefined ? pages.most : Number(given)
  if (!Number.isInteger(size) || size < pages.least || size > pages.most)
    throw new AwsError(
      pages.badSize,
      `Invalid value ${String(given)} for ${pages.size}. Must be between ${pages.least} and ${pages.most}`,
    )
  const token = input[pages.token] === undefined ? undefined : String(input[pages.token])
  const refuse = (): never => {
    throw new AwsError(pages.badToken, `The ${pages.token} '${token}' is invalid`)
  }
  return page(all, size, token, refuse, call.paging)
}
