import * as z from 'zod'

/**
 * The three kinds of request that may leave an installation; there is no fourth. Each has one schema, which refuses any
 * other field, one path, and a list of what of it the ledger does not keep.
 */

const word = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
const license = z.string().regex(/^lic-[0-9a-z-]{1,60}$/)
const installation = z.string().regex(/^ins-[0-9a-f]{32}$/)
/** 128 random bits in base64url: an answer repeats it, so that a recorded one is no answer. */
const nonce = z.string().regex(/^[A-Za-z0-9_-]{22}$/)
const version = z.string().regex(/^\d+\.\d+\.\d+[0-9A-Za-z.-]{0,32}$/)
const day = z.string().regex(/^\d{4}-\d\d-\d\d$/)

export const KINDS = {
  license: {
    schema: 'license/1',
    path: '/v1/license',
    body: z.strictObject({
      schema: z.literal('license/1'),
      license,
      installation,
      version,
      /** The number of the newest document here; 0 for none. */
      sequence: z.int().min(0),
      nonce,
    }),
    withheld: ['nonce'],
  },
  billing: {
    schema: 'billing/1',
    path: '/v1/billing',
    body: z.strictObject({ schema: z.literal('billing/1'), license, installation, nonce }),
    withheld: ['nonce'],
  },
  analytics: {
    schema: 'analytics/1',
    path: '/v1/analytics',
    body: z.strictObject({
      schema: z.literal('analytics/1'),
      /** A random id that changes every month and is of nobody. */
      report: nonce,
      version,
      from: day,
      to: day,
      /** Counts in two significant digits. */
      counts: z.record(
        word,
        z
          .int()
          .min(0)
          .refine((count) => count === roundCount(count), 'a count is rounded to two digits'),
      ),
    }),
    withheld: ['report'],
  },
} as const satisfies Record<string, KindRow>

interface KindRow {
  readonly schema: string
  readonly path: string
  readonly body: z.ZodObject
  /** Fields whose values the ledger leaves out. */
  readonly withheld: readonly string[]
}

export type VendorKind = keyof typeof KINDS
export type BodyOf<Kind extends VendorKind> = z.infer<(typeof KINDS)[Kind]['body']>

export const VENDOR_KINDS = Object.keys(KINDS) as VendorKind[]

/** Most of what a request may be; schemas allow no more by far, and a mistake should show. */
const MAXIMUM_BODY = 16 * 1024

/** The bytes of a body, which are the same for the same body. @throws Error for a body that its schema refuses. */
export function encodeBody<Kind extends VendorKind>(kind: Kind, body: BodyOf<Kind>): string {
  const schema: z.ZodObject = KINDS[kind].body
  const text = JSON.stringify(schema.parse(body))
  if (Buffer.byteLength(text) > MAXIMUM_BODY) throw new Error(`a body of the kind ${kind} is too large`)
  return text
}

/** The body as the ledger keeps it. */
export function redactBody(kind: VendorKind, text: string): Readonly<Record<string, unknown>> {
  const withheld: readonly string[] = KINDS[kind].withheld
  const fields = JSON.parse(text) as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, withheld.includes(name) ? '[withheld]' : value]),
  )
}

/** To two significant digits: enough to see what is used, too little to know somebody by it. */
export function roundCount(count: number): number {
  return Number(count.toPrecision(2))
}
