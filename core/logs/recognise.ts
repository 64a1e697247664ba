import { parseAccess } from '#core/logs/formats/access.ts'
import { parseJson } from '#core/logs/formats/json.ts'
import { parseKlog } from '#core/logs/formats/klog.ts'
import { parseLogfmt } from '#core/logs/formats/logfmt.ts'
import { parsePlain } from '#core/logs/formats/plain.ts'
import { parsePostgres } from '#core/logs/formats/postgres.ts'
import type { LogRecord } from '#core/logs/record.ts'

const BRACE = '{'.charCodeAt(0)

/**
 * Recognises a line by its own looks, as one container may write several formats: a library's warning between the
 * JSON of the program. What is of no known format is a plain line, whole.
 */
export function parseRecord(text: string): LogRecord {
  const first = text.charCodeAt(0)
  if (first === BRACE) return parseJson(text) ?? parsePlain(text)
  return parseKlog(text) ?? parsePostgres(text) ?? parseAccess(text) ?? parseLogfmt(text) ?? parsePlain(text)
}
