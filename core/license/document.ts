import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { digest, envelope, installationId, keyName, licenseId, moment, sequence } from './fields.ts'

/** What a license says; all moments are wall-clock milliseconds. */
export interface License {
  readonly kid: string
  /** The license's opaque id. */
  readonly license: string
  /** The customer's id; never a name. */
  readonly customer: string
  /** The installation that it is for, or `*` for any. */
  readonly installation: string
  /** The product that it is for. */
  readonly product: string
  readonly tier: string
  readonly issuedAt: Ms
  readonly notBefore: Ms
  /** The end of the contract. */
  readonly expires: Ms
  /** When a fresh document is due; none ends by that. */
  readonly refreshBy: Ms
  /** How long everything stays as it is behind the end. */
  readonly grace: Ms
  /** Flags and limits by name; a limit of null is none. */
  readonly entitlements: Entitlements
  /** Counts the documents of one license. */
  readonly sequence: number
  /** The digest of the document before this one. */
  readonly previous: string | undefined
  /** The vendor's words to a person, plain text. */
  readonly note: string | undefined
}

export type Entitlements = Readonly<Record<string, boolean | number | null>>

const DAY: Ms = 86_400_000

const payloadSchema = z
  .object({
    ...envelope,
    lic: licenseId,
    sub: z.string().min(1).max(64),
    inst: z.union([z.literal('*'), installationId]),
    aud: keyName,
    tier: keyName,
    iss_at: moment,
    nbf: moment,
    exp: moment,
    file_exp: moment,
    grace_days: z.int().min(0).max(3_650),
    ent: z.record(
      z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
      z.union([z.boolean(), z.number().min(0), z.null()]),
    ),
    seq: sequence,
    prev: digest.optional(),
    note: z.string().max(500).optional(),
  })
  .refine(({ nbf, exp }) => nbf < exp, 'exp: it ends before it begins')

/** The license in a payload that was verified, or what is wrong with it. Fields that are not known are passed over. */
export function readLicense(
  payload: unknown,
): { readonly ok: true; readonly license: License } | { readonly ok: false; readonly why: string } {
  const parsed = payloadSchema.safeParse(payload)
  if (!parsed.success) return { ok: false, why: describeFault(parsed.error) }
  const { data } = parsed
  return {
    ok: true,
    license: {
      kid: data.kid,
      license: data.lic,
      customer: data.sub,
      installation: data.inst,
      product: data.aud,
      tier: data.tier,
      issuedAt: data.iss_at,
      notBefore: data.nbf,
      expires: data.exp,
      refreshBy: data.file_exp,
      grace: data.grace_days * DAY,
      entitlements: data.ent,
      sequence: data.seq,
      previous: data.prev,
      note: data.note,
    },
  }
}

/** The first field that does not fit, as a clause. */
export function describeFault({ issues }: z.ZodError): string {
  const [first] = issues
  const place = first?.path.map(String).join('.')
  return place ? `its field "${place}" does not fit` : (first?.message ?? 'its fields do not fit')
}
