/** One page of a listing, and the token of the one after it. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | undefined
}

/**
 * The page of `size` that `token` (of an earlier page) leads to; everything when `size` is undefined. `refuse` throws
 * what the service answers to a token that it never gave.
 */
export function page<T>(
  all: readonly T[],
  size: number | undefined,
  token: string | undefined,
  refuse: () => never,
): Page<T> {
  const start = token === undefined ? 0 : (offsetOf(token) ?? refuse())
  const end = size === undefined ? all.length : start + size
  return { items: all.slice(start, end), next: end < all.length ? tokenOf(end) : undefined }
}

function tokenOf(offset: number): string {
  return Buffer.from(`from ${offset}`).toString('base64url')
}

function offsetOf(token: string): number | undefined {
  const [, digits] = /^from (\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? []
  return digits === undefined ? undefined : Number(digits)
}
