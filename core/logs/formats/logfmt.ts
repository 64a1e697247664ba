import { levelOfName } from '#core/logs/level.ts'
import type { LogField, LogRecord } from '#core/logs/record.ts'

const PAIR = /([A-Za-z_@][\w.\-/@]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|$)/y
const MESSAGE = new Set(['msg', 'message'])
const LEVEL = new Set(['level', 'lvl', 'severity'])
/** The cluster's stamp is shown already. */
const TIME = new Set(['t', 'ts', 'time', 'timestamp'])

/**
 * `level=info msg="what happened" duration=12ms`: pairs from end to end. A sentence that merely holds an equals sign
 * is none, and neither is a line that tells neither a level nor a message.
 */
export function parseLogfmt(text: string): LogRecord | undefined {
  const pairs = parsePairs(text)
  if (pairs === undefined) return undefined
  const message = pairs.find(([name]) => MESSAGE.has(name))?.[1]
  const level = pairs.find(([name]) => LEVEL.has(name))?.[1]
  if (message === undefined && level === undefined) return undefined
  const known = level === undefined ? undefined : levelOfName(level)
  return {
    format: 'logfmt',
    level: known,
    message: message ?? '',
    fields: pairs.filter(
      ([name]) => !MESSAGE.has(name) && !TIME.has(name) && (known === undefined || !LEVEL.has(name)),
    ),
    trace: undefined,
  }
}

/** Pairs that fill all of the text, unquoted; undefined where something else stands between. */
export function parsePairs(text: string): LogField[] | undefined {
  const pairs: LogField[] = []
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < text.length) {
    const match = PAIR.exec(text)
    if (match === null) return undefined
    pairs.push([match[1] as string, unquote(match[2] as string)])
  }
  return pairs.length === 0 ? undefined : pairs
}

function unquote(value: string): string {
  if (!value.startsWith('"')) return value
  try {
    return JSON.parse(value) as string
  } catch {
    // Go quotes some characters as JSON does not; what was written is shown.
    return value.slice(1, -1)
  }
}
