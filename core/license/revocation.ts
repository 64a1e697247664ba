import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { describeFault } from './document.ts'
import { envelope, licenseId, moment } from './fields.ts'
import { openSeal } from './seal.ts'
import { liveKeys, type Trust } from './trust.ts'

/** The end of a license before its date: signed, with notice. */
export interface Revocation {
  readonly license: string
  readonly issuedAt: Ms
  /** When it takes effect, not sooner than the least notice after it was first seen here. */
  readonly effective: Ms
  /** The vendor's words to a person, plain text. */
  readonly reason: string
}

/** However it is dated, nobody meets the end of their license on the day that they hear of it. */
export const LEAST_NOTICE: Ms = 14 * 24 * 3_600_000

const revocationSchema = z.object({
  ...envelope,
  lic: licenseId,
  iss_at: moment,
  effective: moment,
  reason: z.string().max(500),
})

/** A revocation that was first seen at `firstSeen`. One by a revoked key is none. */
export function readRevocation(
  text: string,
  trust: Trust,
  firstSeen: Ms,
): { readonly ok: true; readonly revocation: Revocation } | { readonly ok: false; readonly why: string } {
  const opened = openSeal(text, 'revocation', liveKeys(trust))
  if (opened.kind !== 'genuine') return { ok: false, why: opened.why }
  const parsed = revocationSchema.safeParse(opened.payload)
  if (!parsed.success) return { ok: false, why: describeFault(parsed.error) }
  const { lic, iss_at, effective, reason } = parsed.data
  return {
    ok: true,
    revocation: {
      license: lic,
      issuedAt: iss_at,
      effective: Math.max(effective, firstSeen + LEAST_NOTICE),
      reason,
    },
  }
}
