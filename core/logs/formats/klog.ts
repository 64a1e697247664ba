import { parsePairs } from '#core/logs/formats/logfmt.ts'
import type { Level } from '#core/logs/level.ts'
import type { LogField, LogRecord } from '#core/logs/record.ts'

/** `E1123 07:32:39.663019    1 reflector.go:147] text`: what Kubernetes' own programs write. */
const LINE = /^([DIWEF])\d{4} \d\d:\d\d:\d\d\.\d+\s+\d+ ([^\s\]]+:\d+)\] (.*)$/s
/** `"Started" kind="Pod"`: klog's structured form of the text. */
const STRUCTURED = /^("(?:[^"\\]|\\.)*")(?: (.*))?$/s

const LEVELS: Readonly<Record<string, Level>> = { D: 'debug', I: 'info', W: 'warn', E: 'error', F: 'fatal' }

export function parseKlog(text: string): LogRecord | undefined {
  const match = LINE.exec(text)
  if (match === null) return undefined
  const [, letter, place, rest] = match as unknown as [string, string, string, string]
  const { message, fields } = readText(rest)
  return {
    format: 'klog',
    level: LEVELS[letter],
    message,
    fields: [...fields, ['at', place]],
    trace: undefined,
  }
}

function readText(text: string): { readonly message: string; readonly fields: readonly LogField[] } {
  const match = STRUCTURED.exec(text)
  const fields = match?.[2] === undefined ? [] : parsePairs(match[2])
  if (match === null || fields === undefined) return { message: text, fields: [] }
  try {
    return { message: JSON.parse(match[1] as string) as string, fields }
  } catch {
    return { message: text, fields: [] }
  }
}
