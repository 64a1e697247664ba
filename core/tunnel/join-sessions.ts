import type { RecordedSession } from '#core/ssm/session-history.ts'
import type { JournalEntry } from '#core/tunnel/journal.ts'

/** The service's records joined with what this computer has written down: whose a session is, and whether anyone uses it. */

export type SessionUse =
  /** A process of this computer uses it. */
  | 'here'
  /** A process of this computer has opened it, and is gone: nobody will end it. */
  | 'orphan'
  /** The caller's, from another computer or by another program. */
  | 'elsewhere'
  /** Another person's. */
  | 'other'
  | 'ended'

export interface JoinedSession extends RecordedSession {
  readonly use: SessionUse
  /** Of the process that has opened it, where that was on this computer. */
  readonly pid: number | undefined
}

/** A journal entry, and whether its process still runs. */
export interface OwnedEntry {
  readonly entry: JournalEntry
  readonly isOwnerAlive: boolean
}

export function joinSessions(
  records: readonly RecordedSession[],
  entries: readonly OwnedEntry[],
  { caller, machine }: { readonly caller: string; readonly machine: string },
): readonly JoinedSession[] {
  const known = new Map(entries.map((each) => [each.entry.sessionId, each]))
  return records.map((record) => {
    const own = known.get(record.id)
    const isHere = own?.entry.owner.machine === machine
    const pid = isHere ? own.entry.owner.pid : undefined
    return { ...record, pid, use: useOf(record, isHere ? own : undefined, caller) }
  })
}

function useOf(
  { endedAt, status, owner }: RecordedSession,
  own: OwnedEntry | undefined,
  caller: string,
): SessionUse {
  if (endedAt !== undefined || status === 'terminated' || status === 'failed') return 'ended'
  if (own !== undefined) return own.isOwnerAlive ? 'here' : 'orphan'
  return owner === caller ? 'elsewhere' : 'other'
}
