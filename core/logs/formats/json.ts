import { type Level, levelOfName, levelOfNumber } from '#core/logs/level.ts'
import type { LogField, LogRecord } from '#core/logs/record.ts'

/** Names by which loggers call the same thing: pino, bunyan, winston, zap, logrus, slog, ECS, Python's JSON loggers. */
const MESSAGE = new Set(['msg', 'message', '@message'])
const LEVEL = new Set(['level', 'severity', 'lvl', 'levelname', 'log.level', '@level'])
/** The cluster's stamp is shown already. */
const TIME = new Set(['time', 'ts', 'timestamp', '@timestamp', 't', 'datetime'])
/** The same in every line of a pod. */
const SELF = new Set(['pid', 'hostname', 'v'])
const ERROR = new Set(['err', 'error', 'exception'])
const TRACE = new Set(['stack', 'stacktrace', 'stack_trace', 'error.stack_trace', 'exc_info', 'traceback'])

type Fields = Readonly<Record<string, unknown>>

/** One JSON object on a line; undefined for anything else. */
export function parseJson(text: string): LogRecord | undefined {
  const document = parse(text)
  if (document === undefined) return undefined
  let message: string | undefined
  let level: Level | undefined
  let trace: string | undefined
  const fields: LogField[] = []
  for (const [name, value] of Object.entries(document)) {
    if (message === undefined && MESSAGE.has(name) && typeof value === 'string') message = value
    else if (level === undefined && LEVEL.has(name)) {
      level = levelOf(value)
      // A level of nobody's scale is worth showing as it is.
      if (level === undefined) fields.push([name, show(value)])
    } else if (TIME.has(name) || SELF.has(name)) continue
    else if (ERROR.has(name) && isObject(value)) {
      trace ??= textOf(value['stack'])
      addError(fields, name, value)
    } else if (TRACE.has(name) && typeof value === 'string') trace ??= value
    else addField(fields, name, value)
  }
  return { format: 'json', level, message: message ?? '', fields, trace }
}

function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function levelOf(value: unknown): Level | undefined {
  if (typeof value === 'number') return levelOfNumber(value)
  return typeof value === 'string' ? levelOfName(value) : undefined
}

/** A trace begins with type and message. */
function addError(fields: LogField[], name: string, error: Fields): void {
  const { stack, message, type, ...rest } = error
  if (typeof stack !== 'string') {
    if (type !== undefined) fields.push([`${name}.type`, show(type)])
    if (message !== undefined) fields.push([name, show(message)])
  }
  for (const [key, value] of Object.entries(rest)) fields.push([`${name}.${key}`, show(value)])
}

function addField(fields: LogField[], name: string, value: unknown): void {
  if (!isObject(value)) fields.push([name, show(value)])
  else for (const [key, inner] of Object.entries(value)) fields.push([`${name}.${key}`, show(inner)])
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
