/**
 * One line of a container's log, as the cluster gives it with `timestamps=true`:
 *
 * ```
 *   2026-11-23T07:32:39.663019936Z the text
 *   2026-11-23T08:32:39.66+01:00 the text      a node may write its own zone, and leave out zeros
 * ```
 */

/** A moment with nanoseconds, in UTC and of fixed width: `2026-11-23T07:32:39.663019936Z`. Earlier ones sort first. */
export type Stamp = string & { readonly stamp: true }

export interface LogLine {
  /** Undefined for what has none: a message of the cluster itself in the middle of a log. */
  readonly stamp: Stamp | undefined
  readonly text: string
}

const FIXED = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{9}Z/
const FIXED_LENGTH = 30
const FRACTION_AT = 20
const SPACE = 0x20
const ZERO = 0x30
const NINE = 0x39
const LETTER_Z = 0x5a
const VARIABLE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)(?= |$)/
const SECOND_LENGTH = 19

/** Separates stamp and text. A line without a stamp is text alone. */
export function parseLine(line: string): LogLine {
  // Nearly all runtimes write the fixed form, which needs no conversion.
  if (isFixed(line))
    return { stamp: line.slice(0, FIXED_LENGTH) as Stamp, text: line.slice(FIXED_LENGTH + 1) }
  const match = VARIABLE.exec(line)
  const stamp = match && normalise(match[1] as string, match[2] ?? '', match[3] as string)
  return stamp ? { stamp, text: line.slice(match[0].length + 1) } : { stamp: undefined, text: line }
}

/** What is before the fraction of the stamp that was read last: most often the next one begins so, too. */
let knownSecond = ''

/** Whether a line begins with a stamp of the fixed form. Asked of every line, so it looks at no more than it must. */
function isFixed(line: string): boolean {
  if (line.length > FIXED_LENGTH && line.charCodeAt(FIXED_LENGTH) !== SPACE) return false
  if (knownSecond === '' || !line.startsWith(knownSecond)) {
    if (!FIXED.test(line)) return false
    // A copy, as a slice would keep alive the text around it.
    knownSecond = Buffer.from(line.slice(0, FRACTION_AT), 'latin1').toString('latin1')
    return true
  }
  for (let at = FRACTION_AT; at < FIXED_LENGTH - 1; at++) {
    const digit = line.charCodeAt(at)
    if (!(digit >= ZERO && digit <= NINE)) return false
  }
  return line.charCodeAt(FIXED_LENGTH - 1) === LETTER_Z
}

/** The text of a line and of those that go on with it. */
export function textOf(line: LogLine, rest: readonly LogLine[]): string {
  return rest.length === 0 ? line.text : [line, ...rest].map(({ text }) => text).join('\n')
}

/** The whole second of a stamp, without its zone: `2026-11-23T07:32:39`. Earlier ones sort first. */
export function secondOf(stamp: Stamp): string {
  return stamp.slice(0, SECOND_LENGTH)
}

/** The second `by` seconds after `second`, in the same form. */
export function addSeconds(second: string, by: number): string {
  return new Date(Date.parse(`${second}Z`) + by * 1_000).toISOString().slice(0, SECOND_LENGTH)
}

function normalise(second: string, fraction: string, zone: string): Stamp | undefined {
  const wall = Date.parse(`${second}${zone}`)
  if (Number.isNaN(wall)) return undefined
  return `${new Date(wall).toISOString().slice(0, SECOND_LENGTH)}.${fraction.padEnd(9, '0')}Z` as Stamp
}
