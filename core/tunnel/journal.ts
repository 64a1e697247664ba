import { hash } from 'node:crypto'
import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'

/**
 * The journal of sessions: what a process that is killed leaves behind. A session lives in the customer's account
 * until someone terminates it, so each is written down before it is used, with whoever uses it, and struck out once
 * it is terminated. The next start finds what nobody uses any more.
 */
export interface JournalEntry {
  readonly sessionId: string
  readonly place: SessionPlace
  readonly owner: ProcessIdentity
  /** Wall-clock moment. */
  readonly startedAt: Ms
}

/** Where a session lives, and so whose credentials can end it. */
export interface SessionPlace {
  /** The installation's name, for messages; undefined for a session on an instance that was named. */
  readonly installation: string | undefined
  readonly account: string
  readonly region: string
}

/** One process, told apart from a later one with the same number. */
export interface ProcessIdentity {
  readonly machine: string
  readonly pid: number
  /** What differs between two processes of one number on one machine; opaque. */
  readonly start: string
}

/** The keys of all entries start so. */
export const JOURNAL_PREFIX = 'sessions/'

/** The service itself forgets a session after so long (its history), whatever became of it. */
const FORGET_AFTER: Ms = 30 * 24 * 3_600_000

/** The key of a session's entry; a session id holds characters that a key may not. */
export function journalKey(sessionId: string): string {
  return JOURNAL_PREFIX + hash('sha256', sessionId, 'hex').slice(0, 32)
}

/** Checks the shape of a stored entry; `state-invalid` otherwise. */
export function parseJournalEntry(value: unknown, key: string): JournalEntry {
  if (isEntry(value)) return value
  throw new PgctlError('state-invalid', `the journal entry ${key} cannot be used`, {
    why: 'it does not say which session it is about, where that lives and who opened it',
    next: `remove ${key}.json from the state folder (pgctl config shows where); the session in it, if any, ends by the account's idle limit`,
  })
}

/** What to do with an entry at a start in `place`. */
export type JournalVerdict =
  /** Its owner still uses it. */
  | 'in-use'
  /** Its owner is gone: terminate it. */
  | 'leftover'
  /** Other credentials than these are needed to terminate it; their next use will. */
  | 'elsewhere'
  /** The service knows nothing of it any more. */
  | 'forgotten'

/** Judges one entry. A process of another machine cannot be seen from here, and counts as alive. */
export function judgeEntry(
  entry: JournalEntry,
  context: {
    readonly place: SessionPlace
    readonly machine: string
    readonly isOwnerAlive: boolean
    readonly now: Ms
  },
): JournalVerdict {
  if (context.now - entry.startedAt > FORGET_AFTER) return 'forgotten'
  if (entry.owner.machine !== context.machine || context.isOwnerAlive) return 'in-use'
  const { account, region } = context.place
  return entry.place.account === account && entry.place.region === region ? 'leftover' : 'elsewhere'
}

function isEntry(value: unknown): value is JournalEntry {
  if (!isRecord(value) || !isRecord(value['place']) || !isRecord(value['owner'])) return false
  const { place, owner } = value
  return (
    isText(value['sessionId']) &&
    Number.isFinite(value['startedAt']) &&
    isOptionalText(place['installation']) &&
    isText(place['account']) &&
    isText(place['region']) &&
    isText(owner['machine']) &&
    Number.isInteger(owner['pid']) &&
    typeof owner['start'] === 'string'
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || isText(value)
}
