import * as z from 'zod'
import { PgctlError } from '#core/errors.ts'
import { describeIssues } from '#core/installation/schema-issues.ts'

/** What a client may ask of the supervisor, checked: it is the only door. */

const words = z.array(z.string().min(1))
const whence = {
  /** Where the command was typed. */
  folder: z.string(),
  /** What of its environment chooses credentials, configuration and ways out. */
  environment: z.record(z.string(), z.string()),
  flags: z.strictObject({
    installation: z.string().optional(),
    region: z.string().optional(),
    profile: z.string().optional(),
  }),
}

const requestSchema = z.discriminatedUnion('request', [
  z.strictObject({
    request: z.literal('open'),
    ...whence,
    words: words.min(1),
    port: z.number().int().min(0).max(65_535).optional(),
    bind: z.string().optional(),
    route: z.enum(['direct', 'cluster']).optional(),
    reason: z.string().optional(),
    /** How long a lazy tunnel keeps its session without a connection; absent for one that is not lazy. */
    idleMs: z.number().positive().optional(),
  }),
  /** The way to the cluster for a program of this computer; opened unless it is there. */
  z.strictObject({
    request: z.literal('cluster'),
    ...whence,
    /** Whether to open one that is not there. */
    open: z.boolean(),
    /** Where it is to listen, and nowhere else. */
    port: z.number().int().min(1).max(65_535).optional(),
    /** Whether it stays until it is stopped, and not only while commands use it. */
    stays: z.boolean().optional(),
    idleMs: z.number().positive(),
  }),
  /** The way to a datastore for its client, and its login; opened unless it is there. */
  z.strictObject({
    request: z.literal('datastore'),
    ...whence,
    engine: z.enum(['postgres', 'redis']),
    name: z.string().min(1).optional(),
    reader: z.boolean(),
    credentials: z.enum(['secret', 'secrets-manager', 'iam', 'prompt']).optional(),
    user: z.string().optional(),
    /** Another node of it: then no login is looked for. */
    node: z.strictObject({ host: z.string().min(1), port: z.number().int().min(1).max(65_535) }).optional(),
    /** Whether to open what is not there. */
    open: z.boolean(),
    idleMs: z.number().positive(),
  }),
  z.strictObject({ request: z.literal('list') }),
  z.strictObject({ request: z.literal('stop'), words, installation: z.string().optional() }),
  /** Events from now on, until all of the tunnels have ended. */
  z.strictObject({ request: z.literal('attach'), words, installation: z.string().optional() }),
])

export type ControlRequest = z.infer<typeof requestSchema>
export type OpenRequest = Extract<ControlRequest, { request: 'open' }>
export type ClusterRequest = Extract<ControlRequest, { request: 'cluster' }>
export type DatastoreRequest = Extract<ControlRequest, { request: 'datastore' }>
export type SelectRequest = Extract<ControlRequest, { request: 'stop' | 'attach' }>

/** @throws PgctlError `protocol-violation` */
export function parseRequest(value: Record<string, unknown>): ControlRequest {
  const parsed = requestSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new PgctlError(
    'protocol-violation',
    'the supervisor of background tunnels does not understand the request',
    {
      why: describeIssues(parsed.error.issues),
      next: 'end it, and open its tunnels again: pgctl tunnel stop --all',
    },
  )
}
