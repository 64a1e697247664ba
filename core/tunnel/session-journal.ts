import type { Clock } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import type { SessionApi } from '#core/ssm/session-api.ts'
import type { Store } from '#core/store.ts'
import {
  JOURNAL_PREFIX,
  type JournalEntry,
  journalKey,
  judgeEntry,
  type ProcessIdentity,
  parseJournalEntry,
  type SessionPlace,
} from '#core/tunnel/journal.ts'

/** Which processes there are: `io/processes.ts`. */
export interface Processes {
  self(): Promise<ProcessIdentity>
  /** Whether that very process still runs; only asked of processes of this machine. */
  isAlive(process: ProcessIdentity): Promise<boolean>
}

interface JournalContext {
  readonly store: Store
  readonly processes: Processes
  readonly clock: Clock
  readonly place: SessionPlace
}

/** Writes down each session of this process before it is used, and strikes it out once it is terminated. */
export class SessionJournal {
  readonly #context: JournalContext

  constructor(context: JournalContext) {
    this.#context = context
  }

  async started(sessionId: string): Promise<void> {
    const { store, processes, clock, place } = this.#context
    const entry: JournalEntry = {
      sessionId,
      place,
      owner: await processes.self(),
      startedAt: clock.now().wall,
    }
    await store.write(journalKey(sessionId), entry)
  }

  async terminated(sessionId: string): Promise<void> {
    await this.#context.store.remove(journalKey(sessionId))
  }
}

/** All entries, and how many cannot be read. */
export async function readJournal(
  store: Store,
): Promise<{ readonly entries: readonly JournalEntry[]; readonly unreadable: number }> {
  const entries: JournalEntry[] = []
  let unreadable = 0
  for (const key of await store.list(JOURNAL_PREFIX)) {
    try {
      const entry = await readEntry(store, key)
      if (entry !== undefined) entries.push(entry)
    } catch (error) {
      if (!isPgctlError(error, 'state-invalid')) throw error
      unreadable++
    }
  }
  return { entries, unreadable }
}

export interface SweepResult {
  /** Sessions that a killed process had left, and that are terminated now. */
  readonly terminated: readonly JournalEntry[]
  /** Entries that could not be read or whose session could not be terminated; they stay for the next start. */
  readonly failed: readonly SweepFailure[]
}

export interface SweepFailure {
  /** Undefined where the entry cannot be read. */
  readonly sessionId: string | undefined
  readonly error: unknown
}

/**
 * Terminates the sessions that processes which are gone have left in `place`. Nothing that goes wrong is thrown:
 * a start must not fail for what another one left.
 */
export async function sweepSessions(
  context: JournalContext & { readonly api: Pick<SessionApi, 'terminate'> },
  signal?: AbortSignal,
): Promise<SweepResult> {
  const terminated: JournalEntry[] = []
  const failed: SweepFailure[] = []
  let keys: readonly string[] = []
  try {
    keys = await context.store.list(JOURNAL_PREFIX)
  } catch (error) {
    failed.push({ sessionId: undefined, error })
  }
  const { machine } = keys.length > 0 ? await context.processes.self() : { machine: '' }
  for (const key of keys) {
    let entry: JournalEntry | undefined
    try {
      signal?.throwIfAborted()
      entry = await readEntry(context.store, key)
      if (entry !== undefined && (await sweepEntry(entry, key, machine, context, signal)))
        terminated.push(entry)
    } catch (error) {
      failed.push({ sessionId: entry?.sessionId, error })
    }
  }
  return { terminated, failed }
}

async function readEntry(store: Store, key: string): Promise<JournalEntry | undefined> {
  const stored = await store.read(key)
  return stored && parseJournalEntry(stored.value, key)
}

/** Whether the entry's session was a leftover, and is terminated. */
async function sweepEntry(
  entry: JournalEntry,
  key: string,
  machine: string,
  { store, processes, clock, place, api }: Parameters<typeof sweepSessions>[0],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const isOwnerAlive = entry.owner.machine !== machine || (await processes.isAlive(entry.owner))
  const verdict = judgeEntry(entry, { place, machine, isOwnerAlive, now: clock.now().wall })
  if (verdict === 'leftover') await api.terminate(entry.sessionId, signal)
  if (verdict === 'leftover' || verdict === 'forgotten') await store.remove(key)
  return verdict === 'leftover'
}
