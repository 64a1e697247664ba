/** How grave an event is, from the least to the gravest. */
export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export type Level = (typeof LEVELS)[number]

/** What loggers call them: pino, bunyan, winston, zap, logrus, Python's logging, syslog, Java's, Postgres. */
const NAMES: Readonly<Record<string, Level>> = {
  trace: 'trace',
  finest: 'trace',
  debug: 'debug',
  fine: 'debug',
  verbose: 'debug',
  info: 'info',
  information: 'info',
  informational: 'info',
  notice: 'info',
  log: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  err: 'error',
  severe: 'error',
  fatal: 'fatal',
  critical: 'fatal',
  crit: 'fatal',
  panic: 'fatal',
  dpanic: 'fatal',
  alert: 'fatal',
  emergency: 'fatal',
  emerg: 'fatal',
}

/** A level by its name, in any case; `DEBUG3` and `WARN:` count. Undefined for what is none. */
export function levelOfName(name: string): Level | undefined {
  const word = /^[a-z]{3,13}/.exec(name.toLowerCase())?.[0]
  return word !== undefined && Object.hasOwn(NAMES, word) ? NAMES[word] : undefined
}

/** A level by pino's number, 10 to 60; those between count as the one below, as pino's own levels do. */
export function levelOfNumber(number: number): Level | undefined {
  if (!(number >= 10 && number < 100)) return undefined
  return LEVELS[Math.min(5, Math.floor(number / 10) - 1)]
}

/** Whether `level` is at least as grave as `least`. */
export function isAtLeast(level: Level, least: Level): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least)
}
