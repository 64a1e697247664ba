import type { Ms } from '#core/clock.ts'
import type { Cause } from '#core/tunnel/events.ts'

/**
 * What a supervisor writes down of its tunnels, so that whoever comes after one that was killed can say which there
 * were: one JSON object a line, only ever appended. A line is whole or it is the last one, cut by the end.
 *
 * ```
 *   {"journal":1,"pid":123,"version":"0.1.0","at":…}
 *   {"opened":1,"target":"grafana","installation":"acme","at":…}
 *   {"ended":1,"cause":{…},"at":…}
 *   {"over":true,"at":…}                               it has ended in order
 * ```
 */
export const JOURNAL_FORMAT = 1

export type JournalLine =
  | { readonly journal: number; readonly pid: number; readonly version: string; readonly at: Ms }
  | {
      readonly opened: number
      readonly target: string
      readonly installation: string | undefined
      readonly at: Ms
    }
  | { readonly ended: number; readonly cause: Cause; readonly at: Ms }
  | { readonly over: true; readonly at: Ms }

/** What a journal tells of a supervisor that is gone. */
export interface FormerLife {
  readonly pid: number | undefined
  /** Tunnels that were open when it was killed, and those that had ended by a failure before. */
  readonly lost: readonly FormerTunnel[]
}

export interface FormerTunnel {
  readonly target: string
  readonly installation: string | undefined
  /** Why it had ended; undefined where it was open to the last. */
  readonly cause: Cause | undefined
}

/** Reads a journal up to where it is cut: of what follows an unreadable line nothing is believed. */
export function readJournal(text: string): FormerLife {
  let pid: number | undefined
  const open = new Map<number, FormerTunnel>()
  const failed: FormerTunnel[] = []
  for (const line of text.split('\n')) {
    const entry = parseLine(line)
    if (entry === undefined) break
    if (isNumber(entry['journal'])) pid = isNumber(entry['pid']) ? entry['pid'] : undefined
    else if (entry['over'] === true) open.clear()
    else if (isNumber(entry['opened']) && typeof entry['target'] === 'string') {
      const installation = typeof entry['installation'] === 'string' ? entry['installation'] : undefined
      open.set(entry['opened'], { target: entry['target'], installation, cause: undefined })
    } else if (isNumber(entry['ended'])) {
      const tunnel = open.get(entry['ended'])
      const cause = entry['cause'] as Cause | undefined
      open.delete(entry['ended'])
      if (tunnel !== undefined && cause !== undefined && cause.code !== 'closed')
        failed.push({ ...tunnel, cause })
    }
  }
  return { pid, lost: [...failed, ...open.values()] }
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}
