import type { Ms } from '#core/clock.ts'

/** What the beginning of a line of the audit's log says: `type=TYPE msg=audit(SECONDS.MILLIS:SERIAL): …`. */
export interface RecordHeader {
  /** When the event happened. */
  readonly at: Ms
  /** All lines of one event say the same: serials alone begin anew with each boot. */
  readonly event: string
  /** Whether no further line of this event follows. */
  readonly last: boolean
}

/** Where the daemon is told to, it writes the name of its machine before. */
const HEADER = /^((?:node=\S+ )?)type=(\S+) msg=audit\((\d{1,11})\.(\d{3}):(\d{1,20})\):/
/** What the kernel ends an event of several lines with; the second is for listeners, and is not written to files. */
const LAST = new Set(['PROCTITLE', 'EOE'])

/** Undefined for a line that is none of the audit's, or only the end of one. */
export function parseRecordHeader(line: string): RecordHeader | undefined {
  const [, node, type = '', seconds, millis, serial] = HEADER.exec(line) ?? []
  if (seconds === undefined) return undefined
  return {
    at: Number(seconds) * 1_000 + Number(millis),
    event: `${node}${seconds}.${millis}:${serial}`,
    last: LAST.has(type),
  }
}
