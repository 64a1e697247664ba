import { fromBase64url } from '#core/license/base64url.ts'
import type { Trust } from '#core/license/trust.ts'
import { VERDICTS, type Verdict } from '#core/license/verdicts.ts'
import { makeVendorKey, seal, type VendorKey } from '#sandbox/vendor/keys.ts'

/** Licenses for tests: a vendor's keys, and documents that begin with 2026 and end with it. */

export const DAY = 86_400_000
export const utc = (date: string) => Date.parse(`${date}Z`)
const seconds = (ms: number) => ms / 1_000

export const ROOT = makeVendorKey('root-1')
export const FIRST = makeVendorKey('key-1')
export const SECOND = makeVendorKey('key-2')
export const STRANGER = makeVendorKey('key-1')

export const LICENSE = 'lic-0f1e2d3c'
export const INSTALLATION = `ins-${'ab'.repeat(16)}`
export const PRODUCT = 'paragon'

export const BEGINS = utc('2026-01-01T00:00:00')
export const ENDS = utc('2027-01-01T00:00:00')
export const REFRESH_BY = utc('2026-02-01T00:00:00')
export const GRACE_DAYS = 14

export function documentFields(changes: object = {}): Record<string, unknown> {
  return {
    lic: LICENSE,
    sub: 'cus-77',
    inst: INSTALLATION,
    aud: PRODUCT,
    tier: 'pro',
    iss_at: seconds(BEGINS),
    nbf: seconds(BEGINS),
    exp: seconds(ENDS),
    file_exp: seconds(REFRESH_BY),
    grace_days: GRACE_DAYS,
    ent: { sso: true, 'connected-users': 5_000 },
    seq: 1,
    ...changes,
  }
}

export function issue(changes: object = {}, key: VendorKey = FIRST): string {
  return seal('document', key, documentFields(changes))
}

export function trustIn(...keys: readonly VendorKey[]): Trust {
  return {
    roots: [{ kid: ROOT.kid, key: bytesOf(ROOT) }],
    sequence: 1,
    keys: keys.map((key) => ({
      kid: key.kid,
      key: bytesOf(key),
      notBefore: utc('2025-01-01T00:00:00'),
      notAfter: utc('2029-01-01T00:00:00'),
    })),
    revoked: [],
  }
}

export const TRUST = trustIn(FIRST)

export function keyList(changes: object = {}, key: VendorKey = ROOT): string {
  return seal('keyList', key, {
    seq: 2,
    iss_at: seconds(utc('2026-03-01T00:00:00')),
    keys: [SECOND].map(({ kid, publicKey }) => ({
      kid,
      key: publicKey,
      nbf: seconds(utc('2026-03-01T00:00:00')),
      exp: seconds(utc('2030-01-01T00:00:00')),
    })),
    revoked: [],
    ...changes,
  })
}

export function revocation(changes: object = {}, key: VendorKey = FIRST): string {
  return seal('revocation', key, {
    lic: LICENSE,
    iss_at: seconds(utc('2026-06-01T00:00:00')),
    effective: seconds(utc('2026-09-01T00:00:00')),
    reason: 'the contract was cancelled',
    ...changes,
  })
}

export function bytesOf(key: VendorKey): Uint8Array {
  return fromBase64url(key.publicKey) as Uint8Array
}

export { seconds }

/** How much a verdict takes away, 0 being nothing: the measure by which nothing may lower one. */
export function severityOf(verdict: Verdict): number {
  if (!VERDICTS[verdict].stands) return 2
  return verdict === 'grace' ? 1 : 0
}
