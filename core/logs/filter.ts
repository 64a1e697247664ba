import { isAtLeast, type Level } from '#core/logs/level.ts'
import { parseRecord } from '#core/logs/recognise.ts'

/** Which lines somebody wants to see. */
export interface LogFilter {
  /** Any of these must match; none asked for is any line. */
  readonly include: readonly RegExp[]
  /** None of these may match. */
  readonly exclude: readonly RegExp[]
  /** The least grave that is of interest. A line that tells no level is shown: it may be the one that matters. */
  readonly level: Level | undefined
}

/**
 * Whether an event of that text, one line or several, is wanted; undefined for a filter that lets everything pass.
 * The level is that of its first line.
 */
export function createFilter(filter: LogFilter): ((text: string) => boolean) | undefined {
  const { include, exclude, level } = filter
  if (include.length === 0 && exclude.length === 0 && level === undefined) return undefined
  return (text) =>
    (include.length === 0 || include.some((pattern) => pattern.test(text))) &&
    !exclude.some((pattern) => pattern.test(text)) &&
    (level === undefined || isGraveEnough(text, level))
}

function isGraveEnough(text: string, least: Level): boolean {
  const end = text.indexOf('\n')
  const { level } = parseRecord(end === -1 ? text : text.slice(0, end))
  return level === undefined || isAtLeast(level, least)
}
