import type { Ms } from '#core/clock.ts'
import type { Entitlements, License } from './document.ts'

/**
 * What the customer may count on at `at`: the current license, widened by those before it whose time is not over. What
 * somebody has paid for until a date, a new document does not take away before it.
 */
export function entitlementsAt(current: License, earlier: readonly License[], at: Ms): Entitlements {
  return earlier
    .filter(({ license, expires }) => license === current.license && at < expires)
    .reduce((held, { entitlements }) => widen(held, entitlements), current.entitlements)
}

function widen(a: Entitlements, b: Entitlements): Entitlements {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries(
    [...names].sort().map((name) => [name, wider(grantOf(a, name), grantOf(b, name))]),
  )
}

function grantOf(entitlements: Entitlements, name: string): boolean | number | null | undefined {
  return Object.hasOwn(entitlements, name) ? entitlements[name] : undefined
}

/** No limit (null) is wider than any; a name that a document does not have grants nothing. */
function wider(
  a: boolean | number | null | undefined,
  b: boolean | number | null | undefined,
): boolean | number | null {
  if (a === null || b === null) return null
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return a || b
  // A flag that became a limit, or the reverse: the newer form is the one that is understood.
  return a ?? b ?? false
}
