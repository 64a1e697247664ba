import { type Level, levelOfName } from '#core/logs/level.ts'
import type { LogRecord } from '#core/logs/record.ts'

/** In capitals near the beginning, as loggers of text write it; a sentence that speaks of an error is none. */
const CAPITALS = /^.{0,64}?\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|FATAL|CRITICAL|PANIC)\b/
/** `[error] 12#12: …`, of nginx and others. */
const BRACKETS = /^.{0,64}?\[(trace|debug|info|notice|warn|warning|error|crit|critical|alert|emerg|fatal)\]/i
/** The beginning of a trace: of Java, Python, Node. */
const TRACE =
  /^(?:(?:[\w$]+\.)*(?:[A-Z][\w$]*)?(?:Error|Exception)\b(?::|$| \[)|Exception in thread |Traceback \(most recent)/
/** Escape sequences of colour, which would hide where a word begins. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g')

/** A line of no known format: the whole of it is the message, and its level is guessed from its beginning. */
export function parsePlain(text: string): LogRecord {
  return { format: 'plain', level: guessLevel(text), message: text, fields: [], trace: undefined }
}

function guessLevel(text: string): Level | undefined {
  const start = text.slice(0, 160)
  const bare = start.includes('\u001b') ? start.replaceAll(COLOUR, '') : start
  if (TRACE.test(bare)) return 'error'
  if (/^(?:panic|fatal error): /.test(bare)) return 'fatal'
  const word = CAPITALS.exec(bare)?.[1] ?? BRACKETS.exec(bare)?.[1]
  return word === undefined ? undefined : levelOfName(word)
}
