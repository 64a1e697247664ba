import { type Level, levelOfName, levelOfNumber } from '#core/logs/level.ts'
import type { LogField, LogRecord } from '#core/logs/record.ts'

type Role = 'message' | 'level' | 'known' | 'error' | 'trace'

/** What loggers call the same thing: pino, bunyan, winston, zap, logrus, slog, ECS, Python's JSON loggers. */
const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ...roles('message', 'msg', 'message', '@message'),
  ...roles('level', 'level', 'severity', 'lvl', 'levelname', 'log.level', '@level'),
  // The cluster's stamp is shown already, and the rest is the same in every line of a pod.
  ...roles('known', 'time', 'ts', 'timestamp', '@timestamp', 't', 'datetime', 'pid', 'hostname', 'v'),
  ...roles('error', 'err', 'error', 'exception'),
  ...roles('trace', 'stack', 'stacktrace', 'stack_trace', 'error.stack_trace', 'exc_info', 'traceback'),
])

function roles(role: Role, ...names: readonly string[]): Array<[string, Role]> {
  return names.map((name) => [name, role])
}

type Fields = Readonly<Record<string, unknown>>

/** One JSON object on a line; undefined for anything else. */
export function parseJson(text: string): LogRecord | undefined {
  const document = parse(text)
  if (document === undefined) return undefined
  let message: string | undefined
  let level: Level | undefined
  let trace: string | undefined
  const fields: LogField[] = []
  // JSON gives objects without a prototype's names, and this is asked of every line.
  for (const name in document) {
    const value = document[name]
    const role = ROLES.get(name)
    if (role === undefined) addField(fields, name, value)
    else if (role === 'known') continue
    else if (role === 'message' && message === undefined && typeof value === 'string') message = value
    else if (role === 'level' && level === undefined) {
      level = levelOf(value)
      // A level of nobody's scale is worth showing as it is.
      if (level === undefined) fields.push([name, show(value)])
    } else if (role === 'error' && isObject(value)) {
      trace ??= textOf(value['stack'])
      addError(fields, name, value)
    } else if (role === 'trace' && typeof value === 'string') trace ??= value
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
  else for (const key in value) fields.push([`${name}.${key}`, show(value[key])])
}

function show(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
