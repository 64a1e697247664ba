import * as z from 'zod'

/** The plan of a license and what it costs, as the vendor signed it. */
export interface BillingStatement {
  readonly plan: string
  /** ISO dates. */
  readonly from: string
  readonly to: string
  /** ISO 4217. */
  readonly currency: string
  readonly lines: readonly BillingLine[]
  /** In hundredths of the currency. */
  readonly cents: number
}

export interface BillingLine {
  readonly item: string
  readonly quantity: number
  readonly cents: number
}

const text = z.string().min(1).max(80)
const day = z.string().regex(/^\d{4}-\d\d-\d\d$/)
const cents = z.int()

const statementSchema = z.object({
  plan: text,
  from: day,
  to: day,
  currency: z.string().regex(/^[A-Z]{3}$/),
  lines: z.array(z.object({ item: text, quantity: z.number().min(0), cents })).max(200),
  cents,
})

/** The statement in an answer that was verified, or undefined where it holds none that can be read. */
export function readStatement(billing: unknown): BillingStatement | undefined {
  const parsed = statementSchema.safeParse(billing)
  return parsed.success ? parsed.data : undefined
}
