import type { LogEvent } from '#core/logs/events.ts'
import { LEVELS, type Level } from '#core/logs/level.ts'
import type { Stamp } from '#core/logs/line.ts'
import { parseRecord } from '#core/logs/recognise.ts'
import type { LogField } from '#core/logs/record.ts'
import type { LogSource } from '#core/logs/sources.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { Paint } from './error.ts'
import type { LogTimes } from './log-times.ts'

type LineEvent = Extract<LogEvent, { event: 'line' }>

const COLOURS = ['cyan', 'green', 'magenta', 'yellow', 'blue', 'red'] as const
/** Longer names push their line to the right and leave the others in peace. */
const NAME_WIDTH_LIMIT = 48
const NO_TIME = '-'
const AMBIGUOUS = /[\s"=]/
/** So short a value is looked at letter by letter, which is faster. */
const SHORT = 24

/** Levels stand in a column. */
const LEVEL_WIDTH = 5
const LEVEL_STYLES: Readonly<Record<Level, Parameters<Paint>[0]>> = {
  trace: 'dim',
  debug: 'dim',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: ['bold', 'red'],
}

/**
 * Lines of logs for a person: `POD  time  LEVEL message  name=value`, names in columns. A line of no known format is
 * shown as it is; the trace that a line carries inside follows on lines of its own.
 *
 * On a terminal each pod has a colour, and what would drive the terminal is shown as an escape. Elsewhere plain text
 * is as it was written.
 */
export class LogLineRenderer {
  readonly #paint: Paint
  readonly #dim: Brush
  readonly #yellow: Brush
  readonly #levels: Readonly<Record<Level, string>>
  readonly #terminal: boolean
  readonly #times: LogTimes
  readonly #names = new Map<string, string>()
  #width = 0

  constructor(paint: Paint, terminal: boolean, times: LogTimes) {
    this.#paint = paint
    this.#dim = brush(paint, 'dim')
    this.#yellow = brush(paint, 'yellow')
    this.#levels = mapLevels((level) => paint(LEVEL_STYLES[level], level.toUpperCase().padEnd(LEVEL_WIDTH)))
    this.#terminal = terminal
    this.#times = times
  }

  render({ source, line, rest, late }: LineEvent): string {
    const name = this.#nameOf(source)
    const start = `${name}  ${this.#timeOf(line.stamp, late)}  `
    let shown = this.#tidy(line.text, start)
    for (const { stamp, text } of rest)
      shown += `\n${name}  ${this.#timeOf(stamp, late)}  ${this.#plain(text)}`
    return shown
  }

  #timeOf(stamp: Stamp | undefined, late: boolean): string {
    const time = stamp === undefined ? NO_TIME : this.#times.format(stamp)
    return this.#terminal ? (late ? this.#yellow : this.#dim)(time) : time
  }

  /** Each line of it after `start`. Strings are only ever added to: this is done for every line of every pod. */
  #tidy(text: string, start: string): string {
    const { format, level, message, fields, trace, isPrintable } = parseRecord(text)
    if (format === 'plain') return start + this.#plain(text)
    const safe = isPrintable ? asItIs : neutralise
    const end = message.indexOf('\n')
    const first = end === -1 ? message : message.slice(0, end)
    let shown = level === undefined ? start : start + this.#levels[level]
    if (first !== '') shown += (level === undefined ? '' : ' ') + safe(first)
    if (fields.length > 0) {
      const rest = safe(formatFields(fields))
      if (first !== '') shown += `  ${this.#dim(rest)}`
      else shown += (level === undefined ? '' : ' ') + rest
    }
    const further = end === -1 ? [] : message.slice(end + 1).split('\n')
    if (trace !== undefined) further.push(...trace.trimEnd().split('\n'))
    for (const line of further) shown += `\n${start}  ${safe(line)}`
    return shown
  }

  #plain(text: string): string {
    return this.#terminal ? neutralise(text) : text
  }

  #nameOf(source: LogSource): string {
    const plain = sourceName(source)
    const known = this.#names.get(plain)
    if (known !== undefined) return known
    if (plain.length > this.#width && plain.length <= NAME_WIDTH_LIMIT) {
      this.#width = plain.length
      const earlier = [...this.#names.keys()]
      for (const [index, name] of earlier.entries()) this.#names.set(name, this.#paintName(name, index))
    }
    const name = this.#paintName(plain, this.#names.size)
    this.#names.set(plain, name)
    return name
  }

  #paintName(name: string, index: number): string {
    return this.#paint(COLOURS[index % COLOURS.length] as (typeof COLOURS)[number], name.padEnd(this.#width))
  }
}

/** Puts one colour on text. */
type Brush = (text: string) => string

/** Made once: to ask for the colour of every line again takes longer than the line. */
function brush(paint: Paint, style: Parameters<Paint>[0]): Brush {
  const [before = '', after = ''] = paint(style, '|').split('|')
  return (text) => before + text + after
}

function mapLevels<T>(map: (level: Level) => T): Readonly<Record<Level, T>> {
  return Object.fromEntries(LEVELS.map((level) => [level, map(level)])) as Record<Level, T>
}

/** The pod; its namespace where there are several, and the container where the pod has others. */
export function sourceName({ namespace, pod, container, oneOfNamespaces, oneOfSeveral }: LogSource): string {
  return `${oneOfNamespaces ? `${namespace}/` : ''}${pod}${oneOfSeveral ? `/${container}` : ''}`
}

/** As logfmt has it: quotes where a reader could not tell where the value ends. */
function formatFields(fields: readonly LogField[]): string {
  let text = ''
  for (const [name, value] of fields) {
    const shown = isUnambiguous(value) ? value : JSON.stringify(value)
    text += text === '' ? `${name}=${shown}` : ` ${name}=${shown}`
  }
  return text
}

function isUnambiguous(value: string): boolean {
  const { length } = value
  if (length === 0) return false
  if (length <= SHORT)
    for (let at = 0; ; at++) {
      if (at === length) return true
      const code = value.charCodeAt(at)
      // What is not ASCII may be a space of its own.
      if (code <= 0x20 || code === 0x22 || code === 0x3d || code > 0x7e) break
    }
  return !AMBIGUOUS.test(value)
}

function asItIs(text: string): string {
  return text
}
