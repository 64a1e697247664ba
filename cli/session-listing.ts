import { PgctlError } from '#core/errors.ts'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import { type JoinedSession, joinSessions, type OwnedEntry } from '#core/tunnel/join-sessions.ts'
import { journalKey } from '#core/tunnel/journal.ts'
import { readJournal } from '#core/tunnel/session-journal.ts'
import type { Deps } from './deps.ts'
import { allInOrder } from './in-order.ts'

export interface SessionListing {
  readonly sessions: readonly JoinedSession[]
  /** Entries of this computer's journal that cannot be read. */
  readonly unreadable: number
}

/** The account's sessions, as the service and this computer know them. Nothing is ended by looking. */
export async function listSessions(
  deps: Deps,
  { history }: { readonly history: boolean },
  signal: AbortSignal,
): Promise<SessionListing> {
  const [identity, active, ended] = await allInOrder([
    deps.identity(signal),
    deps.sessionHistory.list('active', signal),
    history ? deps.sessionHistory.list('ended', signal) : [],
  ])
  const { entries, unreadable } = await readJournal(deps.store)
  const { machine } = await systemProcesses.self()
  const owned = await Promise.all(
    entries.map(
      async (entry): Promise<OwnedEntry> => ({
        entry,
        isOwnerAlive: entry.owner.machine === machine && (await systemProcesses.isAlive(entry.owner)),
      }),
    ),
  )
  const sessions = joinSessions([...active, ...ended], owned, { caller: identity.arn, machine })
  return { sessions, unreadable }
}

/** What became of one session that was to be ended. */
export interface Ended {
  readonly id: string
  readonly failure: PgctlError | undefined
}

/** Ends these sessions, one after another; a refusal of one keeps no other from being ended. */
export async function endSessions(
  deps: Deps,
  sessions: readonly JoinedSession[],
  signal: AbortSignal,
): Promise<readonly Ended[]> {
  const results: Ended[] = []
  for (const { id } of sessions) {
    try {
      await deps.sessionApi.terminate(id, signal)
      await deps.store.remove(journalKey(id))
      results.push({ id, failure: undefined })
    } catch (error) {
      if (!(error instanceof PgctlError)) throw error
      results.push({ id, failure: error })
    }
  }
  return results
}

/**
 * The sessions that the words name among those that last, or the orphans.
 * @throws PgctlError `target-unknown` for an id that no session has.
 */
export function sessionsToEnd(
  { sessions }: SessionListing,
  ids: readonly string[],
  orphans: boolean,
): readonly JoinedSession[] {
  const lasting = sessions.filter(({ use }) => use !== 'ended')
  const named = ids.map((id) => {
    const found = lasting.find((session) => session.id === id)
    if (found !== undefined) return found
    throw new PgctlError('target-unknown', `there is no session ${id} that lasts`, {
      why:
        lasting.length === 0
          ? 'there is none at all'
          : `there are ${lasting.map((one) => one.id).join(', ')}`,
      next: 'see which there are: pgctl sessions',
    })
  })
  return [...new Set([...named, ...(orphans ? lasting.filter(({ use }) => use === 'orphan') : [])])]
}
