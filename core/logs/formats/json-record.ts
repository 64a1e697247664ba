import { type Level, levelOfName, levelOfNumber } from '#core/logs/level.ts'
import type { LogField, LogRecord } from '#core/logs/record.ts'

export type JsonRole = 'message' | 'level' | 'known' | 'error' | 'trace'

/** What loggers call the same thing: pino, bunyan, winston, zap, logrus, slog, ECS, Python's JSON loggers. */
const ROLES: ReadonlyMap<string, JsonRole> = new Map<string, JsonRole>([
  ...roles('message', 'msg', 'message', '@message'),
  ...roles('level', 'level', 'severity', 'lvl', 'levelname', 'log.level', '@level'),
  // The cluster's stamp is shown already, and the rest is the same in every line of a pod.
  ...roles('known', 'time', 'ts', 'timestamp', '@timestamp', 't', 'datetime', 'pid', 'hostname', 'v'),
  ...roles('error', 'err', 'error', 'exception'),
  ...roles('trace', 'stack', 'stacktrace', 'stack_trace', 'error.stack_trace', 'exc_info', 'traceback'),
])

function roles(role: JsonRole, ...names: readonly string[]): Array<[string, JsonRole]> {
  return names.map((name) => [name, role])
}

/** What a member of that name is for a reader; undefined for a field like others. */
export function roleOf(name: string): JsonRole | undefined {
  return ROLES.get(name)
}

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A record in the making: takes the members of an object in their order. */
export class JsonRecord {
  readonly #fields: LogField[] = []
  #message: string | undefined
  #level: Level | undefined
  #trace: string | undefined

  addText(name: string, role: JsonRole | undefined, value: string): void {
    if (role === undefined) this.#fields.push([name, value])
    else if (role === 'known') return
    else if (role === 'message' && this.#message === undefined) this.#message = value
    else if (role === 'level' && this.#level === undefined) this.#takeLevel(name, value, levelOfName(value))
    else if (role === 'trace') this.#trace ??= value
    else this.#fields.push([name, value])
  }

  /** A number, as it is shown and for a level its value; true, false and null; a list, as JSON. */
  addScalar(name: string, role: JsonRole | undefined, shown: string, value: number | undefined): void {
    if (role === 'known') return
    if (role === 'level' && this.#level === undefined)
      this.#takeLevel(name, shown, value === undefined ? undefined : levelOfNumber(value))
    else this.#fields.push([name, shown])
  }

  /** Is flattened by one step. */
  addObject(name: string, role: JsonRole | undefined, value: JsonObject): void {
    if (role === 'known') return
    if (role === 'level' && this.#level === undefined) this.#fields.push([name, show(value)])
    else if (role === 'error') this.#addError(name, value)
    else for (const key in value) this.#fields.push([`${name}.${key}`, show(value[key])])
  }

  finish(): LogRecord {
    return {
      format: 'json',
      level: this.#level,
      message: this.#message ?? '',
      fields: this.#fields,
      trace: this.#trace,
    }
  }

  /** A level of nobody's scale is worth showing as it is. */
  #takeLevel(name: string, shown: string, level: Level | undefined): void {
    this.#level = level
    if (level === undefined) this.#fields.push([name, shown])
  }

  /** A trace begins with type and message. */
  #addError(name: string, error: JsonObject): void {
    const { stack, message, type, ...rest } = error
    if (typeof stack === 'string') this.#trace ??= stack
    else {
      if (type !== undefined) this.#fields.push([`${name}.type`, show(type)])
      if (message !== undefined) this.#fields.push([name, show(message)])
    }
    for (const [key, value] of Object.entries(rest)) this.#fields.push([`${name}.${key}`, show(value)])
  }
}

/** A value of JSON on one line; a text as it is. */
export function show(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
