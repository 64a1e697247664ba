import * as z from 'zod'
import { policySchema } from '#sandbox/aws/policy.ts'
import { WORLD } from '#sandbox/world.ts'

/** An IAM action: `ssm:StartSession`. */
const action = z.string().regex(/^[a-z0-9-]+:[A-Za-z]+$/, 'an action looks like ssm:StartSession')
const duration = z.number().int().positive()

/**
 * What tests and demonstrations turn while a sandbox runs. Every knob starts as an installation in good order; a
 * change names only what differs. Unknown names are refused.
 */
export const knobsSchema = z.strictObject({
  /** The bastion's instance, as EC2 tells it. */
  bastion: z.enum(['running', 'pending', 'stopping', 'stopped', 'terminated', 'missing']),
  /** A newer bastion beside it: none, one whose agent has not come up yet, or one that is ready. */
  replacement: z.enum(['none', 'starting', 'online']),
  /** Whether the agents of machines that the group starts come up. */
  boot: z.enum(['online', 'silent']),
  /** The agents, as Systems Manager sees them. */
  agent: z.enum(['online', 'offline']),
  /** The version of the first installation's agents, as Systems Manager tells it. */
  agentVersion: z.string().regex(/^\d+(\.\d+){3}$/, 'a version looks like 3.3.5102.0'),
  credentials: z.enum(['valid', 'expired']),
  /** The account that the operator's key belongs to. */
  account: z.string().regex(/^\d{12}$/, 'an account is twelve digits'),
  /** Actions that no policy allows. */
  deny: z.array(action),
  /** The operator's identity policy, which then decides what they may; null lets them do anything. */
  policy: policySchema.nullable(),
  /** How many of the next calls of an action (or of any: `*`) are throttled. */
  throttle: z.record(z.union([z.literal('*'), action]), z.number().int().nonnegative()),
  /** Actions that fail with an internal error: every time, or on every page but the first. */
  fail: z.record(action, z.enum(['always', 'later-pages'])),
  /** Listings that never end: every page leads to the same next one. */
  endless: z.array(action),
  /** The most that a page of any listing holds; null for the services' own limits. */
  pageSize: z.number().int().positive().nullable(),
  /** The host in the addresses of data channels, as the service gives its own; null for the one that was called. */
  streamHost: z.string().nullable(),
  /** What else than sessions leads onto the first installation's instances. */
  otherWays: z.array(z.enum(['instance-connect', 'serial-console'])),
  /** What of the first installation stands open to everybody. */
  exposed: z.array(z.enum(['bastion-address', 'bastion-port', 'cluster', 'database', 'bucket'])),
  /** Milliseconds without traffic after which the service ends a session; 20 minutes unless the account says else. */
  idle: duration,
  /** Milliseconds after which the service ends a session whatever it does; null where the account sets none. */
  maximum: duration.nullable(),
  /** Whether the session preferences name a KMS key. */
  kms: z.enum(['off', 'on']),
  /** What every login shell is told to run at its beginning, as the session preferences say. */
  shellProfile: z.string(),
  /** The log group that the session preferences have sessions written to while they go on; null for none. */
  sessionLog: z.string().min(1).nullable(),
  cluster: z.enum(['ACTIVE', 'CREATING', 'missing']),
  /** The first installation's databases, as RDS tells them. */
  database: z.enum(['available', 'stopped', 'storage-full', 'maintenance']),
  /** Its audit trail. */
  trail: z.enum(['logging', 'off', 'missing']),
  /**
   * The operator's access entry in the first installation's cluster: with pgctl's role operate, as a bastion's template
   * makes it for those who look, with the service's policy for who administers the whole cluster, or none. Turning it
   * makes the entry anew.
   */
  access: z.enum(['operate', 'view', 'admin', 'none']),
  /** Rights in the cluster that nobody has, whatever their entry gives. */
  forbid: z.array(
    z.string().regex(/^[a-z]+ [a-z]+(\/[a-z]+)?$/, 'a right looks like create pods/portforward'),
  ),
})

export type Knobs = z.infer<typeof knobsSchema>

const MINUTE = 60_000

/** An installation in good order. */
export const DEFAULT_KNOBS: Knobs = {
  bastion: 'running',
  replacement: 'none',
  boot: 'online',
  agent: 'online',
  agentVersion: WORLD.bastion.agentVersion,
  credentials: 'valid',
  account: WORLD.account,
  deny: [],
  policy: null,
  throttle: {},
  fail: {},
  endless: [],
  pageSize: null,
  streamHost: null,
  otherWays: [],
  exposed: [],
  idle: 20 * MINUTE,
  maximum: null,
  kms: 'off',
  shellProfile: '',
  sessionLog: null,
  cluster: 'ACTIVE',
  database: 'available',
  trail: 'logging',
  access: 'operate',
  forbid: [],
}

export const knobsChangeSchema = knobsSchema.partial()
export type KnobsChange = z.infer<typeof knobsChangeSchema>
