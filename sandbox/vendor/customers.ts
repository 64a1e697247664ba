import type { Ms } from '#core/clock.ts'

/** What the vendor knows of one license; moments are wall-clock milliseconds. */
export interface Customer {
  readonly license: string
  readonly customer: string
  readonly product: string
  /** The installation that documents are for, or `*`. */
  readonly installation: string
  readonly tier: string
  readonly entitlements: Readonly<Record<string, boolean | number | null>>
  readonly begins: Ms
  readonly ends: Ms
  readonly graceDays: number
  /** How long after its issue a fresh document is due. */
  readonly refreshDays: number
  /** The number of the newest document. */
  readonly sequence: number
  readonly revocation?: { readonly effective: Ms; readonly reason: string } | undefined
}

const DAY: Ms = 86_400_000

/** A customer in good standing, whose contract began ten days ago and ends in most of a year. */
export function customerOf(now: Ms, changes: Partial<Customer> = {}): Customer {
  const today = Math.floor(now / DAY) * DAY
  return {
    license: 'lic-0f1e2d3c',
    customer: 'cus-77',
    product: 'paragon',
    installation: '*',
    tier: 'pro',
    entitlements: { 'connected-users': 5_000, sso: true },
    begins: today - 10 * DAY,
    ends: today + 300 * DAY,
    graceDays: 14,
    refreshDays: 30,
    sequence: 1,
    ...changes,
  }
}

/** The fields of a document for this customer, as `docs/vendor-api.md` has them: seconds, not milliseconds. */
export function documentFields(customer: Customer, issuedAt: Ms): object {
  const seconds = (moment: Ms) => Math.floor(moment / 1_000)
  return {
    lic: customer.license,
    sub: customer.customer,
    inst: customer.installation,
    aud: customer.product,
    tier: customer.tier,
    iss_at: seconds(issuedAt),
    nbf: seconds(customer.begins),
    exp: seconds(customer.ends),
    file_exp: seconds(issuedAt + customer.refreshDays * DAY),
    grace_days: customer.graceDays,
    ent: customer.entitlements,
    seq: customer.sequence,
  }
}
