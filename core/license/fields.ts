import * as z from 'zod'

/** The kinds of values that signed payloads hold; seconds become the milliseconds that everything else counts in. */

/** 9999-12-31, in seconds: a date behind it is a mistake, and milliseconds of it stay exact. */
const LAST_SECOND = 253_402_300_799

export const moment = z
  .int()
  .min(0)
  .max(LAST_SECOND)
  .transform((seconds) => seconds * 1_000)
export const sequence = z.int().min(1)
export const keyName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/)
export const licenseId = z.string().regex(/^lic-[0-9a-z-]{1,60}$/)
export const installationId = z.string().regex(/^ins-[0-9a-f]{32}$/)
/** SHA-256 in base64url. */
export const digest = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
/** What every payload begins with, checked before its schema is. */
export const envelope = { v: z.literal(1), kid: keyName, crit: z.array(z.string()).optional() }
