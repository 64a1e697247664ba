import { levelOfName } from '#core/logs/level.ts'
import type { LogField, LogRecord } from '#core/logs/record.ts'

/**
 * ```
 *   2026-11-23 07:32:39.663 UTC [12345] app@orders ERROR:  text            %m [%p] %q%u@%d, of Debian and images
 *   2026-11-23 07:32:39 UTC:10.0.1.7(54321):app@orders:[12345]:ERROR:  text      %t:%r:%u@%d:[%p]:, of RDS
 * ```
 */
const LINE =
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [A-Z]{1,5}(?::([^:]*):([^:]*):\[(\d+)\]:| \[(\d+)\] (?:(\S+@\S+) )?)(DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT):\s+(.*)$/s

/** Lines that tell more of the one before, and have no level of their own. */
const FURTHER = new Set(['DETAIL', 'HINT', 'QUERY', 'CONTEXT', 'LOCATION', 'STATEMENT'])

/** Whether a line only tells more of the one before. */
export function isFurtherOfPostgres(text: string): boolean {
  // All of them have two spaces there, and hardly another line has.
  if (!text.includes(':  ')) return false
  const severity = LINE.exec(text)?.[6]
  return severity !== undefined && FURTHER.has(severity)
}

export function parsePostgres(text: string): LogRecord | undefined {
  const match = LINE.exec(text)
  if (match === null) return undefined
  const [, client, rdsWho, rdsPid, pid, who, severity, message] = match
  const candidates: ReadonlyArray<readonly [string, string | undefined]> = [
    ['client', client],
    ['who', rdsWho ?? who],
    ['pid', rdsPid ?? pid],
  ]
  const isFurther = FURTHER.has(severity as string)
  return {
    format: 'postgres',
    level: isFurther ? undefined : levelOfName(severity as string),
    message: isFurther ? `${severity}: ${message}` : (message as string),
    fields: candidates.filter(
      (field): field is LogField => field[1] !== undefined && field[1] !== '' && field[1] !== '@',
    ),
    trace: undefined,
  }
}
