import * as z from 'zod'
import { readDocument } from '#core/installation/located-document.ts'

/**
 * `packer/checks.yaml`: what must be so on a bastion, as data. The same file is asked of a tree that is being built,
 * of the tree when it has booted in a container, and of the bastion itself.
 */

/** `tree`: files only. `booted`: a tree that runs in a container, under another's kernel. `bastion`: the machine. */
export const PLACES = ['tree', 'booted', 'bastion'] as const
export type Place = (typeof PLACES)[number]

const path = z.string().regex(/^\//, 'a path starts with /')
const pattern = z.string().refine(isPattern, 'it is no regular expression')
const mode = z.string().regex(/^0[0-7]{3,4}$/, 'a mode is octal, as 0644')
/** A list of paths; a * stands for anything but a slash, ** for anything. */
const paths = z.array(path)

const CHECKS = {
  package: z.strictObject({
    name: z.string().min(1),
    present: z.boolean().optional(),
    atLeast: z.string().min(1).optional(),
  }),
  packages: z.strictObject({ atMost: z.number().int().positive() }),
  file: z.strictObject({
    path,
    present: z.boolean().default(true),
    mode: mode.optional(),
    owner: z.string().optional(),
    linesThatMatch: z.array(pattern).default([]),
    noLineThatMatches: z.array(pattern).default([]),
  }),
  /** Files of a kind anywhere; only those in `allowed` may be so. */
  noFiles: z.strictObject({
    that: z.enum(['run as their owner', 'run as their group', 'anybody may write', 'nobody owns']),
    allowed: paths.default([]),
  }),
  nothingAt: paths,
  emptyOrAbsent: paths,
  unit: z.strictObject({
    name: z.string().min(1),
    enabled: z.boolean().optional(),
    masked: z.boolean().optional(),
    active: z.boolean().optional(),
  }),
  noFailedUnits: z.strictObject({ but: z.array(z.string()).default([]) }),
  /** Sockets that anybody outside could reach; `allowed` as `udp 68`. */
  listeners: z.strictObject({ allowed: z.array(z.string().regex(/^(tcp|udp) \d+$/)).default([]) }),
  sysctl: z.record(z.string(), z.union([z.string(), z.number()]).transform(String)),
  accounts: z.strictObject({
    uidZero: z.array(z.string()),
    /** Everybody else has a shell that lets nobody in. */
    withShell: z.array(z.string()),
  }),
  mount: z.strictObject({ path, options: z.array(z.string().min(1)) }),
  size: z.strictObject({ atMostMiB: z.number().positive() }),
  diskFree: z.strictObject({ path, atLeastMiB: z.number().positive() }),
  /** No file has changed since the image was sealed. */
  sealed: z.strictObject({ but: paths.default([]) }),
} as const

export type CheckKind = keyof typeof CHECKS
export type Wish<Kind extends CheckKind> = z.infer<(typeof CHECKS)[Kind]>

const checkSchema = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9-]+$/, 'an id is of small letters, digits and dashes'),
    /** The sentence that holds when it passes. */
    says: z.string().min(1),
    on: z.array(z.enum(PLACES)).default([...PLACES]),
    ...(Object.fromEntries(Object.entries(CHECKS).map(([kind, schema]) => [kind, schema.optional()])) as {
      [Kind in CheckKind]: z.ZodOptional<(typeof CHECKS)[Kind]>
    }),
  })
  .refine((check) => kindsOf(check).length === 1, `a check has one of ${Object.keys(CHECKS).join(', ')}`)

export type Check = z.infer<typeof checkSchema>

const checksSchema = z
  .strictObject({ checks: z.array(checkSchema).min(1) })
  .refine(
    ({ checks }) => new Set(checks.map(({ id }) => id)).size === checks.length,
    'two checks have one id',
  )

/** @throws PgctlError `config-invalid`, with the lines. */
export function parseChecks(text: string, source: string): Check[] {
  const known = [
    ...['checks', 'id', 'says', 'on', ...Object.keys(CHECKS)],
    ...Object.values(CHECKS).flatMap((schema) => ('shape' in schema ? Object.keys(schema.shape) : [])),
  ]
  return readDocument(text, checksSchema, { source, what: "the image's checks", known }).checks
}

/** What a check is about. */
export const kindOf = (check: Check): CheckKind => kindsOf(check)[0] as CheckKind

function kindsOf(check: object): CheckKind[] {
  const asked = new Map(Object.entries(check))
  return (Object.keys(CHECKS) as CheckKind[]).filter((kind) => asked.get(kind) !== undefined)
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    return false
  }
}
