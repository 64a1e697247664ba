/** One page of a listing, and the token of the one after it. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | undefined
}

/** What the knobs make of the pages of one operation. */
export interface Paging {
  /** No page is larger than this. */
  readonly limit: number | undefined
  /** Every page ends with the token of the second, so that a listing never ends. */
  readonly repeats: boolean
}

const AS_ASKED: Paging = { limit: undefined, repeats: false }

/**
 * The page of `size` that `token` (of an earlier page) leads to; everything when `size` is undefined. `refuse` throws
 * what the service answers to a token that it never gave.
 */
export function page<T>(
  all: readonly T[],
  size: number | undefined,
  token: string | undefined,
  refuse: () => never,
  paging: Paging = AS_ASKED,
): Page<T> {
  const start = token === undefined ? 0 : (offsetOf(token) ?? refuse())
  const most = Math.min(size ?? all.length, paging.limit ?? all.length)
  const end = start + most
  const next = paging.repeats ? tokenOf(most) : end < all.length ? tokenOf(end) : undefined
  return { items: all.slice(start, end), next }
}

function tokenOf(offset: number): string {
  return Buffer.from(`from ${offset}`).toString('base64url')
}

function offsetOf(token: string): number | undefined {
  const [, digits] = /^from (\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? []
  return digits === undefined ? undefined : Number(digits)
}
