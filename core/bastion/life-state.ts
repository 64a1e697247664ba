import * as z from 'zod'
import { PgctlError } from '#core/errors.ts'

/**
 * What is written down of a bastion between two looks: who holds it open, for how long it has been idle, which image
 * was good. Times are milliseconds; `…For` are spans that looks have added up.
 */

const lease = z.object({
  id: z.string(),
  owner: z.string(),
  reason: z.string(),
  from: z.number(),
  until: z.number(),
})

const elevation = z.object({
  id: z.string(),
  principal: z.string(),
  policy: z.string(),
  by: z.string(),
  reason: z.string(),
  from: z.number(),
  until: z.number(),
})

/** A session that may be ended: what it is, for how long, and when its person was told. */
const watched = z.object({
  session: z.string(),
  why: z.enum(['disconnected', 'abandoned']),
  seenFor: z.number(),
  warned: z.boolean(),
})

const done = z.object({ at: z.number(), what: z.string(), why: z.string() })

/** What of its policy a stack may set: null for an idle time never stops it, null for hours keeps it up at none. */
const rules = z.object({ idleAfter: z.number().nullable(), hours: z.string().nullable() })

/** Why no window that is open already starts it: somebody has stopped it, or too many machines never answered. */
const stopped = z.object({
  at: z.number(),
  by: z.enum(['person', 'failure']),
  /** The machine that was stopped; one that is another has been started since. */
  machine: z.string().nullable(),
})

const schema = z.object({
  v: z.literal(1),
  /** The last look; 0 before the first. */
  lookedAt: z.number(),
  /** The machine that the spans are of. */
  machine: z.string().nullable(),
  wasOnline: z.boolean(),
  /** Whether the last look found it idle, and for how long looks have. */
  idle: z.boolean(),
  idleFor: z.number(),
  bootFor: z.number(),
  lostFor: z.number(),
  staleFor: z.number(),
  unknownFor: z.object({ sessions: z.number(), activity: z.number() }),
  /** Machines in a row that never answered. */
  tries: z.number().int(),
  /** The version of the launch template whose machine has answered, and the one whose did not. */
  good: z.string().nullable(),
  refused: z.string().nullable(),
  /** Whether the people in it were told that a newer image will take its place. */
  refreshTold: z.boolean(),
  leases: z.array(lease),
  elevations: z.array(elevation),
  watched: z.array(watched),
  /** What the last look went by; null where none has said so, as those of older versions do not. */
  rules: rules.nullable().default(null),
  stopped: stopped.nullable().default(null),
  /** What was done last, the newest first. */
  history: z.array(done),
})

export type Lease = z.infer<typeof lease>
export type Elevation = z.infer<typeof elevation>
export type Watched = z.infer<typeof watched>
export type Rules = z.infer<typeof rules>
export type LifeState = z.infer<typeof schema>
export type Done = z.infer<typeof done>

/** How much of what was done is kept. */
const MOST_HISTORY = 20

export const FRESH_LIFE: LifeState = {
  v: 1,
  lookedAt: 0,
  machine: null,
  wasOnline: false,
  idle: false,
  idleFor: 0,
  bootFor: 0,
  lostFor: 0,
  staleFor: 0,
  unknownFor: { sessions: 0, activity: 0 },
  tries: 0,
  good: null,
  refused: null,
  refreshTold: false,
  leases: [],
  elevations: [],
  watched: [],
  rules: null,
  stopped: null,
  history: [],
}

/** @throws PgctlError `state-invalid` for what this version cannot read. */
export function parseLife(value: unknown, key: string): LifeState {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new PgctlError('state-invalid', `what is written down of the bastion, ${key}, cannot be read`, {
    why: `${issue?.path.join('.')}: ${issue?.message}`,
    next: 'remove the item from the table to start afresh: leases end with it, and nothing else is lost',
  })
}

/** The state with what was done added to it. */
export function withDone(state: LifeState, done: readonly Done[]): LifeState {
  return { ...state, history: [...done.toReversed(), ...state.history].slice(0, MOST_HISTORY) }
}
