import { appendFileSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { Bytes, Clock } from '#core/clock.ts'
import {
  type FormerLife,
  JOURNAL_FORMAT,
  type JournalLine,
  readJournal,
} from '#core/tunnel/control/journal.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import type { ControlPlace } from './place.ts'

/** Of the log, as much again is kept in the file before. */
const LOG_BYTES: Bytes = 1024 * 1024

/** One line of the log. */
export interface LoggedEvent {
  /** Rises by one with every event of a supervisor's life. */
  readonly seq: number
  /** Wall-clock moment, ISO 8601 in UTC. */
  readonly at: string
  readonly tunnel: number
  readonly installation: string | undefined
  readonly event: TunnelEvent
}

/** Starts the journal of a new supervisor; what the one before had written is the result. */
export function beginJournal({ journal }: ControlPlace, version: string, clock: Clock): FormerLife {
  const former = formerLife(journal)
  const first: JournalLine = { journal: JOURNAL_FORMAT, pid: process.pid, version, at: clock.now().wall }
  writeFileSync(journal, `${JSON.stringify(first)}\n`, { mode: 0o600 })
  return former
}

/** What the journal tells, read by someone who does not change it. */
export function formerLife(path: string): FormerLife {
  return readJournal(readOrNothing(path))
}

/** Writes one line down before whatever it tells is acted on. A full disk takes no tunnel away. */
export function appendJournal({ journal }: ControlPlace, line: JournalLine): void {
  append(journal, line)
}

/** Appends to the log; a full one becomes the one before, so that both together never grow beyond a bound. */
export function appendLog({ log }: ControlPlace, line: LoggedEvent): void {
  append(log, line, LOG_BYTES)
}

function append(path: string, line: object, most: Bytes = Number.POSITIVE_INFINITY): void {
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > most) renameSync(path, `${path}.1`)
    appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: 0o600 })
  } catch {
    // What is written down is for those who come later; the tunnels are for those who use them now.
  }
}

/** The log of this supervisor's life, or of the last one, the oldest first; a line that is cut is left out. */
export function readLog({ log }: ControlPlace): LoggedEvent[] {
  const lines = `${readOrNothing(`${log}.1`)}${readOrNothing(log)}`.split('\n')
  return lines.flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as LoggedEvent]
    } catch {
      return []
    }
  })
}

/** A new life has a log of its own. */
export function clearLog({ log }: ControlPlace): void {
  for (const path of [log, `${log}.1`]) rmSync(path, { force: true })
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
