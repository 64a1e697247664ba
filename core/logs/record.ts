import type { Level } from '#core/logs/level.ts'

export type LogFormat = 'json' | 'logfmt' | 'klog' | 'access' | 'postgres' | 'plain'

/** What a line of a log says, whatever it was written by. */
export interface LogRecord {
  readonly format: LogFormat
  /** Undefined where the line tells none. */
  readonly level: Level | undefined
  /** What a person reads first; the whole line of a plain one. */
  readonly message: string
  /** The rest, in the order in which it was written; objects are flattened by one step, `req.method`. */
  readonly fields: readonly LogField[]
  /** Where an error came from, several lines, when the line carries it inside. */
  readonly trace: string | undefined
  /** Known to hold nothing but printable ASCII; absent where nobody has looked. */
  readonly isPrintable?: true
}

export type LogField = readonly [name: string, value: string]
